package twin

import (
	"flag"
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo/cairotest"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/sim"
)

var (
	simSeeds = flag.Uint64("sim.seeds", 20, "number of seeds to run")
	simFirst = flag.Uint64("sim.first", 0, "the first seed")
)

// TestSimulator brings the same operations before the twins and before the simulator's model
// of the contracts, in an order that follows from a seed, and wants the same answers and
// after each the same balances. Not compared is what the model leaves out: epochs that are
// not over, evidence that is too old, stakes that are locked, calls by the wrong account.
func TestSimulator(t *testing.T) {
	base := newScene(t)
	outcomes := make(map[string]int)
	for seed := *simFirst; seed < *simFirst+*simSeeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { newDuel(t, base, seed).fight(outcomes) })
		if t.Failed() {
			t.Fatalf("to repeat it: go test ./chain/ledger/internal/twin -run TestSimulator -sim.first=%d -sim.seeds=1", seed)
		}
	}
	if *simSeeds < 20 {
		return
	}
	for _, what := range []string{
		"proof", "proof BAD_STATE", "proof TOO_LATE", "certificate", "certificate BAD_EPOCH", "certificate BAD_VERDICT",
		"certificate FACT_RECORDED", "certificate NO_QUORUM", "certificate BAD_SIGNATURE", "certificate SIGNATURE_COUNT",
		"certificate BAD_INDEX", "finalize", "finalize BAD_STATE", "finalize NO_VERDICT", "expire", "expire BAD_STATE",
		"expire TOO_EARLY", "expire HAS_VERDICT", "payment", "payment BAD_STATE", "two proofs", "two proofs BAD_STATE",
		"two proofs ALREADY_SLASHED", "two proofs NO_OFFENCE", "equivocation", "equivocation BAD_EPOCH", "equivocation BAD_INDEX",
		"equivocation BAD_SIGNATURE", "equivocation ALREADY_SLASHED", "false verdict", "false verdict NO_OFFENCE",
		"false verdict BAD_EPOCH", "false verdict BAD_INDEX", "false verdict BAD_SIGNATURE", "false verdict ALREADY_SLASHED",
	} {
		if outcomes[what] == 0 {
			t.Errorf("in no seed: %s", what)
		}
	}
}

// duel is the two of them in one run.
type duel struct {
	*scene
	*rand.Rand
	model  *sim.Model
	foes   []cairo.Address // validators, the last of whom joins late and is honest
	stakes []*big.Int
	joined int
	sets   []*consensus.ValidatorSet // by epoch, from 1 on
	owners [][]int                   // of the places in them
	supply *big.Int
	held   map[cairo.Address]holds
	seen   map[string]int
	step   string
	again  func() // the last accusation
}

// holds is an encrypted balance that was decrypted, and what was in it.
type holds struct {
	account confidential
	units   elgamal.Amount
}

func newDuel(t *testing.T, base *scene, seed uint64) *duel {
	s := *base
	s.t, s.w = t, base.w.Fork(t)
	d := &duel{scene: &s, Rand: rand.New(rand.NewPCG(seed, 5)), held: make(map[cairo.Address]holds)}
	for i := range 2 + d.IntN(4) {
		d.foes = append(d.foes, cairotest.Account(uint64(100+i)))
		d.stakes = append(d.stakes, new(big.Int).Add(sageAmount(10_000+d.Int64N(3)*d.Int64N(8_000)), big.NewInt(d.Int64N(1_000))))
	}
	d.w.Block.Time -= minLock
	for d.joined < len(d.foes)-1 {
		d.register()
	}
	d.w.Block.Time += minLock
	var workers, clients []*big.Int
	for _, p := range d.workers {
		workers = append(workers, p.wealth)
	}
	for _, p := range d.clients {
		clients = append(clients, p.wealth)
	}
	d.model = sim.NewModel(d.stakes, workers, clients, d.accepted)
	d.model.SetTime(d.w.Block.Time)
	d.supply = cairotest.Look[cairo.U256](d.w, d.token, "total_supply").Big()
	d.advance()
	return d
}

