package chaintest

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/staking"
)

// battle is where the attacks happen.
type battle struct {
	*world
	client, worker, thief *party // the thief has a confidential account too
	committee             [4]*party
	job                   *job // of 1,000 units, proven
}

const (
	battleDeposit = elgamal.Amount(500_000)
	battleFee     = elgamal.Amount(1_000)
)

// attacks does what payment systems of this kind have fallen to.
func attacks(t *testing.T, w *world) {
	b := &battle{world: w, committee: w.newCommittee(t)}
	b.client, b.thief = w.newClient(t, "client", battleDeposit), w.newClient(t, "thief", 1_000)
	b.worker = w.newWorker(t, "worker", sage(5_000), year)
	b.job = w.submit(t, b.client, b.worker, battleFee)
	for _, attack := range []struct {
		name string
		run  func(*testing.T, *battle)
	}{
		{"fabricated proofs", fabricatedProofs},
		{"a proof with security parameters of its own", ownSecurityParameters},
		{"votes that are worth nothing here", foreignVotes},
		{"a vote that counts twice", doubleVotes},
		{"a gate that moves no money", idleGate},
		{"the same payment again, with other randomness", rerandomizedReplay},
		{"a withdrawal that was overheard", stolenWithdrawal},
		{"a ragequit that was overheard", stolenRagequit},
		{"more than there is", overspending},
		{"less than nothing", negativeAmounts},
		{"a range proof of another number", unlinkedRangeProof},
		{"a second generator with a known logarithm", knownLogarithm},
		{"amounts that overflow", overflows},
		{"randomness that anybody can read", publicRandomness},
		{"a slash that blocks a withdrawal", slashAfterUnstake},
		{"tables of stakes that disagree", stakeTables},
		{"newcomers that are trusted", trustedNewcomers},
		{"an owner that takes what is not its own", greedyOwner},
		{"a transaction that only seems to succeed", falseSuccess},
	} {
		t.Run(attack.name, func(t *testing.T) { attack.run(t, b) })
	}
}

// repelled sends a call that must revert for a reason, and change nothing for the
// parties of the battle.
func (b *battle) repelled(t *testing.T, code string, by *party, call chain.Call) {
	t.Helper()
	before := b.standing(t)
	r, err := by.send(t, call)
	if !refusedFor(err, code) {
		t.Fatalf("%s: %v, want %s", by.name, err, code)
	}
	if traces := b.traces(t, r); !r.Reverted || len(traces) != 0 {
		t.Errorf("the attack left traces: %v", traces)
	}
	if !slices.EqualFunc(before, b.standing(t), func(x, y []chain.Felt) bool { return slices.Equal(x, y) }) {
		t.Error("the attack moved money")
	}
}

// standing is what everybody has.
func (b *battle) standing(t *testing.T) [][]chain.Felt {
	t.Helper()
	var calls []chain.Call
	for _, p := range []*party{b.client, b.worker, b.thief, b.owner} {
		calls = append(calls, b.token.call(sagetoken.BalanceOfCall(p.Address())), b.privacy.call(privacyrouter.AccountCall(p.Address())),
			b.staking.call(stakingmanager.StakeOfCall(p.Address())))
	}
	return b.views(t, append(calls, b.payments.call(paymentrouter.PaymentCall(paymentrouter.JobID{Value: b.job.id})),
		b.jobs.call(jobmanager.JobCall(b.job.key()))))
}

