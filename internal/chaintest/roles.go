package chaintest

import (
	"context"
	"crypto/sha256"
	"math/big"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/wallet"
)

// stake gives a party SAGE, which it stakes.
func (p *party) stake(t *testing.T, amount *big.Int, tier string, lock time.Duration) {
	t.Helper()
	p.w.owner.pays(t, p, amount)
	p.do(t, p.w.token.call(sagetoken.ApproveCall(p.w.staking.address, u256(amount))), p.stakeCall(amount, tier, lock))
}

func (p *party) stakeCall(amount *big.Int, tier string, lock time.Duration) chain.Call {
	return p.w.staking.call(stakingmanager.StakeCall(u256(amount), text(tier), uint64(lock/time.Second)))
}

func (p *party) stakeOf(t *testing.T) stakingmanager.Stake {
	t.Helper()
	return view(t, p.w, p.w.staking.call(stakingmanager.StakeOfCall(p.Address())), stakingmanager.DecodeStakeOf)
}

func (p *party) tokens(t *testing.T) *big.Int {
	t.Helper()
	return view(t, p.w, p.w.token.call(sagetoken.BalanceOfCall(p.Address())), sagetoken.DecodeBalanceOf).Big()
}

func (p *party) reputation(t *testing.T) uint16 {
	t.Helper()
	return view(t, p.w, p.w.reputation.call(reputationmanager.ReputationCall(p.Address())), reputationmanager.DecodeReputation)
}

// offersCall registers a worker.
func (p *party) offersCall(t *testing.T) chain.Call {
	t.Helper()
	key := p.secret.Public().Felts()
	return p.w.staking.call(stakingmanager.RegisterWorkerCall("peer of "+p.name, p.hot.PublicKey(),
		stakingmanager.Point{X: key[0], Y: key[1]}, calldata.U256{}))
}

// newClient makes a client with so many units in its confidential account.
func (w *world) newClient(t *testing.T, name string, units elgamal.Amount) *party {
	t.Helper()
	p := w.newcomer(t, name)
	w.owner.pays(t, p, must(w.rate.BaseUnits(units))(t))
	p.open(t)
	p.deposit(t, units)
	return p
}

// newWorker makes a worker of the lowest tier with an operator.
func (w *world) newWorker(t *testing.T, name string, amount *big.Int, lock time.Duration) *party {
	t.Helper()
	p := w.newcomer(t, name)
	p.operator = w.newcomer(t, name+"'s operator")
	p.open(t)
	p.stake(t, amount, "Consumer", lock)
	p.do(t, w.staking.call(stakingmanager.SetOperatorCall(p.operator.Address())), p.offersCall(t))
	return p
}

// newValidator makes a validator that bonds an amount.
func (w *world) newValidator(t *testing.T, name string, amount *big.Int) *party {
	t.Helper()
	p := w.newcomer(t, name)
	p.stake(t, amount, "Validator", 3*365*day)
	p.do(t, p.validateCall(t, amount))
	return p
}

func (p *party) validateCall(t *testing.T, amount *big.Int) chain.Call {
	t.Helper()
	s := p.signs(t, possessionHash(p.w.chainID, p.w.registry.address, p.Address()))
	return p.w.registry.call(validatorregistry.RegisterCall(u256(amount), p.hot.PublicKey(), validatorregistry.Signature(s)))
}

// signs signs with the key of the worker or validator.
func (p *party) signs(t *testing.T, hash chain.Felt) wallet.Signature {
	t.Helper()
	return must(p.hot.Sign(t.Context(), hash))(t)
}

// newCommittee replaces all validators by four of equal weight, of which any three
// are a quorum, and begins an epoch with them.
func (w *world) newCommittee(t *testing.T) [4]*party {
	t.Helper()
	for _, p := range w.parties {
		if p.isValidator(t) {
			p.do(t, w.registry.call(validatorregistry.ExitCall()))
		}
	}
	var committee [4]*party
	for i := range committee {
		committee[i] = w.newValidator(t, "validator "+string(rune('A'+i)), sage(10_000))
	}
	w.nextEpoch(t)
	return committee
}

func (p *party) isValidator(t *testing.T) bool {
	t.Helper()
	return p.validator(t).Status == validatorregistry.ValidatorStatusActive
}

