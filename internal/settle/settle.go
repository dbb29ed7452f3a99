package settle

import (
	"context"
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/staking"
)

var (
	// ErrUnknownJob means that the chain has no job of that identifier.
	ErrUnknownJob = errors.New("settle: the chain has no such job")
	// ErrPending means that a job cannot end yet: there is no proof, or no
	// certificate of it.
	ErrPending = errors.New("settle: nothing decides the job yet")
)

// maxRaces is how often a step is looked at again after someone else was faster.
const maxRaces = 6

// Settle brings a proven job to its end: it records the certificate, finalizes the
// job and releases the payment, as far as that is still to be done, in one
// transaction. Anyone may, also several at once and again after a crash: whoever
// comes late finds nothing left to do, which is no error. The certificate may be
// nil if the chain has one already. It fails with ErrPending, ErrUnknownJob, or an
// error of package chain.
func (c *Contracts) Settle(ctx context.Context, account *chain.Account, id chain.Felt, certificate *consensus.Certificate) error {
	for try := 1; ; try++ {
		calls, err := c.missing(ctx, id, certificate)
		if err != nil || len(calls) == 0 {
			return err
		}
		_, err = send(ctx, account, calls...)
		if err == nil || try == maxRaces || !raced(err) {
			return err
		}
	}
}

// raced reports whether err may come from somebody else having taken the step.
func raced(err error) bool {
	switch cairo.Refusal(err) {
	case "FACT_RECORDED", "BAD_STATE", "HAS_VERDICT", "JOB_EXISTS":
		return true
	}
	return false
}

// missing returns the calls that end a job.
func (c *Contracts) missing(ctx context.Context, id chain.Felt, certificate *consensus.Certificate) ([]chain.Call, error) {
	job, err := c.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	switch job.State {
	case None:
		return nil, ErrUnknownJob
	case Submitted, Accepted:
		return nil, ErrPending
	case Proven:
		return c.finalize(ctx, id, &job, certificate)
	case Finalized:
		return c.release(ctx, id, &job)
	}
	return nil, nil // refunded when it ended
}

// finalize returns the calls that end a proven job.
func (c *Contracts) finalize(ctx context.Context, id chain.Felt, job *Job, certificate *consensus.Certificate) ([]chain.Call, error) {
	record, err := c.factRecord(ctx, job.FactID)
	if err != nil {
		return nil, err
	}
	var calls []chain.Call
	verdict := consensus.Verdict(record.Verdict)
	switch {
	case record.Contested:
		return nil, ErrPending // only its deadline ends it
	case record.Verdict == proofverifier.VerdictUndecided && certificate == nil:
		return nil, ErrPending
	case record.Verdict == proofverifier.VerdictUndecided:
		fact := Fact(id, job)
		if got := fact.ID(c.chainID); got != certificate.Fact {
			return nil, fmt.Errorf("settle: a certificate of fact %v, the job's is %v", certificate.Fact, got)
		}
		verdict = certificate.Verdict
		calls = append(calls, c.record(&fact, certificate))
	}
	calls = append(calls, jobmanager.FinalizeCall(jobmanager.JobID{Value: id}).At(c.jobs))
	if verdict != consensus.Valid {
		return calls, nil // finalize refunds
	}
	release, err := c.release(ctx, id, job)
	return append(calls, release...), err
}

var selectorRecord = chain.Selector("record_certificate")

func (c *Contracts) record(f *consensus.Fact, certificate *consensus.Certificate) chain.Call {
	return chain.Call{To: c.verifier, Selector: selectorRecord, Calldata: append(f.Calldata(), certificate.Calldata()...)}
}

// Record puts a certificate of a job's fact on the chain and does nothing else.
func (c *Contracts) Record(ctx context.Context, account *chain.Account, id chain.Felt, certificate *consensus.Certificate) error {
	job, err := c.Job(ctx, id)
	if err != nil {
		return err
	}
	fact := Fact(id, &job)
	_, err = send(ctx, account, c.record(&fact, certificate))
	return err
}

// release returns the call that pays a job that is or will be finalized, unless
// that was done.
func (c *Contracts) release(ctx context.Context, id chain.Felt, job *Job) ([]chain.Call, error) {
	p, err := c.Payment(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.State != Escrowed && p.State != Payable {
		return nil, nil
	}
	return []chain.Call{paymentrouter.SubmitPaymentWithProofCall(p.Worker, paymentrouter.JobID{Value: id},
		p.Fee[0], p.Fee[1], p.Fee[2], p.Fee[3], calldata.U256(job.ProofHash)).At(c.payments)}, nil
}

// Expire ends a job whose deadline has passed, so that the fee goes back. Anyone
// may; a job that has ended is left alone. It fails with ErrPending if it is too
// early, and with ErrUnknownJob.
func (c *Contracts) Expire(ctx context.Context, account *chain.Account, id chain.Felt) error {
	for try := 1; ; try++ {
		job, err := c.Job(ctx, id)
		switch {
		case err != nil:
			return err
		case job.State == None:
			return ErrUnknownJob
		case job.State >= Finalized:
			return nil
		}
		_, err = send(ctx, account, jobmanager.ExpireCall(jobmanager.JobID{Value: id}).At(c.jobs))
		switch code := cairo.Refusal(err); {
		case code == "TOO_EARLY":
			return ErrPending
		case code == "HAS_VERDICT":
			return c.Settle(ctx, account, id, nil)
		case err == nil || try == maxRaces || !raced(err):
			return err
		}
	}
}

// ValidatorSet returns the set of an epoch for checking votes, after comparing it
// with the root that the chain has of it.
func ValidatorSet(e staking.Epoch) (*consensus.ValidatorSet, error) {
	members := make([]consensus.Member, len(e.Members))
	for i, m := range e.Members {
		weight, err := consensus.WeightFromBig(m.Weight.Base())
		if err != nil {
			return nil, err
		}
		members[i] = consensus.Member{Key: m.VoteKey, Weight: weight}
	}
	set, err := consensus.NewValidatorSet(e.Number, members, consensus.Stark)
	if err != nil {
		return nil, err
	}
	if set.Root() != e.Root {
		return nil, fmt.Errorf("%w: the members of epoch %d hash to another root", chain.ErrResponse, e.Number)
	}
	return set, nil
}