func fabricatedProofs(t *testing.T, b *battle) {
	d := b.sample(t, b.job)
	real := d.proof
	if err := d.verify(real); err != nil {
		t.Fatalf("the proof itself: %v", err)
	}
	for i := range 64 {
		forged := slices.Clone(real)
		forged[i*len(real)/64] ^= 1 << (i % 8)
		d.refutes(t, "a changed proof", forged)
	}
	d.refutes(t, "no proof", nil)
	d.refutes(t, "half a proof", real[:len(real)/2])
	d.refutes(t, "a proof and more", append(slices.Clone(real), 0))
	d.refutes(t, "zeros", make([]byte, len(real)))

	b.job.resultRoot, b.job.proofHash = d.resultRoot, d.proofHash
	b.job.accept(t)
	b.job.prove(t)
	// Nobody but the validators can call it valid.
	b.repelled(t, "NO_VERDICT", b.worker, b.job.finalizeCall())
	own := b.certificate(t, b.job.factID(), valid, b.committee[:3]...)
	for i := range own.Signatures {
		own.Signatures[i] = proofverifier.Signature(b.worker.signs(t, voteHash(b.chainID, own.Epoch, b.setRoot(t, own.Epoch), b.job.factID(), valid)))
	}
	b.repelled(t, "BAD_SIGNATURE", b.worker, b.verifier.call(proofverifier.RecordCertificateCall(b.job.fact(), own)))
}

// verify verifies a proof of what was delivered.
func (d *delivery) verify(data []byte) error {
	p, err := proof.Parse(data)
	if err != nil {
		return err
	}
	_, err = proof.Verify(d.statement, p, proof.Std)
	return err
}

func (d *delivery) refutes(t *testing.T, what string, data []byte) {
	t.Helper()
	if err := d.verify(data); !errors.Is(err, proof.ErrInvalid) {
		t.Errorf("%s: %v", what, err)
	}
}

// ownSecurityParameters proves under another profile than the job's, and certifies
// the job's result as one of another profile.
func ownSecurityParameters(t *testing.T, b *battle) {
	p := prover.New(prover.Options{})
	in := must(p.Input(t.Context(), program, input, proof.Fast))(t)
	result := must(p.Prove(t.Context(), in, b.job.id.Bytes()))(t)
	if _, err := proof.Verify(result.Statement, result.Proof, proof.Fast); err != nil {
		t.Fatalf("under its own profile: %v", err)
	}
	if _, err := proof.Verify(result.Statement, result.Proof, proof.Std); !errors.Is(err, proof.ErrInvalid) {
		t.Errorf("under the job's profile: %v", err)
	}
	other := *b.job
	other.profile = "fast"
	other.certify(t, valid, b.committee[:3]...)
	b.repelled(t, "NO_VERDICT", b.worker, b.job.finalizeCall())
}

// foreignVotes presents the votes of a whole committee for something else.
func foreignVotes(t *testing.T, b *battle) {
	epoch, fact := b.epoch(t), b.job.factID()
	b.nextEpoch(t)
	for name, hash := range map[string]chain.Felt{
		"on another chain":  voteHash(text("SN_MAIN"), epoch+1, b.setRoot(t, epoch+1), fact, valid),
		"of another epoch":  voteHash(b.chainID, epoch, b.setRoot(t, epoch), fact, valid),
		"of another set":    voteHash(b.chainID, epoch+1, chain.Uint(1), fact, valid),
		"on another job":    voteHash(b.chainID, epoch+1, b.setRoot(t, epoch+1), b.newJob(t, b.client, b.worker, 0).factID(), valid),
		"against the proof": voteHash(b.chainID, epoch+1, b.setRoot(t, epoch+1), fact, invalid),
	} {
		t.Run(name, func(t *testing.T) {
			c := b.certificateOf(t, epoch+1, fact, valid, b.committee[:]...)
			for _, v := range b.committee {
				c.Signatures[v.index(t, epoch+1)] = proofverifier.Signature(v.signs(t, hash))
			}
			b.repelled(t, "BAD_SIGNATURE", b.thief, b.verifier.call(proofverifier.RecordCertificateCall(b.job.fact(), c)))
		})
	}
}