func (p *party) validator(t *testing.T) validatorregistry.Validator {
	t.Helper()
	return view(t, p.w, p.w.registry.call(validatorregistry.ValidatorCall(p.Address())), validatorregistry.DecodeValidator)
}

// nextEpoch begins the next epoch.
func (w *world) nextEpoch(t *testing.T) {
	t.Helper()
	w.pass(t, w.Epoch)
	w.owner.do(t, w.registry.call(validatorregistry.AdvanceEpochCall()))
}

func (w *world) epoch(t *testing.T) uint64 {
	t.Helper()
	return view(t, w, w.registry.call(validatorregistry.CurrentEpochCall()), validatorregistry.DecodeCurrentEpoch)
}

func (w *world) setRoot(t *testing.T, epoch uint64) chain.Felt {
	t.Helper()
	return view(t, w, w.registry.call(validatorregistry.SetRootCall(epoch)), validatorregistry.DecodeSetRoot)
}

// index is a validator's place in the set of an epoch.
func (p *party) index(t *testing.T, epoch uint64) uint32 {
	t.Helper()
	for i, m := range view(t, p.w, p.w.registry.call(validatorregistry.ValidatorSetCall(epoch)), validatorregistry.DecodeValidatorSet) {
		if m.Validator == p.Address() {
			return uint32(i)
		}
	}
	t.Fatalf("%s is not in the set of epoch %d", p.name, epoch)
	return 0
}

// votes signs a vote of the current epoch.
func (p *party) votes(t *testing.T, fact chain.Felt, v proofverifier.Verdict) proofverifier.Signature {
	t.Helper()
	epoch := p.w.epoch(t)
	return p.votesIn(t, epoch, fact, v)
}

func (p *party) votesIn(t *testing.T, epoch uint64, fact chain.Felt, v proofverifier.Verdict) proofverifier.Signature {
	t.Helper()
	return proofverifier.Signature(p.signs(t, voteHash(p.w.chainID, epoch, p.w.setRoot(t, epoch), fact, v)))
}

// certificate gathers the votes of validators in the current epoch.
func (w *world) certificate(t *testing.T, fact chain.Felt, v proofverifier.Verdict, validators ...*party) proofverifier.Certificate {
	t.Helper()
	return w.certificateOf(t, w.epoch(t), fact, v, validators...)
}

func (w *world) certificateOf(t *testing.T, epoch uint64, fact chain.Felt, v proofverifier.Verdict, validators ...*party) proofverifier.Certificate {
	t.Helper()
	c := proofverifier.Certificate{Epoch: epoch, Verdict: v}
	var byIndex [64]*party
	for _, p := range validators {
		byIndex[p.index(t, epoch)] = p
	}
	for i, p := range byIndex {
		if p != nil {
			c.Bitmap |= 1 << i
			c.Signatures = append(c.Signatures, p.votesIn(t, epoch, fact, v))
		}
	}
	return c
}

// job is a job with what was submitted for it.
type job struct {
	w                     *world
	id                    chain.Felt
	task                  calldata.U256
	client, worker        *party
	fee                   elgamal.Amount
	program, root         calldata.U256
	profile               string
	lock, deadline        uint64
	resultRoot, proofHash calldata.U256
}

// newJob makes up a job that is yet to be submitted. It may be accepted for an
// hour and must be done within two.
func (w *world) newJob(t *testing.T, client, worker *party, fee elgamal.Amount) *job {
	t.Helper()
	j := &job{w: w, task: calldata.U256FromUint64(uint64(len(w.work) + 1)), client: client, worker: worker, fee: fee, profile: "std"}
	w.work = append(w.work, j)
	j.id = jobHash(w.chainID, w.jobs.address, client.Address(), j.task)
	j.program, j.root = digest(program.String()), calldata.U256(must(proof.JobRoot(program, input, proof.Std))(t))
	j.resultRoot, j.proofHash = digest("output of "+j.id.String()), digest("proof of "+j.id.String())
	now := w.now(t)
	j.lock, j.deadline = now+3600, now+7200
	return j
}

// digest makes up a digest.
func digest(of string) calldata.U256 { return sha256.Sum256([]byte(of)) }

// payment encrypts the fee for the worker and, for a refund, for the client.
func (j *job) payment(t *testing.T) []chain.Felt {
	t.Helper()
	s := j.client.statement(t, j.worker, j.escrowContext(t))
	return must(elgamal.ProveTransfer(j.client.secret, s, j.client.balance(t), j.fee))(t).Felts()
}

