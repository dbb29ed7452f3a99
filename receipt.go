package bitsage

import (
	"context"
	"errors"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/staking"
)

// Origin is what a JobID is derived from besides the task. Addresses are written as
// 0x and hexadecimal digits.
type Origin struct {
	Chain      string `json:"chain"` // its name, as SN_MAIN
	JobManager string `json:"job_manager"`
	Client     string `json:"client"`
}

// jobID returns the identifier of the client's task.
func (o Origin) jobID(task proof.Digest) (proof.JobID, error) {
	chainID, err := felt.ShortString(o.Chain)
	if err != nil {
		return proof.JobID{}, err
	}
	manager, err := felt.Parse(o.JobManager)
	if err != nil {
		return proof.JobID{}, err
	}
	client, err := felt.Parse(o.Client)
	if err != nil {
		return proof.JobID{}, err
	}
	id := settle.JobID(chainID, manager, client, task)
	return proof.JobID(id.Bytes()), nil
}

// Receipt is the result of a job: all that is needed to check it. It can be stored
// and sent as JSON.
type Receipt struct {
	Job         proof.JobID  `json:"job"`
	Origin      Origin       `json:"origin"`
	Task        proof.Task   `json:"task"`
	Worker      string       `json:"worker"` // address
	ResultRoot  proof.Digest `json:"result_root"`
	Output      []byte       `json:"output"`
	Proof       []byte       `json:"proof"` // canonical binary form, compressed
	ProofHash   proof.Digest `json:"proof_hash"`
	Certificate *Certificate `json:"certificate,omitempty"` // nil if the validators' votes were not at hand
}

// Statement returns what the receipt's proof claims.
func (r *Receipt) Statement() proof.Statement {
	return r.Task.Statement(r.Job, r.ResultRoot)
}

// Verify checks the output, the proof, the task and, if there is one, the
// certificate against each other, offline. A nil error means that Output is the
// program's output for the input that the task's job root commits to; whoever asks
// must know Job from their own submission (Wait compares it). Which input that is, the
// hashes in the task do not settle, only VerifyInput does. The error matches
// proof.ErrInvalid if the receipt is wrong.
//
// Whether the members of the certificate's set were the chain's validators cannot
// be told offline: Wait has compared them. The proof needs no validators.
func (r *Receipt) Verify() (proof.Report, error) {
	id, err := r.Origin.jobID(r.Task.ID())
	if err != nil {
		return proof.Report{}, &ReceiptError{err.Error()}
	}
	if id != r.Job {
		return proof.Report{}, &ReceiptError{"origin and task do not hash to the job's identifier"}
	}
	p, err := proof.Decompress(r.Proof)
	if err != nil {
		return proof.Report{}, err
	}
	hash, err := p.Hash()
	if err != nil {
		return proof.Report{}, err
	}
	if hash != r.ProofHash {
		return proof.Report{}, &ReceiptError{"the proof does not hash to the proof hash"}
	}
	if err := checkOutput(context.Background(), prover.New(prover.Options{}), r.Task.Program, r.Output, r.Task.Profile, r.ResultRoot); err != nil {
		return proof.Report{}, err
	}
	if err := r.verifyCertificate(); err != nil {
		return proof.Report{}, err
	}
	return proof.Verify(r.Statement(), p, r.Task.Profile)
}

// fact returns what the validators voted on.
func (r *Receipt) fact() (consensus.Fact, error) {
	worker, err := felt.Parse(r.Worker)
	if err != nil {
		return consensus.Fact{}, err
	}
	return factOf(r.Job, &r.Task, worker, r.ResultRoot, r.ProofHash)
}