// doubleVotes lets one validator and half of the weight pass for a quorum.
func doubleVotes(t *testing.T, b *battle) {
	c := b.certificate(t, b.job.factID(), valid, b.committee[0], b.committee[1])
	record := func(c proofverifier.Certificate) chain.Call {
		return b.verifier.call(proofverifier.RecordCertificateCall(b.job.fact(), c))
	}
	b.repelled(t, "NO_QUORUM", b.thief, record(c))
	twice := c
	twice.Signatures = append(slices.Clone(c.Signatures), c.Signatures...)
	b.repelled(t, "SIGNATURE_COUNT", b.thief, record(twice))
	twice.Bitmap = 1<<4 - 1
	b.repelled(t, "BAD_SIGNATURE", b.thief, record(twice))
	twice.Bitmap = c.Bitmap | c.Bitmap<<4
	b.repelled(t, "BAD_INDEX", b.thief, record(twice))

	// Nor can one key vote in two places.
	b.thief.stake(t, sage(10_000), "Validator", year)
	hash := possessionHash(b.chainID, b.registry.address, b.thief.Address())
	entry := validatorregistry.RegisterCall(u256(sage(10_000)), b.committee[0].hot.PublicKey(), validatorregistry.Signature(b.committee[0].signs(t, hash)))
	b.repelled(t, "KEY_IN_USE", b.thief, b.registry.call(entry))

	b.job.certify(t, valid, b.committee[:3]...)
	b.repelled(t, "FACT_RECORDED", b.thief, record(b.certificate(t, b.job.factID(), valid, b.committee[:]...)))
}

// idleGate follows the money through the gate, which is open now.
func idleGate(t *testing.T, b *battle) {
	equal(t, "client's balance", b.client.balance(t), battleDeposit-battleFee)
	equal(t, "worker's pending", b.worker.pending(t), 0)
	b.owner.do(t, b.job.finalizeCall())
	equal(t, "worker's pending before the release", b.worker.pending(t), 0)
	b.owner.do(t, b.job.releaseCall(t))
	equal(t, "worker's pending", b.worker.pending(t), battleFee)

	b.worker.do(t, b.worker.rolloverCall(t))
	before, value := b.worker.tokens(t), must(b.rate.BaseUnits(battleFee))(t)
	b.worker.do(t, b.worker.withdrawCall(t, battleFee, b.worker))
	equal(t, "worker's balance", b.worker.balance(t), 0)
	amount(t, "worker's tokens", b.worker.tokens(t), before.Add(before, value))
}

// rerandomizedReplay releases a payment again, and pays for a job again, under
// identifiers that do not depend on randomness.
func rerandomizedReplay(t *testing.T, b *battle) {
	p := b.job.paid(t)
	b.repelled(t, "BAD_STATE", b.worker, b.job.releaseCall(t))
	f := feeFelts(p.Fee)
	anew := must(elgamal.Rerandomize(b.worker.secret.Public(), must(elgamal.ParseCiphertext(f[:]))(t)))(t).Felts()
	fee := paymentrouter.Ciphertext{L: paymentrouter.Point{X: anew[0], Y: anew[1]}, R: paymentrouter.Point{X: anew[2], Y: anew[3]}}
	b.repelled(t, "BAD_STATE", b.worker, b.job.release(b.worker.Address(), fee, p.ProofHash))
	again := *b.job
	again.lock, again.deadline = b.now(t)+3600, b.now(t)+7200
	b.repelled(t, "JOB_EXISTS", b.client, again.submitCall(again.payment(t)))

	// Two payments for one nonce: whichever comes first, the other is void.
	first, second := b.client.transferCall(t, b.worker, 10), b.client.transferCall(t, b.worker, 10)
	b.client.do(t, first)
	b.repelled(t, "PROOF_KEY", b.client, second)
	b.repelled(t, "PROOF_KEY", b.client, first)
}