// register makes a validator of the next one.
func (d *duel) register() {
	i := d.joined
	v, key, amount := d.foes[i], sim.ValidatorKey(i), cairo.U256FromBig(d.stakes[i])
	d.give(v, d.staking, d.stakes[i])
	d.must(v, d.staking, "stake", amount, cairo.ShortString("Validator"), minLock)
	hash := cairotest.Look[felt.Felt](d.w, d.registry, "possession_hash", v)
	d.must(v, d.registry, "register", amount, key.PublicKey(), d.signs(key, hash))
	d.joined++
}

func (d *duel) fight(outcomes map[string]int) {
	d.seen = outcomes
	for range 80 {
		switch d.IntN(20) {
		case 0:
			d.pass(d.Uint64N(3600))
		case 1:
			d.atDeadline()
		case 2, 3:
			d.submitProof(d.claim())
		case 4, 5, 6, 7, 8:
			d.certify()
		case 9, 10:
			i, id := d.job()
			d.both("finalize", d.model.Finalize(i), d.call("finalize", id))
		case 11:
			d.expire(d.job())
		case 12, 13:
			d.pay()
		case 14:
			d.reportTwoProofs()
		case 15, 16:
			d.accuse(d.accuseOfBoth)
		case 17, 18:
			d.accuse(d.accuseOfFalsehood)
		case 19:
			d.pass(sceneEpoch)
			d.advance()
		}
		d.compare()
	}
}

// both compares the answers to one operation.
func (d *duel) both(what string, err error, failure string) {
	d.t.Helper()
	d.step = fmt.Sprintf("%s: the model says %v, the contracts %q", what, err, failure)
	code := sim.Refusal(err)
	if (err == nil) != (failure == "") || code != "" && code != failure {
		d.t.Fatal(d.step)
	}
	if failure != "" {
		what += " " + failure
	}
	d.seen[what]++
}

func (d *duel) pass(seconds uint64) {
	d.w.Block.Time += seconds
	d.model.SetTime(d.w.Block.Time)
}

// call calls JobManager.
func (d *duel) call(function string, args ...any) string {
	return d.w.Call(d.owner, d.jobs, function, args...)
}

func (d *duel) job() (int, jobID) {
	i := d.IntN(len(d.accepted))
	return i, jobID{d.accepted[i].Claims[0].JobID}
}

func (d *duel) claim() (job int, s *consensus.Submission, id consensus.FactID) {
	i := d.IntN(len(d.accepted))
	s = d.accepted[i].Claims[d.IntN(2)]
	return i, s, s.Fact.ID(cairo.ShortString(sim.ChainName))
}

// atDeadline does what a job's deadline decides about, at it or a second later.
func (d *duel) atDeadline() {
	i, s, id := d.claim()
	if deadline := d.accepted[i].Deadline; deadline >= d.w.Block.Time && deadline < d.w.Block.Time+2*3600 {
		d.pass(deadline - d.w.Block.Time + d.Uint64N(2))
	}
	if d.IntN(2) == 0 {
		d.submitProof(i, s, id)
		d.compare()
	}
	d.expire(i, jobID{s.Fact.JobID})
}

func (d *duel) expire(i int, id jobID) {
	d.both("expire", d.model.Expire(i), d.call("expire", id))
}

func (d *duel) submitProof(job int, s *consensus.Submission, id consensus.FactID) {
	f := onChain(&s.Fact)
	failure := d.w.Call(d.workers[job%sim.Workers].address, d.jobs, "submit_proof", f.JobID, f.ResultRoot, f.ProofHash, cairo.Signature(s.Signature))
	d.both("proof", d.model.SubmitProof(id), failure)
}