// factOf returns the fact that a worker claims of a job.
func factOf(id proof.JobID, t *proof.Task, worker chain.Felt, result, proofHash proof.Digest) (consensus.Fact, error) {
	job, err := feltOf(id)
	if err != nil {
		return consensus.Fact{}, err
	}
	profile, err := felt.ShortString(t.Profile.String())
	if err != nil {
		return consensus.Fact{}, err
	}
	return consensus.Fact{
		JobID: job, ProgramID: consensus.Digest(t.Program.ID()), Profile: profile, JobRoot: consensus.Digest(t.JobRoot),
		ResultRoot: consensus.Digest(result), Worker: worker, ProofHash: consensus.Digest(proofHash),
	}, nil
}

// verifyCertificate checks that the votes are for this receipt and make a quorum.
func (r *Receipt) verifyCertificate() error {
	if r.Certificate == nil {
		return nil
	}
	chainID, err := felt.ShortString(r.Origin.Chain)
	if err != nil {
		return &ReceiptError{err.Error()}
	}
	fact, err := r.fact()
	if err != nil {
		return &ReceiptError{err.Error()}
	}
	c, err := r.Certificate.verify(chainID)
	switch {
	case err != nil:
		return &ReceiptError{err.Error()}
	case c.Fact != fact.ID(chainID):
		return &ReceiptError{"the certificate is about something else"}
	case c.Verdict != consensus.Valid:
		return &ReceiptError{"the certificate says that the proof is invalid"}
	}
	return nil
}

// VerifyInput checks that the receipt is about the given input. Verify cannot tell: that
// the job root commits to the input that has the task's hashes is shown by the input
// alone. If it has one of the two and not the other, the error says so.
func (r *Receipt) VerifyInput(input []byte) error {
	t, _, err := commit(context.Background(), prover.New(prover.Options{}), &r.Task, input)
	if err != nil {
		return err
	}
	if err := r.Task.CheckInput(input, t.JobRoot); err != nil {
		return &ReceiptError{err.Error()}
	}
	return nil
}

// ReceiptError says that the parts of a receipt do not belong together. It matches
// proof.ErrInvalid.
type ReceiptError struct{ Reason string }

// Error implements error.
func (e *ReceiptError) Error() string { return "invalid receipt: " + e.Reason }

// Is makes errors.Is(err, proof.ErrInvalid) true.
func (e *ReceiptError) Is(target error) bool { return target == proof.ErrInvalid }

// Certificate is the votes of validators, of more than two thirds of the stake of
// their epoch's set, that decided about a job's proof.
type Certificate struct {
	// Votes is the certificate in its canonical encoding (docs/spec/consensus.md).
	Votes []byte `json:"votes"`
	// Set is the validators of the epoch, by index.
	Set []Member `json:"set"`
}

// Member is a validator of an epoch.
type Member struct {
	VoteKey string `json:"vote_key"`
	Weight  Amount `json:"weight"` // its stake
}

// newCertificate puts a certificate together with its epoch's set.
func newCertificate(c *consensus.Certificate, e staking.Epoch) (*Certificate, error) {
	votes, err := consensus.Encode(c)
	if err != nil {
		return nil, err
	}
	out := &Certificate{Votes: votes}
	for _, m := range e.Members {
		out.Set = append(out.Set, Member{m.VoteKey.String(), m.Weight})
	}
	return out, nil
}

// verify checks the votes and returns them.
func (c *Certificate) verify(chainID chain.Felt) (*consensus.Certificate, error) {
	m, err := consensus.Decode(c.Votes)
	if err != nil {
		return nil, err
	}
	votes, ok := m.(*consensus.Certificate)
	if !ok {
		return nil, errors.New("not a certificate")
	}
	members := make([]consensus.Member, len(c.Set))
	for i, m := range c.Set {
		if members[i].Key, err = felt.Parse(m.VoteKey); err != nil {
			return nil, err
		}
		if members[i].Weight, err = consensus.WeightFromBig(m.Weight.Base()); err != nil {
			return nil, err
		}
	}
	set, err := consensus.NewValidatorSet(votes.Epoch, members, consensus.Stark)
	if err != nil {
		return nil, err
	}
	return votes, votes.Verify(chainID, set)
}