// stolenWithdrawal lets the thief see a withdrawal before it is in a block.
func stolenWithdrawal(t *testing.T, b *battle) {
	call := b.client.withdrawCall(t, 5_000, b.client)
	b.repelled(t, "PROOF_KEY", b.thief, call)
	b.repelled(t, "PROOF_KEY", b.thief, withArgument(call, 1, b.thief.Address()))
	b.repelled(t, "PROOF_KEY", b.client, withArgument(call, 1, b.thief.Address()))
	b.repelled(t, "PROOF_KEY", b.client, withArgument(call, 0, chain.Uint(5_001)))
	before := b.client.tokens(t)
	b.client.do(t, call)
	amount(t, "client's tokens", b.client.tokens(t), before.Add(before, sage(5)))
	b.repelled(t, "PROOF_KEY", b.client, call)
}

func stolenRagequit(t *testing.T, b *battle) {
	call := b.thief.ragequitCall(t, b.thief)
	b.repelled(t, "PROOF_KEY", b.client, call)
	b.repelled(t, "PROOF_KEY", b.client, withArgument(call, 1, b.client.Address()))
	b.repelled(t, "PROOF_KEY", b.thief, withArgument(call, 1, b.client.Address()))
	b.repelled(t, "PROOF_KEY", b.thief, withArgument(call, 0, chain.Uint(1_001)))
	before := b.thief.tokens(t)
	b.thief.do(t, call)
	amount(t, "thief's tokens", b.thief.tokens(t), before.Add(before, sage(1)))
	b.repelled(t, "PROOF_KEY", b.thief, call)
}

// overspending forges proofs for more than the balance, which is 0 by now.
func overspending(t *testing.T, b *battle) {
	f := b.thief.forger(t, 0, 0)
	f.remainder = big64(-500)
	s := b.thief.withdrawal(t, 500, b.thief.Address())
	for _, bits := range []uint64{0, 1<<elgamal.Bits - 500} {
		f.remainderBits = bits
		b.repelled(t, "PROOF_REMAINDER_COMMITMENT", b.thief, b.privacy.call(privacyrouter.WithdrawCall(500, s.Recipient, f.withdrawal(t, s))))
	}
	f.remainder = new(big.Int)
	b.repelled(t, "PROOF_BALANCE", b.thief, b.privacy.call(privacyrouter.WithdrawCall(500, s.Recipient, f.withdrawal(t, s))))

	q := b.thief.ragequit(t, 500, b.thief.Address())
	b.repelled(t, "PROOF_BALANCE", b.thief, b.privacy.call(privacyrouter.RagequitCall(500, q.Recipient, f.ragequit(t, q))))

	f = b.thief.forger(t, 0, 0)
	f.amount, f.amountBits, f.remainder = big64(500), 500, big64(-500)
	b.repelled(t, "PROOF_REMAINDER_COMMITMENT", b.thief, b.forged(t, b.thief, f))
}

// forged is a transfer to the worker.
func (b *battle) forged(t *testing.T, from *party, f *forgery) chain.Call {
	t.Helper()
	transfer := f.transfer(t, from.statement(t, b.worker, from.context(t, elgamal.OpTransfer)))
	return b.privacy.call(privacyrouter.TransferCall(b.worker.Address(), transfer))
}

// negativeAmounts transfers -500, which would leave the thief with 500.
func negativeAmounts(t *testing.T, b *battle) {
	f := b.thief.forger(t, 0, 0)
	f.amount, f.remainder, f.remainderBits = big64(-500), big64(500), 500
	for _, bits := range []uint64{0, 500, 1<<elgamal.Bits - 500} {
		f.amountBits = bits
		b.repelled(t, "PROOF_HASH", b.thief, b.forged(t, b.thief, f))
	}
	f.amountBits, f.excess = 0, big64(-500)
	b.repelled(t, "PROOF_BIT", b.thief, b.forged(t, b.thief, f))
}