func (d *duel) reportTwoProofs() {
	_, s, id := d.claim()
	f := onChain(&s.Fact)
	failure := d.call("report_equivocation", f.JobID, f.ResultRoot, f.ProofHash, cairo.Signature(s.Signature))
	d.both("two proofs", d.model.ReportEquivocation(id), failure)
}

func (d *duel) pay() {
	i, id := d.job()
	p := cairotest.Look[payment](d.w, d.payments, "payment", id)
	failure := d.w.Call(d.owner, d.payments, "submit_payment_with_proof", p.Worker, id, p.Fee.L.X, p.Fee.L.Y, p.Fee.R.X, p.Fee.R.Y, p.ProofHash)
	d.both("payment", d.model.SubmitPayment(i), failure)
}

// epoch is one that has begun, or none.
func (d *duel) epoch() uint64 {
	last := uint64(len(d.sets))
	switch d.IntN(10) {
	case 0:
		return last + 1
	case 1:
		return 0
	case 2:
		return 1 + d.Uint64N(last)
	}
	return last
}

// vote is the vote of a place in the set of an epoch; rubbish if there is no such place.
func (d *duel) vote(epoch uint64, index int, id consensus.FactID, v consensus.Verdict) cairo.Signature {
	if epoch == 0 || epoch > uint64(len(d.sets)) || index >= d.sets[epoch-1].Len() {
		return cairo.Signature{R: cairo.Uint(1), S: cairo.Uint(2)}
	}
	hash := consensus.VoteHash(cairo.ShortString(sim.ChainName), d.sets[epoch-1], id, v)
	return d.signs(sim.ValidatorKey(d.owners[epoch-1][index]), hash)
}

// certify records a certificate, which may lack this or that.
func (d *duel) certify() {
	_, s, id := d.claim()
	v := consensus.Valid
	switch d.IntN(12) {
	case 0:
		v = 0
	case 1, 2, 3, 4:
		v = consensus.Invalid
	}
	epoch := d.epoch()
	size := 1
	if epoch > 0 && epoch <= uint64(len(d.sets)) {
		size = d.sets[epoch-1].Len()
	}
	bitmap := uint64(1)<<size - 1
	switch d.IntN(8) {
	case 0:
		bitmap &= d.Uint64()
	case 1:
		bitmap |= 1 << size
	}
	c := &consensus.Certificate{Epoch: epoch, Fact: id, Verdict: v, Bitmap: bitmap}
	for b := bitmap; b != 0; b &= b - 1 {
		c.Signatures = append(c.Signatures, consensus.Signature(d.vote(epoch, bits.TrailingZeros64(b), id, v)))
	}
	if n := len(c.Signatures); n > 0 {
		switch d.IntN(16) {
		case 0:
			c.Signatures = c.Signatures[:n-1]
		case 1:
			c.Signatures = append(c.Signatures, c.Signatures[0])
		case 2:
			c.Signatures[0].S.SetUint64(5)
		}
	}
	sent := certificate{c.Epoch, verdict(c.Verdict), c.Bitmap, nil}
	for _, sig := range c.Signatures {
		sent.Signatures = append(sent.Signatures, cairo.Signature(sig))
	}
	failure := d.w.Call(d.owner, d.verifier, "record_certificate", onChain(&s.Fact), sent)
	d.both("certificate", d.model.RecordCertificate(c), failure)
}

// target is a place in a set, or outside of it, of whom the evidence is: never of the one
// that joined late, whose stake is locked.
func (d *duel) target() (epoch uint64, index int) {
	epoch = d.epoch()
	if epoch == 0 || epoch > uint64(len(d.sets)) || d.IntN(10) == 0 {
		return epoch, 60
	}
	for range 20 {
		if n := d.sets[epoch-1].Len(); n > 0 {
			if index = d.IntN(n); d.owners[epoch-1][index] != len(d.foes)-1 {
				return epoch, index
			}
		}
	}
	return epoch, 60
}

// accuse brings evidence, at times the same as the last time.
func (d *duel) accuse(with func() func()) {
	if d.again == nil || d.IntN(4) != 0 {
		d.again = with()
	}
	d.again()
}

