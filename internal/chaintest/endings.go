package chaintest

import (
	"errors"
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/wallet"
)

const (
	endDeposit = elgamal.Amount(30_000)
	endFee     = elgamal.Amount(4_567)
)

// ending is a job whose end is not that of the walk. The client has endDeposit, of
// which endFee is in escrow; the worker has staked 1,000 SAGE.
type ending struct {
	*world
	client, worker *party
	committee      *[4]*party
	job            *job
}

// endings are the other ends that a job can come to, and other ways to the same.
func endings(t *testing.T, w *world) {
	committee := w.newCommittee(t)
	for _, end := range []struct {
		name string
		run  func(*testing.T, *ending)
	}{
		{"the client cancels", endCancelled},
		{"nobody accepts before the lock deadline", endNobodyAccepts},
		{"the worker accepts and delivers nothing", endNothingDelivered},
		{"the validators are late", endValidatorsLate},
		{"the proof is invalid", endInvalidProof},
		{"the worker signs two results", endWorkerEquivocates},
		{"the client is gone for good", endClientGone},
		{"a slashed worker takes out what is left", endSlashedWorkerLeaves},
		{"a validator votes against the certificate", endFalseVerdict},
		{"a validator votes both ways", endValidatorEquivocates},
		{"certificates contradict each other", endContested},
	} {
		t.Run(end.name, func(t *testing.T) {
			e := &ending{world: w, committee: &committee}
			e.client, e.worker = w.newClient(t, "client", endDeposit), w.newWorker(t, "worker", sage(1_000), year)
			e.job = w.submit(t, e.client, e.worker, endFee)
			end.run(t, e)
		})
	}
}

// refunded checks that the client has its fee back, and can use it.
func (e *ending) refunded(t *testing.T, state jobmanager.JobState) {
	t.Helper()
	equal(t, "state", e.job.state(t), state)
	equal(t, "payment", e.job.paid(t).State, paymentrouter.PaymentStateRefunded)
	equal(t, "client's pending", e.client.pending(t), endFee)
	e.client.do(t, e.client.rolloverCall(t))
	equal(t, "client's balance", e.client.balance(t), endDeposit)
	equal(t, "worker's pending", e.worker.pending(t), 0)
}

// staked checks what the worker has left: nothing of it is bonded any more.
func (e *ending) staked(t *testing.T, left *big.Int, reputation uint16) {
	t.Helper()
	s := e.worker.stakeOf(t)
	amount(t, "stake", s.Amount.Big(), left)
	amount(t, "bonded", s.Bonded.Big(), new(big.Int))
	equal(t, "reputation", e.worker.reputation(t), reputation)
}

func endCancelled(t *testing.T, e *ending) {
	e.client.do(t, e.job.cancelCall())
	e.refunded(t, jobmanager.JobStateCancelled)
	e.staked(t, sage(1_000), 500)
}

func endNobodyAccepts(t *testing.T, e *ending) {
	e.until(t, e.job.lock)
	e.owner.do(t, e.job.expireCall())
	e.refunded(t, jobmanager.JobStateExpired)
	e.staked(t, sage(1_000), 500)
}

func endNothingDelivered(t *testing.T, e *ending) {
	e.job.accept(t)
	e.until(t, e.job.deadline)
	e.owner.do(t, e.job.expireCall())
	e.refunded(t, jobmanager.JobStateExpired)
	e.staked(t, sage(900), 475)
	amount(t, "client's tokens", e.client.tokens(t), sage(100))
}

func endValidatorsLate(t *testing.T, e *ending) {
	e.job.accept(t)
	e.job.prove(t)
	e.until(t, e.job.deadline)
	e.owner.do(t, e.job.expireCall())
	e.refunded(t, jobmanager.JobStateExpired)
	e.staked(t, sage(1_000), 500)
	for _, v := range e.committee {
		amount(t, "validator's stake", v.stakeOf(t).Amount.Big(), sage(10_000))
	}
}

// endInvalidProof submits the proof of another job, which the validators refute.
func endInvalidProof(t *testing.T, e *ending) {
	e.job.endWithInvalidProof(t, e.committee[1:])
	e.refunded(t, jobmanager.JobStateRejected)
	e.staked(t, sage(900), 400)
}

func (j *job) endWithInvalidProof(t *testing.T, committee []*party) {
	t.Helper()
	burned := new(big.Int).Set(j.w.books.burned)
	before := j.worker.stakeOf(t).Amount.Big()
	d := j.w.sample(t, j)
	j.resultRoot, j.proofHash = d.resultRoot, d.proofHash
	j.accept(t)
	j.prove(t)
	for _, v := range committee {
		if verdict, err := d.judge(j); verdict != invalid {
			t.Fatalf("%s finds %v: %v", v.name, verdict, err)
		}
	}
	j.certify(t, invalid, committee...)
	j.w.owner.do(t, j.finalizeCall())
	tenth := before.Div(before, big.NewInt(10))
	amount(t, "burned", new(big.Int).Sub(j.w.books.burned, burned), tenth)
}

func endWorkerEquivocates(t *testing.T, e *ending) {
	e.job.accept(t)
	e.job.prove(t)
	second := *e.job
	second.proofHash = digest("another proof")
	s := e.worker.signs(t, second.factID())
	e.owner.do(t, e.jobs.call(jobmanager.ReportEquivocationCall(e.job.key(), second.resultRoot, second.proofHash, jobmanager.Signature(s))))
	e.staked(t, sage(900), 400)
	amount(t, "client's tokens", e.client.tokens(t), sage(100))

	// What it submitted was valid all the same.
	e.job.certify(t, valid, e.committee[:3]...)
	e.owner.do(t, e.job.finalizeCall())
	e.owner.do(t, e.job.releaseCall(t))
	equal(t, "pending", e.worker.pending(t), endFee)
	e.staked(t, sage(900), 415)
}