// unlinkedRangeProof has valid bits of a number that is not in the ciphertext.
func unlinkedRangeProof(t *testing.T, b *battle) {
	f := b.client.forger(t, b.client.balance(t), 10)
	f.amountBits = 11
	b.repelled(t, "PROOF_HASH", b.client, b.forged(t, b.client, f))
	f = b.client.forger(t, b.client.balance(t), 10)
	f.remainderBits++
	b.repelled(t, "PROOF_REMAINDER_COMMITMENT", b.client, b.forged(t, b.client, f))
	f = b.client.forger(t, b.client.balance(t), 10)
	f.parts = func(_, received, _, _ *[2]point2) { received[0] = product(received[0], power(baseG, big64(1_000_000))) }
	b.repelled(t, "PROOF_OTHER_CIPHERTEXT", b.client, b.forged(t, b.client, f))
}

// knownLogarithm derives h anew, as the specification says, and forges under a
// generator whose logarithm it knows.
func knownLogarithm(t *testing.T, b *battle) {
	var h point2
	for i := uint64(1); !h.IsOnCurve() || h.IsInfinity(); i++ {
		x := poseidon.HashMany(text("bitsage.elgamal.h"), chain.Uint(i))
		h = pointAt(x, rootOf(x))
	}
	equal(t, "h", h, baseH)

	trapdoor := scalar(t)
	f := b.thief.forger(t, 0, 0)
	f.h = power(baseG, trapdoor)
	f.amount, f.remainder, f.remainderBits = big64(-500), big64(500), 500
	b.repelled(t, "PROOF_HASH", b.thief, b.forged(t, b.thief, f))
	f = b.client.forger(t, b.client.balance(t), 10) // even if all is as it should be
	f.h = power(baseG, trapdoor)
	b.repelled(t, "PROOF_HASH", b.client, b.forged(t, b.client, f))
}

// beta is the constant of the curve's equation, y^2 = x^3 + x + beta.
var beta = felt.MustParse("0x6f21413efbe40de150e596d72f7a8c5609ad26c15c915c1f4cdfcb99cee9e89")

// rootOf is the even y of a point, or something that is none.
func rootOf(x chain.Felt) (y chain.Felt) {
	y.Square(&x).Mul(&y, &x).Add(&y, &x).Add(&y, &beta)
	root := fp.Element(y)
	if root.Sqrt(&root) == nil {
		return y
	}
	if y = chain.Felt(root); y.Bits()[0]&1 == 1 {
		y.Neg(&y)
	}
	return y
}

// overflows deposits numbers at the edges of every type they pass through.
func overflows(t *testing.T, b *battle) {
	b.client.do(t, b.token.call(sagetoken.ApproveCall(b.privacy.address, largest)))
	deposit := func(amount uint64) chain.Call {
		return b.privacy.call(privacyrouter.DepositCall(amount, b.client.owns(t, b.client.context(t, elgamal.OpDeposit), chain.Uint(amount))))
	}
	b.repelled(t, "PROOF_AMOUNT", b.client, deposit(1<<40))
	b.repelled(t, "PROOF_AMOUNT", b.client, deposit(1<<64-1))
	b.repelled(t, "INSUFFICIENT_BALANCE", b.client, deposit(1<<40-1))
	b.repelled(t, "INSUFFICIENT_BALANCE", b.client, b.token.call(sagetoken.TransferCall(b.thief.Address(), largest)))
	b.client.do(t, b.token.call(sagetoken.ApproveCall(b.staking.address, largest)))
	b.repelled(t, "u256_add Overflow", b.client, b.staking.call(stakingmanager.StakeCall(largest, text("T4"), week)))

	// More base units than a u64 can hold.
	const many = 20_000
	b.owner.pays(t, b.client, sage(20))
	before, tokens := b.client.balance(t), b.client.tokens(t)
	b.client.do(t, deposit(many))
	equal(t, "client's balance", b.client.balance(t), before+many)
	amount(t, "client's tokens", b.client.tokens(t), tokens.Sub(tokens, sage(20)))

	// All tokens there are fit in the range of amounts, so no sum can leave it.
	if !b.rate.Covers(b.books.supply) {
		t.Error("the supply is worth more than the largest amount")
	}
}

