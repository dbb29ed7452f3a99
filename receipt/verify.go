package receipt

import (
	"context"
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/stark/codec"
	"github.com/bitsage/bitsage/proof"
)

// Roots computes the commitments to a program's input and output. A *prover.Prover does it
// on all processors.
type Roots interface {
	JobRoot(ctx context.Context, p proof.Program, input []byte, profile proof.Profile) (proof.Digest, error)
	ResultRoot(ctx context.Context, p proof.Program, output []byte, profile proof.Profile) (proof.Digest, error)
}

// Verifier verifies receipts. The zero Verifier can be used, and is what the methods of
// Receipt use. It is safe for concurrent use if its Roots is.
type Verifier struct {
	// Roots computes the commitments, which takes most of the time; nil does it as
	// package proof does, on one goroutine.
	Roots Roots
}

// CheckJob compares the receipt's job with the one that was asked for, which whoever
// submitted it knows. It fails with an *OtherError.
func (r *Receipt) CheckJob(id proof.JobID) error {
	if r.Job != id {
		return &OtherError{"job", r.Job.String(), id.String()}
	}
	return nil
}

// Verify checks the parts of the receipt against each other, offline: first their sizes,
// then the identifier and the hash of the proof, the proof, the output, and at last the
// certificate, if there is one. So whoever wants to cost the caller time needs a proof.
//
// A nil error means that Output is the program's output for the input that Job commits to,
// with the security in the report. Whether Job is the right one, [Receipt.CheckJob] says;
// what input it commits to, [Receipt.VerifyInput] settles, and nothing else does. Whether
// the members of the certificate's set were the chain's validators cannot be told offline:
// a client of package bitsage takes the set from the chain. The proof needs no validators.
//
// It fails with a *DamagedError, an *OtherError, an error that matches [proof.ErrInvalid]
// if the proof is false, or the error of ctx, at which it looks between the steps. The
// longest step is the output's commitment: about a third of a second for 4 MiB on one
// processor. A [Verifier] can use all.
func (r *Receipt) Verify(ctx context.Context) (proof.Report, error) {
	return Verifier{}.Verify(ctx, r)
}

// VerifyInput checks that the receipt is about the given input: that the job root is its
// commitment, and the task's hashes those of its parts. It is independent of Verify.
//
// It fails with an *OtherError if the receipt is about another input, with a *DamagedError
// if its hashes name one input and its root another, and with a *proof.InputError if the
// program has no such input.
func (r *Receipt) VerifyInput(ctx context.Context, input []byte) error {
	return Verifier{}.VerifyInput(ctx, r, input)
}

// Verify is Receipt.Verify.
func (v Verifier) Verify(ctx context.Context, r *Receipt) (proof.Report, error) {
	p, votes, err := r.assemble()
	if err != nil {
		return proof.Report{}, err
	}
	if err := ctx.Err(); err != nil {
		return proof.Report{}, err
	}
	report, err := proof.Verify(r.Statement(), p, r.Task.Profile)
	if err != nil {
		return proof.Report{}, blame(err)
	}
	if err := v.checkOutput(ctx, r); err != nil {
		return proof.Report{}, err
	}
	if votes != nil {
		if _, err := r.Certificate.Verify(r.Origin.Chain); err != nil {
			return proof.Report{}, damaged("certificate", err)
		}
	}
	return report, nil
}

// assemble checks all that costs little: sizes, that origin and task are the job's, that
// the proof is the one that its hash names, and that the votes are about this receipt.
func (r *Receipt) assemble() (*proof.Proof, *consensus.Certificate, error) {
	if err := address(r.Worker); err != nil {
		return nil, nil, damaged("worker", err)
	}
	if err := r.checkSizes(); err != nil {
		return nil, nil, err
	}
	id, err := r.Origin.JobID(r.Task.ID())
	if err != nil {
		return nil, nil, damaged("origin", err)
	}
	if id != r.Job {
		return nil, nil, &OtherError{"job", id.String(), r.Job.String()}
	}
	p, err := r.parse()
	if err != nil || r.Certificate == nil {
		return p, nil, err
	}
	votes, err := r.votes()
	if err != nil {
		return nil, nil, damaged("certificate", err)
	}
	return p, votes, nil
}

