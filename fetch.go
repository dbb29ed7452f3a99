package bitsage

import (
	"context"
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/transport"
)

// fetchTask gets the task of a job from the first peer that has it.
func fetchTask(ctx context.Context, host transport.Host, peers []transport.PeerID, id proof.JobID, job *settle.Job) (proof.Task, error) {
	return wire.FetchTask(ctx, host, peers, id, func(t proof.Task) error { return compareTask(t, job) })
}

// compareTask compares a task with what the chain says of its job.
func compareTask(t proof.Task, job *settle.Job) error {
	if err := t.Validate(); err != nil {
		return err
	}
	profile, err := felt.ShortString(t.Profile.String())
	if err != nil {
		return err
	}
	if t.ID() != job.TaskID || t.Program.ID() != job.ProgramID || t.JobRoot != job.JobRoot || profile != job.Profile {
		return errors.New("bitsage: the task is not the one on the chain")
	}
	return nil
}

// fetchProof gets the proof that a worker has submitted from the first peer that has it.
func fetchProof(ctx context.Context, host transport.Host, peers []transport.PeerID, job *settle.Job) (*proof.Proof, error) {
	encoded, err := blob.Fetch(ctx, host, peers, blob.ID{Kind: blob.Proof, Digest: job.ProofHash}, blob.MaxProof)
	if err != nil {
		return nil, err
	}
	return proof.Parse(encoded)
}

// fetchOutput gets the output that was committed as root from the first peer that
// has it.
func fetchOutput(ctx context.Context, host transport.Host, peers []transport.PeerID, id proof.JobID, t *proof.Task, root proof.Digest) ([]byte, error) {
	return wire.FetchOutput(ctx, host, peers, id, *t, func(output []byte) error {
		return checkOutput(ctx, prover.New(prover.Options{}), t.Program, output, t.Profile, root)
	})
}

// checkOutput recomputes the commitment to an output. A valid proof whose tree has a
// few wrong leaves passes the STARK verifier alone.
func checkOutput(ctx context.Context, p *prover.Prover, program proof.Program, output []byte, profile proof.Profile, want proof.Digest) error {
	root, err := p.ResultRoot(ctx, program, output, profile)
	if err == nil && root != want {
		err = fmt.Errorf("bitsage: the output is committed to as %v, not %v", root, want)
	}
	return err
}