// publicRandomness looks for the randomness of a ciphertext, and for secrets, in what
// is sent.
func publicRandomness(t *testing.T, b *battle) {
	j := b.newJob(t, b.client, b.worker, battleFee)
	first, second := j.payment(t), j.payment(t)
	if slices.Equal(first[:4], second[:4]) || slices.Equal(first[4:8], second[4:8]) {
		t.Error("two encryptions of one amount are the same")
	}
	r := pointAt(first[6], first[7])
	secrets := map[point2]string{r: "the randomness", toCurve(b.client.secret.Public().Point): "the client's key", toCurve(b.worker.secret.Public().Point): "the worker's key"}
	for i, f := range append(first, second...) {
		if what, ok := secrets[power(baseG, f.BigInt(new(big.Int)))]; ok {
			t.Errorf("felt %d is %s", i, what)
		}
	}
}

// slashAfterUnstake slashes a worker while a part of its stake is unbonding.
func slashAfterUnstake(t *testing.T, b *battle) {
	worker := b.newWorker(t, "worker", sage(3_000), 7*day)
	j := b.newJob(t, b.client, worker, battleFee)
	j.deadline += 30 * 24 * 3600
	b.client.do(t, j.submitCall(j.payment(t)))
	j.accept(t)
	b.pass(t, 8*day)
	b.nextEpoch(t)
	worker.do(t, b.staking.call(stakingmanager.RequestUnstakeCall(u256(sage(1_900)))))
	j.prove(t)
	j.certify(t, invalid, b.committee[:3]...)
	b.owner.do(t, j.finalizeCall())
	s := worker.stakeOf(t)
	amount(t, "stake", s.Amount.Big(), sage(1_100))
	amount(t, "unbonding", s.Unbonding.Big(), sage(1_600)) // a tenth of 3,000 is gone
	b.pass(t, 8*day)
	worker.do(t, b.staking.call(stakingmanager.CompleteUnstakeCall()))
	worker.do(t, b.staking.call(stakingmanager.DeregisterCall()), b.staking.call(stakingmanager.RequestUnstakeCall(u256(sage(1_100)))))
	b.pass(t, 8*day)
	worker.do(t, b.staking.call(stakingmanager.CompleteUnstakeCall()))
	amount(t, "worker's tokens", worker.tokens(t), sage(2_700))
}

// stakeTables compares the table of package staking with the contract's.
func stakeTables(t *testing.T, b *battle) {
	minimum := func(name string) *big.Int {
		return view(t, b.world, b.staking.call(stakingmanager.MinimumStakeCall(text(name))), stakingmanager.DecodeMinimumStake).Big()
	}
	for _, tier := range staking.Tiers() {
		for _, name := range append(tier.Models(), tier.String()) {
			amount(t, name, minimum(name), tier.Minimum().Base())
		}
	}
	amount(t, "bond of the worker", staking.TierConsumer.Bond().Base(), sage(100))
}

func trustedNewcomers(t *testing.T, b *battle) {
	p := b.newcomer(t, "newcomer")
	level := func() reputationmanager.Level {
		return view(t, b.world, b.reputation.call(reputationmanager.LevelCall(p.Address())), reputationmanager.DecodeLevel)
	}
	equal(t, "level of nobody", level(), reputationmanager.LevelUnknown)
	p.do(t, b.reputation.call(reputationmanager.InitializeCall()))
	equal(t, "level at first", level(), reputationmanager.LevelNewcomer)
	b.pass(t, 400*day)
	equal(t, "level a year later", level(), reputationmanager.LevelNewcomer)
	equal(t, "reputation a year later", p.reputation(t), 500)
	p = b.worker // has finalized one job
	equal(t, "level after a job", level(), reputationmanager.LevelNewcomer)
	b.repelled(t, "UNAUTHORIZED", p, b.reputation.call(reputationmanager.RecordCall(p.Address(), reputationmanager.OutcomeFinalized)))
}