// accuseOfBoth is evidence of votes for both verdicts.
func (d *duel) accuseOfBoth() func() {
	_, _, id := d.claim()
	epoch, index := d.target()
	yes, no := d.vote(epoch, index, id, consensus.Valid), d.vote(epoch, index, id, consensus.Invalid)
	if d.IntN(8) == 0 {
		no = yes
	}
	reporter := d.IntN(len(d.foes))
	return func() {
		failure := d.w.Call(d.foes[reporter], d.registry, "submit_equivocation", equivocation{epoch, uint32(index), factID{id.Felt()}, yes, no})
		err := d.model.SubmitEquivocation(&consensus.Equivocation{Epoch: epoch, Index: uint8(index), Fact: id,
			Valid: consensus.Signature(yes), Invalid: consensus.Signature(no)}, reporter)
		d.both("equivocation", err, failure)
	}
}

// accuseOfFalsehood is evidence of a vote, which may be right.
func (d *duel) accuseOfFalsehood() func() {
	_, _, id := d.claim()
	epoch, index := d.target()
	v := []consensus.Verdict{consensus.Valid, consensus.Invalid}[d.IntN(2)]
	if d.IntN(4) != 0 { // mostly an offence, if there can be one
		for range 10 {
			r := cairotest.Look[factRecord](d.w, d.verifier, "fact", factID{id.Felt()})
			if r.Verdict != undecided && !r.Contested {
				v = consensus.Valid + consensus.Invalid - consensus.Verdict(r.Verdict)
				break
			}
			_, _, id = d.claim()
		}
	}
	sig := d.vote(epoch, index, id, v)
	if d.IntN(8) == 0 {
		sig.S.SetUint64(5)
	}
	reporter := d.IntN(len(d.foes))
	return func() {
		failure := d.w.Call(d.foes[reporter], d.registry, "submit_false_verdict", falseVerdict{epoch, uint32(index), factID{id.Felt()}, verdict(v), sig})
		err := d.model.SubmitFalseVerdict(consensus.Vote{Epoch: epoch, Index: uint8(index), Fact: id, Verdict: v, Signature: consensus.Signature(sig)}, reporter)
		d.both("false verdict", err, failure)
	}
}

// advance begins an epoch. The model takes its set from the contracts, and what validators
// of the contracts have to do for it step by step it does at once.
func (d *duel) advance() {
	if len(d.sets) > 0 && d.joined < len(d.foes) && d.IntN(2) == 0 {
		d.register()
	}
	d.must(d.owner, d.registry, "advance_epoch")
	number := uint64(len(d.sets) + 1)
	var members []consensus.Member
	var owners []int
	for _, m := range cairotest.Look[[]member](d.w, d.registry, "validator_set", number) {
		members = append(members, consensus.Member{Key: m.VoteKey, Weight: consensus.Weight{Hi: m.Weight[1], Lo: m.Weight[0]}})
		owners = append(owners, slices.Index(d.foes, m.Validator))
	}
	set, err := consensus.NewValidatorSet(number, members, consensus.Stark)
	if err != nil {
		d.t.Fatal(err)
	}
	if root := cairotest.Look[felt.Felt](d.w, d.registry, "set_root", number); root != set.Root() {
		d.t.Fatalf("the root of set %d is another", number)
	}
	d.sets, d.owners = append(d.sets, set), append(d.owners, owners)
	for _, v := range d.foes[:d.joined] {
		d.leave(v)
	}
	d.step = fmt.Sprintf("epoch %d of %d validators", number, set.Len())
	if err := d.model.AdvanceEpoch(set); err != nil {
		d.t.Fatal(err)
	}
}