// endClientGone throws away all keys of the client. Nobody needs them any more.
func endClientGone(t *testing.T, e *ending) {
	e.client.wallet.Key().Zero()
	e.client.secret = elgamal.SecretKey{}
	if _, err := e.client.send(t, e.job.cancelCall()); !errors.Is(err, wallet.ErrNoKey) {
		t.Fatalf("the client is still there: %v", err)
	}
	e.job.accept(t)
	e.job.prove(t)
	e.job.certify(t, valid, e.committee[:3]...)
	e.worker.operator.do(t, e.job.finalizeCall())
	e.worker.operator.do(t, e.job.releaseCall(t))
	e.worker.do(t, e.worker.rolloverCall(t))
	e.worker.do(t, e.worker.withdrawCall(t, endFee, e.worker))
	amount(t, "worker's tokens", e.worker.tokens(t), must(e.rate.BaseUnits(endFee))(t))
}

func endSlashedWorkerLeaves(t *testing.T, e *ending) {
	e.job.endWithInvalidProof(t, e.committee[1:])
	e.staked(t, sage(900), 400)
	e.pass(t, year+day) // the lock ends
	e.nextEpoch(t)
	e.worker.do(t, e.staking.call(stakingmanager.DeregisterCall()), e.staking.call(stakingmanager.RequestUnstakeCall(u256(sage(900)))))
	e.pass(t, 7*day)
	e.worker.do(t, e.staking.call(stakingmanager.CompleteUnstakeCall()))
	amount(t, "worker's tokens", e.worker.tokens(t), sage(900))
}

func endFalseVerdict(t *testing.T, e *ending) {
	liar := e.committee[3]
	e.job.accept(t)
	e.job.prove(t)
	e.job.certify(t, valid, e.committee[:3]...)
	reporter := e.worker.operator
	reporter.do(t, liar.contradicts(t, e.job.factID(), invalid))
	amount(t, "liar's stake", liar.stakeOf(t).Amount.Big(), sage(9_500))
	amount(t, "reporter's reward", reporter.tokens(t), sage(25))
	equal(t, "liar", liar.validator(t).Status, validatorregistry.ValidatorStatusLeaving) // 9,500 is too little
	e.owner.do(t, e.job.finalizeCall())
	*e.committee = e.newCommittee(t)
}

func endValidatorEquivocates(t *testing.T, e *ending) {
	liar, fact := e.committee[0], e.job.factID()
	reporter := e.worker.operator
	reporter.do(t, liar.accused(t, fact))
	amount(t, "liar's stake", liar.stakeOf(t).Amount.Big(), sage(9_500))
	amount(t, "reporter's reward", reporter.tokens(t), sage(25))
	equal(t, "liar", liar.validator(t).Status, validatorregistry.ValidatorStatusTombstoned)
	*e.committee = e.newCommittee(t)
	e.client.do(t, e.job.cancelCall())
}

// accused is the evidence that a validator voted both ways on a fact in the current
// epoch.
func (p *party) accused(t *testing.T, fact chain.Felt) chain.Call {
	t.Helper()
	epoch := p.w.epoch(t)
	return p.w.registry.call(validatorregistry.SubmitEquivocationCall(validatorregistry.Equivocation{Epoch: epoch, Index: p.index(t, epoch),
		Fact:    validatorregistry.FactID{Value: fact},
		Valid:   validatorregistry.Signature(p.votes(t, fact, valid)),
		Invalid: validatorregistry.Signature(p.votes(t, fact, invalid))}))
}

// contradicts is the evidence that a validator cast a vote in the current epoch.
func (p *party) contradicts(t *testing.T, fact chain.Felt, v proofverifier.Verdict) chain.Call {
	t.Helper()
	epoch := p.w.epoch(t)
	return p.w.registry.call(validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{Epoch: epoch, Index: p.index(t, epoch),
		Fact: validatorregistry.FactID{Value: fact}, Verdict: validatorregistry.Verdict(v), Signature: validatorregistry.Signature(p.votes(t, fact, v))}))
}

// endContested has a committee of which more than a third votes both ways. The
// money stays where it was, and who voted so loses all.
func endContested(t *testing.T, e *ending) {
	e.job.accept(t)
	e.job.prove(t)
	e.job.certify(t, valid, e.committee[:3]...)
	e.job.certify(t, invalid, e.committee[1:]...)
	e.owner.try(t, "NO_VERDICT", e.job.finalizeCall())
	for _, liar := range e.committee[1:3] {
		e.owner.do(t, liar.accused(t, e.job.factID()))
		amount(t, "liar's stake", liar.stakeOf(t).Amount.Big(), new(big.Int))
	}
	for _, honest := range []*party{e.committee[0], e.committee[3]} {
		amount(t, "other's stake", honest.stakeOf(t).Amount.Big(), sage(10_000))
	}
	e.until(t, e.job.deadline)
	e.owner.do(t, e.job.expireCall())
	e.refunded(t, jobmanager.JobStateExpired)
	e.staked(t, sage(1_000), 500)
	*e.committee = e.newCommittee(t)
}
