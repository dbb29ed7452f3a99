package bitsage

import (
	"context"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// Job is a program to run on an input.
type Job struct {
	Program proof.Program
	// Input is in the program's encoding, as of proof.MatMul, and Program.InputSize bytes
	// long. It must not be changed before Submit has returned.
	Input []byte
	// Profile pins the security of the proof; zero means the program's default, which for
	// matrix products is proof.MatMulP96, 96 bits proven.
	Profile proof.Profile
	// MaxFee is the most to pay; quotes above it are not taken. Zero takes only workers that
	// ask nothing.
	MaxFee Amount
	// Deadline is when the worker must have submitted its proof and the validators
	// must have judged it: else the fee goes back. Zero leaves it to the quotes.
	Deadline time.Time
	// Label tells apart jobs that are otherwise equal. It enters the identifier, and is at
	// most proof.MaxLabel bytes. MaxFee, Deadline and Quote do not enter it.
	Label string
	// Quote is the quote to take, one of Client.Quotes for the same job. Nil takes
	// the cheapest.
	Quote *Quote
}

func (j *Job) validate() error {
	if err := j.Program.Validate(); err != nil {
		return err
	}
	if j.Profile == 0 {
		j.Profile = j.Program.DefaultProfile()
	}
	if err := j.Profile.Validate(); err != nil {
		return err
	}
	if err := proof.CheckLabel(j.Label); err != nil {
		return err
	}
	if !j.Deadline.IsZero() && !j.Deadline.After(time.Now()) {
		return ErrExpired
	}
	if err := j.Program.CheckInput(j.Input); err != nil {
		return err
	}
	return proof.CheckSize(j.Program, j.Profile)
}

// feltOf returns a job's identifier as the contracts have it, or ErrUnknownJob for bytes
// that are no felt.
func feltOf(id proof.JobID) (chain.Felt, error) {
	f, err := felt.FromBytes(id[:])
	if err != nil {
		return f, ErrUnknownJob
	}
	return f, nil
}

// committer commits to inputs: a Prover, or the one of package prover.
type committer interface {
	Input(ctx context.Context, program proof.Program, input []byte, profile proof.Profile) (*prover.Input, error)
}

// commit returns the task that a task becomes when its input is this one, and the
// committed input, which proves without committing again.
func commit(ctx context.Context, p committer, t *proof.Task, input []byte) (proof.Task, *prover.Input, error) {
	in, err := p.Input(ctx, t.Program, input, t.Profile)
	if err != nil {
		return proof.Task{}, nil, err
	}
	return proof.NewTask(t.Program, t.Profile, t.Label, input, in.Root()), in, nil
}

// task is that of a job, but for what follows from its input.
func (j *Job) task() *proof.Task {
	return &proof.Task{Program: j.Program, Profile: j.Profile, Label: j.Label}
}

// State is a stage in the life of a job.
type State string

// The states. A job goes from submitted to accepted and proven and ends in one of
// the other four; all but proving are states of the chain.
const (
	Submitted State = "submitted" // the fee is in escrow, the worker has the input
	Accepted  State = "accepted"  // the worker has bonded a part of its stake
	Proving   State = "proving"   // as the worker says
	Proven    State = "proven"    // validators look at the proof
	Done      State = "done"      // found valid: the fee is the worker's
	Rejected  State = "rejected"  // found invalid: the fee has gone back
	Expired   State = "expired"   // a deadline passed: the fee has gone back
	Cancelled State = "cancelled" // taken back by the client, with the fee
)

// Final reports whether the state is an end.
func (s State) Final() bool { return s == Done || s == Rejected || s == Expired || s == Cancelled }

// err returns what a final state means to whoever waits for the result.
func (s State) err() error {
	switch s {
	case Expired:
		return ErrExpired
	case Cancelled:
		return ErrCancelled
	}
	return nil
}

// Event is a change in the life of a job.
type Event struct {
	Job   proof.JobID  `json:"job"`
	State State        `json:"state"`
	Stage prover.Stage `json:"stage,omitempty"` // of the proof, while proving
	Time  time.Time    `json:"time"`            // of the block, or when the worker's word arrived
	Block uint64       `json:"block,omitempty"` // in which it happened
	Tx    chain.Felt   `json:"tx,omitzero"`     // the transaction that did it
	// Payment is where the fee is after that transaction, if it has moved it. A worker
	// may fetch a payable fee later: see Client.Payments.
	Payment PaymentState `json:"payment,omitempty"`
}

// Estimate is what a job amounts to.
type Estimate struct {
	Program    proof.Program        `json:"program"`
	Profile    proof.Profile        `json:"profile"`
	Rows       int                  `json:"rows"`        // of the trace
	ProofBytes int                  `json:"proof_bytes"` // about
	Security   proof.SecurityReport `json:"security"`
}

// estimate returns what a program and profile amount to.
func estimate(p proof.Program, profile proof.Profile) (Estimate, error) {
	size, err := proof.EstimateBytes(p, profile)
	if err != nil {
		return Estimate{}, err
	}
	security, err := proof.Security(p, profile)
	if err != nil {
		return Estimate{}, err
	}
	return Estimate{p, profile, p.Rows(), size, security}, nil
}

// jobID returns the identifier of a client's task on the network's chain.
func jobID(c *settle.Contracts, client chain.Felt, task proof.Digest) proof.JobID {
	id := consensus.JobID(c.ChainID(), c.JobManager(), client, consensus.Digest(task))
	return proof.JobID(id.Bytes())
}
