package settle

import (
	"context"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/proof"
)

// State is how far a job is on the chain. It only grows, and a job whose state is
// Finalized or more has ended.
type State uint8

// The states of a job.
const (
	None      = State(jobmanager.JobStateNone) // there is no such job
	Submitted = State(jobmanager.JobStateSubmitted)
	Accepted  = State(jobmanager.JobStateAccepted)
	Proven    = State(jobmanager.JobStateProven)
	Finalized = State(jobmanager.JobStateFinalized)
	Rejected  = State(jobmanager.JobStateRejected)
	Expired   = State(jobmanager.JobStateExpired)
	Cancelled = State(jobmanager.JobStateCancelled)
)

// Job is a job as the chain has it.
type Job struct {
	State          State
	Client, Worker chain.Felt
	TaskID         proof.Digest
	ProgramID      proof.Digest
	JobRoot        proof.Digest
	Profile        chain.Felt
	LockDeadline   time.Time // for the worker to accept
	Deadline       time.Time // for proof and verdict
	SigningKey     chain.Felt

	// These are zero until the job is Proven.
	ResultRoot proof.Digest
	ProofHash  proof.Digest
	FactID     consensus.FactID
}

// blockTime converts a time of the contracts.
func blockTime(seconds uint64) time.Time { return time.Unix(int64(min(seconds, 1<<40)), 0) }

// Job returns a job. Its state is None if there is none of that identifier.
func (c *Contracts) Job(ctx context.Context, id chain.Felt) (Job, error) {
	j, err := cairo.Read(ctx, c.client, chain.AtPreConfirmed(), c.jobs, jobmanager.JobCall(jobmanager.JobID{Value: id}), jobmanager.DecodeJob)
	if err != nil {
		return Job{}, err
	}
	return Job{
		State: State(j.State), Client: j.Client, Worker: j.Worker,
		TaskID: proof.Digest(j.TaskID), ProgramID: proof.Digest(j.ProgramID), JobRoot: proof.Digest(j.JobRoot), Profile: j.Profile,
		LockDeadline: blockTime(j.LockDeadline), Deadline: blockTime(j.Deadline), SigningKey: j.SigningKey,
		ResultRoot: proof.Digest(j.ResultRoot), ProofHash: proof.Digest(j.ProofHash), FactID: consensus.FactID(j.Fact.Value),
	}, nil
}

// Fact returns the fact that a worker's submission for a job claims.
func Fact(id chain.Felt, j *Job) consensus.Fact {
	return consensus.Fact{
		JobID:      id,
		ProgramID:  consensus.Digest(j.ProgramID),
		Profile:    j.Profile,
		JobRoot:    consensus.Digest(j.JobRoot),
		ResultRoot: consensus.Digest(j.ResultRoot),
		Worker:     j.Worker,
		ProofHash:  consensus.Digest(j.ProofHash),
	}
}

// PaymentState says where the fee of a job is.
type PaymentState uint8

// The states of a payment.
const (
	NoPayment = PaymentState(paymentrouter.PaymentStateNone)
	Escrowed  = PaymentState(paymentrouter.PaymentStateEscrowed)
	Payable   = PaymentState(paymentrouter.PaymentStatePayable) // the worker's, who has not fetched it yet
	Released  = PaymentState(paymentrouter.PaymentStateReleased)
	Refunded  = PaymentState(paymentrouter.PaymentStateRefunded)
)

// Ended reports whether the fee is where it stays.
func (s PaymentState) Ended() bool { return s == Released || s == Refunded }

// Ciphertext is an encrypted amount as the chain has it, unchecked: the coordinates of
// L and R.
type Ciphertext [4]chain.Felt

func ciphertextOf(c paymentrouter.Ciphertext) Ciphertext {
	return Ciphertext{c.L.X, c.L.Y, c.R.X, c.R.Y}
}

// Payment is the fee of a job, encrypted for both parties.
type Payment struct {
	State          PaymentState
	Client, Worker chain.Felt
	Refund         Ciphertext // under the client's key
	Fee            Ciphertext // under the worker's key
}

// Payment returns the payment of a job.
func (c *Contracts) Payment(ctx context.Context, id chain.Felt) (Payment, error) {
	p, err := cairo.Read(ctx, c.client, chain.AtPreConfirmed(), c.payments, paymentrouter.PaymentCall(paymentrouter.JobID{Value: id}), paymentrouter.DecodePayment)
	if err != nil {
		return Payment{}, err
	}
	return Payment{PaymentState(p.State), p.Client, p.Worker, ciphertextOf(p.Refund), ciphertextOf(p.Fee)}, nil
}

func (c Ciphertext) parse() (elgamal.Ciphertext, error) { return elgamal.ParseCiphertext(c[:]) }

// factRecord returns what the chain knows of a fact.
func (c *Contracts) factRecord(ctx context.Context, fact consensus.FactID) (proofverifier.FactRecord, error) {
	return cairo.Read(ctx, c.client, chain.AtPreConfirmed(), c.verifier, proofverifier.FactCall(proofverifier.FactID{Value: fact.Felt()}), proofverifier.DecodeFact)
}