// checkSizes checks the task and that output, proof and votes are no longer than its
// program, profile and the protocol allow.
func (r *Receipt) checkSizes() error {
	if err := r.Task.Validate(); err != nil {
		return damaged("task", err)
	}
	if n := r.Task.Program.OutputSize(); len(r.Output) != n {
		return damaged("output", &proof.InputError{
			Program: r.Task.Program, What: "output", Reason: fmt.Sprintf("%d bytes, want %d", len(r.Output), n),
		})
	}
	if len(r.Proof) > codec.MaxCompressed {
		return damagedf("proof", "%d bytes, want at most %d", len(r.Proof), codec.MaxCompressed)
	}
	if r.Certificate == nil {
		return nil
	}
	if _, err := r.Certificate.decode(); err != nil {
		return damaged("certificate", err)
	}
	return nil
}

// parse returns the proof. That it is malformed is its maker's fault only if it is the one
// that the hash names, by which it was submitted.
func (r *Receipt) parse() (*proof.Proof, error) {
	raw, err := codec.Decompress(r.Proof)
	if err != nil {
		return nil, damaged("proof", err)
	}
	if hash := proof.Digest(codec.Hash(raw)); hash != r.ProofHash {
		return nil, damagedf("proof", "its hash is %v, not %v", hash, r.ProofHash)
	}
	return proof.Parse(raw)
}

// blame tells a false proof from one that is about other data than the receipt.
func blame(err error) error {
	var e *proof.InvalidError
	if !errors.As(err, &e) {
		return err
	}
	switch e.Check {
	case proof.CheckJobRoot:
		return damagedf("job root", "%s", e.Detail)
	case proof.CheckResultRoot:
		return damagedf("result root", "%s", e.Detail)
	}
	return err
}

// checkOutput recomputes the commitment to the output. A valid proof whose tree has a few
// wrong leaves passes the STARK verifier alone.
func (v Verifier) checkOutput(ctx context.Context, r *Receipt) error {
	root, err := v.roots().ResultRoot(ctx, r.Task.Program, r.Output, r.Task.Profile)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return damaged("output", err)
	case root != r.ResultRoot:
		return damagedf("output", "it is committed to as %v, not %v", root, r.ResultRoot)
	}
	return nil
}

// VerifyInput is Receipt.VerifyInput.
func (v Verifier) VerifyInput(ctx context.Context, r *Receipt, input []byte) error {
	t := &r.Task
	if err := t.Validate(); err != nil {
		return damaged("task", err)
	}
	if err := t.Program.CheckInput(input); err != nil {
		return err
	}
	root, err := v.roots().JobRoot(ctx, t.Program, input, t.Profile)
	if err != nil {
		return err
	}
	switch err := t.CheckInput(input, root); {
	case errors.Is(err, proof.ErrContradiction):
		return damaged("task", err)
	case errors.Is(err, proof.ErrOtherInput):
		return &OtherError{"input", t.JobRoot.String(), root.String()}
	default:
		return err
	}
}

func (v Verifier) roots() Roots {
	if v.Roots == nil {
		return sequential{}
	}
	return v.Roots
}

// sequential computes roots as package proof does.
type sequential struct{}

func (sequential) JobRoot(ctx context.Context, p proof.Program, input []byte, profile proof.Profile) (proof.Digest, error) {
	if err := ctx.Err(); err != nil {
		return proof.Digest{}, err
	}
	return proof.JobRoot(p, input, profile)
}

func (sequential) ResultRoot(ctx context.Context, p proof.Program, output []byte, profile proof.Profile) (proof.Digest, error) {
	if err := ctx.Err(); err != nil {
		return proof.Digest{}, err
	}
	return proof.ResultRoot(p, output, profile)
}