// greedyOwner tries what the coordinator of another system could do.
func greedyOwner(t *testing.T, b *battle) {
	some, o := u256(sage(1)), b.owner
	stake := b.worker.Address()
	for _, try := range []struct {
		code string
		c    contract
		call cairo.Call
	}{
		{"INSUFFICIENT_ALLOWANCE", b.token, sagetoken.TransferFromCall(b.privacy.address, o.Address(), some)},
		{"INSUFFICIENT_ALLOWANCE", b.token, sagetoken.TransferFromCall(b.staking.address, o.Address(), some)},
		{"INSUFFICIENT_ALLOWANCE", b.token, sagetoken.TransferFromCall(b.worker.Address(), o.Address(), some)},
		{"UNAUTHORIZED", b.staking, stakingmanager.SlashCall(stake, some, text("GREED"), o.Address())},
		{"UNAUTHORIZED", b.staking, stakingmanager.SeizeBondCall(stake, some, o.Address())},
		{"ALREADY_CONFIGURED", b.staking, stakingmanager.ConfigureCall(o.Address(), o.Address())},
		{"ALREADY_CONFIGURED", b.jobs, jobmanager.ConfigureCall(o.Address())},
		{"ALREADY_CONFIGURED", b.privacy, privacyrouter.ConfigureCall(o.Address())},
		{"ALREADY_CONFIGURED", b.registry, validatorregistry.ConfigureCall(o.Address())},
		{"ALREADY_CONFIGURED", b.reputation, reputationmanager.ConfigureCall(o.Address())},
		{"UNAUTHORIZED", b.payments, paymentrouter.SettleCall(paymentrouter.JobID{Value: b.job.id}, b.job.proofHash)},
		{"UNAUTHORIZED", b.payments, paymentrouter.RefundCall(paymentrouter.JobID{Value: b.job.id})},
		{"UNAUTHORIZED", b.privacy, privacyrouter.CreditCall(o.Address(), b.client.account(t).Balance)},
		{"UNAUTHORIZED", b.privacy, privacyrouter.DebitCall(privacyrouter.JobID{Value: b.job.id}, b.client.Address(), o.Address(), nil)},
	} {
		b.repelled(t, try.code, o, try.c.call(try.call))
	}
	// A pause stops nobody from taking money out.
	o.do(t, b.privacy.call(privacyrouter.PauseCall()), b.staking.call(stakingmanager.PauseCall()), b.jobs.call(jobmanager.PauseCall()))
	b.client.do(t, b.client.rolloverCall(t))
	b.client.do(t, b.client.withdrawCall(t, 1, b.client))
	b.thief.do(t, b.thief.ragequitCall(t, b.thief))
	o.do(t, b.privacy.call(privacyrouter.UnpauseCall()), b.staking.call(stakingmanager.UnpauseCall()), b.jobs.call(jobmanager.UnpauseCall()))
}

// falseSuccess wants every way to send a transaction to say that it failed.
func falseSuccess(t *testing.T, b *battle) {
	call := b.token.call(sagetoken.TransferCall(b.client.Address(), u256(sage(1_000_000_000))))
	if _, err := b.thief.WithFees(chain.FeePolicy{}).Execute(t.Context(), call); !errors.Is(err, chain.ErrExecution) {
		t.Errorf("with an estimate: %v", err)
	}
	hash, err := b.thief.Execute(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	var revert *chain.RevertError
	if r, err := b.thief.Wait(t.Context(), hash); !errors.As(err, &revert) || revert.Hash != hash || r == nil || !r.Reverted || r.Err() == nil {
		t.Errorf("Wait: %v", err)
	}
	status, err := b.Client.TransactionStatus(t.Context(), hash)
	if err != nil || !status.Reverted {
		t.Errorf("status: %+v %v", status, err)
	}
}