func (j *job) escrowContext(t *testing.T) elgamal.Context {
	t.Helper()
	c := j.client.context(t, elgamal.OpEscrow)
	c.JobID = j.id.Bytes()
	return c
}

func (j *job) submitCall(payment []chain.Felt) chain.Call {
	return j.w.jobs.call(jobmanager.SubmitJobCall(j.task, j.program, j.root, text(j.profile), j.worker.Address(), j.lock, j.deadline, payment))
}

// submit makes up a job and submits it.
func (w *world) submit(t *testing.T, client, worker *party, fee elgamal.Amount) *job {
	t.Helper()
	j := w.newJob(t, client, worker, fee)
	client.do(t, j.submitCall(j.payment(t)))
	return j
}

func (j *job) key() jobmanager.JobID { return jobmanager.JobID{Value: j.id} }

func (j *job) state(t *testing.T) jobmanager.JobState {
	t.Helper()
	return j.record(t).State
}

func (j *job) record(t *testing.T) jobmanager.Job {
	t.Helper()
	return view(t, j.w, j.w.jobs.call(jobmanager.JobCall(j.key())), jobmanager.DecodeJob)
}

func (j *job) paid(t *testing.T) paymentrouter.Payment {
	t.Helper()
	return view(t, j.w, j.w.payments.call(paymentrouter.PaymentCall(paymentrouter.JobID{Value: j.id})), paymentrouter.DecodePayment)
}

// quote is what the operator of a worker reads before it accepts: the fee.
func (j *job) quote(ctx context.Context, t *testing.T) elgamal.Amount {
	t.Helper()
	fee := feeFelts(j.paid(t).Fee)
	c := must(elgamal.ParseCiphertext(fee[:]))(t)
	return must(j.worker.secret.Decrypt(ctx, c))(t)
}

func (j *job) acceptCall() chain.Call { return j.w.jobs.call(jobmanager.AcceptJobCall(j.key())) }

func (j *job) accept(t *testing.T) {
	t.Helper()
	j.worker.operator.do(t, j.acceptCall())
}

// fact is what the worker claims and the validators vote on.
func (j *job) fact() proofverifier.Fact {
	return proofverifier.Fact{JobID: proofverifier.JobID{Value: j.id}, ProgramID: j.program, Profile: text(j.profile), JobRoot: j.root,
		ResultRoot: j.resultRoot, Worker: j.worker.Address(), ProofHash: j.proofHash}
}

func (j *job) factID() chain.Felt { return factHash(j.w.chainID, j.fact()) }

// submitProofCall submits result root and proof hash with the worker's signature.
func (j *job) submitProofCall(t *testing.T) chain.Call {
	t.Helper()
	s := j.worker.signs(t, j.factID())
	return j.w.jobs.call(jobmanager.SubmitProofCall(j.key(), j.resultRoot, j.proofHash, jobmanager.Signature(s)))
}

func (j *job) prove(t *testing.T) {
	t.Helper()
	j.worker.operator.do(t, j.submitProofCall(t))
}

// certify records a certificate. Anyone may.
func (j *job) certify(t *testing.T, v proofverifier.Verdict, validators ...*party) {
	t.Helper()
	c := j.w.certificate(t, j.factID(), v, validators...)
	j.w.owner.do(t, j.w.verifier.call(proofverifier.RecordCertificateCall(j.fact(), c)))
}

func (j *job) finalizeCall() chain.Call { return j.w.jobs.call(jobmanager.FinalizeCall(j.key())) }
func (j *job) expireCall() chain.Call   { return j.w.jobs.call(jobmanager.ExpireCall(j.key())) }
func (j *job) cancelCall() chain.Call   { return j.w.jobs.call(jobmanager.CancelCall(j.key())) }

// releaseCall releases the fee that the chain has on record.
func (j *job) releaseCall(t *testing.T) chain.Call {
	t.Helper()
	p := j.paid(t)
	return j.release(j.worker.Address(), p.Fee, p.ProofHash)
}

func (j *job) release(worker chain.Felt, fee paymentrouter.Ciphertext, proofHash calldata.U256) chain.Call {
	return j.w.payments.call(paymentrouter.SubmitPaymentWithProofCall(worker, paymentrouter.JobID{Value: j.id},
		fee.L.X, fee.L.Y, fee.R.X, fee.R.Y, proofHash))
}