// leave takes out the stake of a validator that is one no more.
func (d *duel) leave(account cairo.Address) {
	v := cairotest.Look[validator](d.w, d.registry, "validator", account)
	if v.Status != leavingValidator && v.Status != tombstoned || v.Stake.IsZero() {
		return
	}
	d.must(account, d.registry, "release")
	if s := cairotest.Look[stake](d.w, d.staking, "stake_of", account); !s.Amount.IsZero() {
		d.must(account, d.staking, "request_unstake", s.Amount)
	}
}

// compare compares what everyone has.
func (d *duel) compare() {
	for i, v := range d.foes {
		if i < d.joined {
			d.holds(fmt.Sprintf("validator %d", i), party{address: v}, d.model.Validator(i))
		}
	}
	for i, p := range d.workers {
		d.holds(fmt.Sprintf("worker %d", i), p, d.model.Worker(i))
	}
	for i, p := range d.clients {
		d.holds(fmt.Sprintf("client %d", i), p, d.model.Client(i))
	}
	escrow := new(big.Int)
	for i, j := range d.accepted {
		id := jobID{j.Claims[0].JobID}
		have, p := cairotest.Look[job](d.w, d.jobs, "job", id), cairotest.Look[payment](d.w, d.payments, "payment", id)
		state, paid, bond := d.model.Job(i)
		if state != uint8(have.State) || paid != uint8(p.State) || (state == uint8(jobAccepted) || state == uint8(jobProven)) && bond.Cmp(have.Bond.Big()) != 0 {
			d.t.Fatalf("after %s\njob %d: state %d, payment %d and bond %v, in the model %d, %d and %v", d.step, i, have.State, p.State, have.Bond.Big(), state, paid, bond)
		}
		if p.State == paymentEscrowed || p.State == paymentPayable {
			escrow.Add(escrow, j.Fee)
		}
	}
	d.equal("escrow", escrow, d.model.Escrow())
	d.equal("stakes", cairotest.Look[cairo.U256](d.w, d.token, "balance_of", d.staking).Big(), d.model.Stakes())
	burned := cairotest.Look[cairo.U256](d.w, d.token, "total_supply").Big()
	d.equal("burned", burned.Sub(d.supply, burned), d.model.Burned())
}

func (d *duel) equal(what string, have, model *big.Int) {
	d.t.Helper()
	if have.Cmp(model) != 0 {
		d.t.Fatalf("after %s\n%s: %v, in the model %v", d.step, what, have, model)
	}
}

// holds compares one account; an encrypted balance must hold what the model has more.
func (d *duel) holds(who string, p party, model sim.Holding) {
	d.t.Helper()
	s := cairotest.Look[stake](d.w, d.staking, "stake_of", p.address)
	d.equal(who+"'s stake", s.Amount.Big(), model.Staked)
	d.equal(who+"'s unbonding", s.Unbonding.Big(), model.Unbonding)
	d.equal(who+"'s bonds", s.Bonded.Big(), model.Bonded)
	open := cairotest.Look[cairo.U256](d.w, d.token, "balance_of", p.address).Big()
	if p.wealth == nil {
		d.equal(who+"'s tokens", open, model.Tokens)
		return
	}
	hidden, rest := new(big.Int).QuoRem(new(big.Int).Sub(model.Tokens, open), sceneRate, new(big.Int))
	if rest.Sign() != 0 || !hidden.IsUint64() {
		d.t.Fatalf("after %s\n%s's tokens: %v, in the model %v", d.step, who, open, model.Tokens)
	}
	h := holds{cairotest.Look[confidential](d.w, d.privacy, "account", p.address), elgamal.Amount(hidden.Uint64())}
	if d.held[p.address] == h {
		return
	}
	sum, err := elgamal.Credit(p.key.Public(), h.account.Balance.elgamal(), h.account.Pending.elgamal())
	if err != nil {
		d.t.Fatal(err)
	}
	if !p.key.Holds(sum, h.units) {
		d.t.Fatalf("after %s\n%s's encrypted balance is not %v units, which the model has", d.step, who, h.units)
	}
	d.held[p.address] = h
}
