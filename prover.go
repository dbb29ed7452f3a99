package bitsage

import (
	"context"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// Prover makes the proofs of a worker. Its methods are called by several goroutines,
// Prove by one at a time.
type Prover interface {
	// CheckMemory fails if a proof of the program does not fit the memory. The worker
	// then gives no quote.
	CheckMemory(program proof.Program, profile proof.Profile) error
	// Input commits to the input of a program.
	Input(ctx context.Context, program proof.Program, input []byte, profile proof.Profile) (*prover.Input, error)
	// Prove executes the program and proves the execution, for a job. It tells progress
	// when a stage begins. The worker signs the result as it is, so Prove must have
	// verified proof and output as a validator will: a false one costs a bond.
	Prove(ctx context.Context, in *prover.Input, job proof.JobID, progress func(prover.Stage)) (*prover.Result, error)
}

// NewProver returns the prover of this machine, which verifies what it has made.
func NewProver(o prover.Options) Prover { return localProver{prover.New(o)} }

// localProver is a prover.Prover that verifies.
type localProver struct{ *prover.Prover }

// Prove implements Prover.
func (p localProver) Prove(ctx context.Context, in *prover.Input, job proof.JobID, progress func(prover.Stage)) (*prover.Result, error) {
	res, err := p.Reporting(progress).Prove(ctx, in, job)
	if err != nil {
		return nil, err
	}
	return res, check(ctx, p.Prover, res, in.Profile)
}

// check does what a validator does: it verifies a proof, and that the output is the one
// that the proof is about.
func check(ctx context.Context, p *prover.Prover, res *prover.Result, profile proof.Profile) error {
	if err := checkOutput(ctx, p, res.Statement.Program, res.Output, profile, res.Statement.ResultRoot); err != nil {
		return err
	}
	_, err := proof.Verify(res.Statement, res.Proof, profile)
	return err
}
