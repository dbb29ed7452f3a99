package bitsage

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// Job is a program to run on an input.
type Job struct {
	Program proof.Program
	Input   []byte
	// Profile pins the security of the proof; zero means proof.MatMulP96, 96 bits
	// proven.
	Profile proof.Profile
	// Deadline ends the wait for a result; zero means none.
	Deadline time.Time
	// Label tells apart jobs that are otherwise equal. It enters the identifier.
	Label string
}

// maxLabel bounds a job's label.
const maxLabel = 256

func (j *Job) validate() error {
	if j.Profile == 0 {
		j.Profile = proof.MatMulP96
	}
	if err := j.Profile.Validate(); err != nil {
		return err
	}
	if len(j.Label) > maxLabel {
		return fmt.Errorf("bitsage: the label has %d bytes, want at most %d", len(j.Label), maxLabel)
	}
	if !j.Deadline.IsZero() && !j.Deadline.After(time.Now()) {
		return ErrExpired
	}
	if err := j.Program.CheckInput(j.Input); err != nil {
		return err
	}
	return proof.CheckSize(j.Program, j.Profile)
}

// JobID identifies a job and commits to its program, input and profile.
type JobID proof.Digest

// String returns the identifier in hexadecimal.
func (id JobID) String() string { return proof.Digest(id).String() }

// MarshalText implements [encoding.TextMarshaler].
func (id JobID) MarshalText() ([]byte, error) { return proof.Digest(id).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *JobID) UnmarshalText(text []byte) error { return (*proof.Digest)(id).UnmarshalText(text) }

// Task is a job without its input: what the identifier commits to.
type Task struct {
	Program proof.Program `json:"program"`
	Profile proof.Profile `json:"profile"`
	Label   string        `json:"label,omitempty"`
	// DigestA and DigestB are BLAKE3 hashes of the two matrices.
	DigestA proof.Digest `json:"digest_a"`
	DigestB proof.Digest `json:"digest_b"`
	// JobRoot is the commitment to both that the proof opens.
	JobRoot proof.Digest `json:"job_root"`
}

// ID returns the identifier: BLAKE3 in key derivation mode over all fields.
func (t Task) ID() JobID {
	h := blake3.NewDeriveKey("github.com/bitsage/bitsage job v1")
	for _, s := range []string{t.Program.String(), t.Profile.String(), t.Label} {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for _, d := range []proof.Digest{t.DigestA, t.DigestB, t.JobRoot} {
		h.Write(d[:])
	}
	var id JobID
	h.Sum(id[:0])
	return id
}

// newTask commits to a job's input. The returned input proves without committing
// again.
func newTask(ctx context.Context, p *prover.Prover, j Job) (Task, *prover.Input, error) {
	in, err := p.Input(ctx, j.Program, j.Input, j.Profile)
	if err != nil {
		return Task{}, nil, err
	}
	a, b := j.Program.Split(j.Input)
	return Task{j.Program, j.Profile, j.Label, blake3.Sum256(a), blake3.Sum256(b), in.Root()}, in, nil
}

// State is a stage in the life of a job.
type State string

// The states. A job goes from queued to running, maybe back when a worker stops,
// and ends in one of the other three.
const (
	Queued  State = "queued"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
	Expired State = "expired"
)

// Final reports whether the state is an end.
func (s State) Final() bool { return s == Done || s == Failed || s == Expired }

// Event is a change in the life of a job.
type Event struct {
	Job   JobID        `json:"job"`
	Seq   int          `json:"seq"` // counts the job's events from 0
	Time  time.Time    `json:"time"`
	State State        `json:"state"`
	Stage prover.Stage `json:"stage,omitempty"` // of the proof, while running
	Err   string       `json:"error,omitempty"` // why it failed or expired
}

// Receipt is the result of a job: all that is needed to check it. It can be
// stored and sent as JSON.
type Receipt struct {
	Job        JobID           `json:"job"`
	Task       Task            `json:"task"`
	ResultRoot proof.Digest    `json:"result_root"`
	Output     []byte          `json:"output"`
	Proof      []byte          `json:"proof"` // canonical binary form, compressed
	ProofHash  proof.Digest    `json:"proof_hash"`
	Timings    []prover.Timing `json:"timings"` // as the worker tells them
}

// Statement returns what the receipt's proof claims.
func (r *Receipt) Statement() proof.Statement {
	return proof.Statement{Program: r.Task.Program, JobID: proof.Digest(r.Job), JobRoot: r.Task.JobRoot, ResultRoot: r.ResultRoot}
}

// Verify checks the output, the proof and the task against each other, offline. A
// nil error means that Output is the program's output for the input that Job
// commits to; whoever asks must know Job from their own submission (Wait compares
// it). The error matches proof.ErrInvalid if the worker is to blame.
func (r *Receipt) Verify() (proof.Report, error) {
	if r.Task.ID() != r.Job {
		return proof.Report{}, &ReceiptError{"the task does not hash to the job's identifier"}
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
	if err := r.verifyOutput(); err != nil {
		return proof.Report{}, err
	}
	return proof.Verify(r.Statement(), p, r.Task.Profile)
}

// verifyOutput recomputes the commitment to the output. A valid proof whose tree
// has a few wrong leaves passes the STARK verifier alone.
func (r *Receipt) verifyOutput() error {
	root, err := prover.New(prover.Options{}).ResultRoot(context.Background(), r.Task.Program, r.Output, r.Task.Profile)
	if err != nil {
		return err
	}
	if root != r.ResultRoot {
		return &ReceiptError{fmt.Sprintf("the output is committed as %v, the receipt says %v", root, r.ResultRoot)}
	}
	return nil
}

// VerifyInput checks that the receipt is about the given input.
func (r *Receipt) VerifyInput(input []byte) error {
	t, _, err := newTask(context.Background(), prover.New(prover.Options{}), Job{Program: r.Task.Program, Profile: r.Task.Profile, Label: r.Task.Label, Input: input})
	if err != nil {
		return err
	}
	switch {
	case t.JobRoot != r.Task.JobRoot:
		return &ReceiptError{fmt.Sprintf("the input is committed as %v, the receipt is about %v", t.JobRoot, r.Task.JobRoot)}
	case t.ID() != r.Job:
		return &ReceiptError{"the input does not hash to the task's digests"}
	}
	return nil
}

// ReceiptError says that the parts of a receipt do not belong together. It
// matches proof.ErrInvalid.
type ReceiptError struct{ Reason string }

// Error implements error.
func (e *ReceiptError) Error() string { return "invalid receipt: " + e.Reason }

// Is makes errors.Is(err, proof.ErrInvalid) true.
func (e *ReceiptError) Is(target error) bool { return target == proof.ErrInvalid }
