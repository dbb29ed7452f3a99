package proof

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/zeebo/blake3"
)

// JobID identifies a job on one chain: the hash of the chain, the contract JobManager,
// the client's account and the task's identifier. It is the number by which the
// contracts know the job, most significant byte first, and the proof is bound to it.
type JobID Digest

// String returns the identifier in hexadecimal.
func (id JobID) String() string { return Digest(id).String() }

// MarshalText implements [encoding.TextMarshaler] in hexadecimal.
func (id JobID) MarshalText() ([]byte, error) { return Digest(id).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *JobID) UnmarshalText(text []byte) error { return (*Digest)(id).UnmarshalText(text) }

// MaxLabel bounds the label of a task in bytes.
const MaxLabel = 256

// Task is a job without its input and terms: what is to be proven.
type Task struct {
	Program Program `json:"program"`
	Profile Profile `json:"profile"`
	// Label tells apart tasks that are otherwise equal: at most MaxLabel bytes of UTF-8.
	Label string `json:"label,omitempty"`
	// Inputs are the BLAKE3 hashes of the parts of the input, by which the parts are
	// fetched; see Program.Parts. The proof does not know of them.
	Inputs []Digest `json:"inputs"`
	// JobRoot is the commitment to the input that the proof is about. That it commits to
	// the input that has the hashes is the task's word alone; see CheckInput.
	JobRoot Digest `json:"job_root"`
}

// NewTask returns the task of an input whose commitment under the profile is root.
// The input must have passed [Program.CheckInput].
func NewTask(p Program, profile Profile, label string, input []byte, root Digest) Task {
	t := Task{Program: p, Profile: profile, Label: label, JobRoot: root}
	for _, part := range p.Parts(input) {
		t.Inputs = append(t.Inputs, blake3.Sum256(part))
	}
	return t
}

// ID returns the task's identifier: BLAKE3 in key derivation mode over all fields
// (docs/spec/job.md). Tasks are equal if their identifiers are.
func (t *Task) ID() Digest {
	h := blake3.NewDeriveKey("github.com/bitsage/bitsage task v1")
	number := func(n int) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	for _, s := range []string{t.Program.String(), t.Profile.String(), t.Label} {
		number(len(s))
		h.Write([]byte(s))
	}
	number(len(t.Inputs))
	for _, d := range t.Inputs {
		h.Write(d[:])
	}
	h.Write(t.JobRoot[:])
	var id Digest
	h.Sum(id[:0])
	return id
}

// Validate checks a task that somebody else has made: its label, program, profile, the
// number of its inputs, and that its proofs fit [MaxBytes].
func (t *Task) Validate() error {
	if err := CheckLabel(t.Label); err != nil {
		return err
	}
	if err := t.Profile.Validate(); err != nil {
		return err
	}
	if err := t.Program.Validate(); err != nil {
		return err
	}
	if n := t.Program.NumParts(); len(t.Inputs) != n {
		return fmt.Errorf("proof: the task has %d hashes of inputs, %v takes %d", len(t.Inputs), t.Program, n)
	}
	for i, want := range t.Program.Blobs() {
		if t.Inputs[i] != want {
			return fmt.Errorf("proof: the task has the hash %v for part %d of the input, %v names %v", t.Inputs[i], i, t.Program, want)
		}
	}
	return CheckSize(t.Program, t.Profile)
}

// What CheckInput finds.
var (
	// ErrOtherInput means that the task is of another input.
	ErrOtherInput = errors.New("proof: the task is of another input")
	// ErrContradiction means that the input fits one of the task's two claims about it
	// and not the other: whoever made the task lied about its input.
	ErrContradiction = errors.New("proof: the task contradicts itself, its job root and its hashes are of different inputs")
)

// CheckInput compares an input, whose commitment under the task's profile is root, with
// the hashes and the job root of the task. The proof is about the job root alone, and no
// one without the input can tell whether the hashes belong to it. The errors are those of
// [Program.CheckInput], and ErrOtherInput and ErrContradiction, wrapped with what differs.
func (t *Task) CheckInput(input []byte, root Digest) error {
	if err := t.Program.CheckInput(input); err != nil {
		return err
	}
	same := 0
	this := NewTask(t.Program, t.Profile, t.Label, input, root)
	for i, d := range this.Inputs {
		if i < len(t.Inputs) && d == t.Inputs[i] {
			same++
		}
	}
	hashes := same == len(this.Inputs) && same == len(t.Inputs)
	switch {
	case hashes && root == t.JobRoot:
		return nil
	case hashes:
		return fmt.Errorf("%w: the input has the hashes, but is committed as %v and not %v", ErrContradiction, root, t.JobRoot)
	case root == t.JobRoot:
		return fmt.Errorf("%w: the input is the one committed, but of its %d parts %d have the hashes", ErrContradiction, len(this.Inputs), same)
	}
	return fmt.Errorf("%w: it is committed as %v, the task's as %v", ErrOtherInput, root, t.JobRoot)
}

// Statement returns what a proof of the task for a job claims if the commitment to the
// output is result.
func (t *Task) Statement(id JobID, result Digest) Statement {
	return Statement{Program: t.Program, JobID: id, JobRoot: t.JobRoot, ResultRoot: result}
}

// CheckLabel reports whether a text can be a label.
func CheckLabel(label string) error {
	if len(label) > MaxLabel {
		return fmt.Errorf("proof: the label has %d bytes, want at most %d", len(label), MaxLabel)
	}
	if !utf8.ValidString(label) {
		return errors.New("proof: the label is not UTF-8")
	}
	return nil
}
