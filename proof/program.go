package proof

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/program"
)

// Program says what is computed: the name of a kind of program, and the rest of a text by
// which the kind tells its programs apart. Programs are comparable. The zero Program is
// invalid; make one with MatMul or ParseProgram. Methods that return no error return
// nothing, or zero, for a program that does not pass Validate.
type Program struct{ text string }

// ParseProgram is the inverse of String.
func ParseProgram(text string) (Program, error) {
	p := Program{text}
	if err := p.Validate(); err != nil {
		return Program{}, err
	}
	return p, nil
}

// String returns the text, such as "matmul int8 1024x1024x1024".
func (p Program) String() string { return p.text }

// Kind returns the name of the program's kind, such as "matmul".
func (p Program) Kind() string {
	return of(p, func(q program.Program) string { return q.Kind().Name() })
}

// MarshalText implements [encoding.TextMarshaler] by String.
func (p Program) MarshalText() ([]byte, error) { return []byte(p.text), p.Validate() }

// UnmarshalText implements [encoding.TextUnmarshaler] by ParseProgram.
func (p *Program) UnmarshalText(text []byte) error {
	q, err := ParseProgram(string(text))
	*p = q
	return err
}

// Validate reports whether the program can be proven.
func (p Program) Validate() error {
	_, err := p.parse()
	return err
}

func (p Program) parse() (program.Program, error) {
	if p == (Program{}) {
		return nil, fmt.Errorf("proof: no program: use proof.MatMul(m, k, n)")
	}
	q, err := program.Parse(p.text)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	return q, nil
}

// of returns a property of a program, or the zero value if the program is invalid.
func of[T any](p Program, property func(program.Program) T) (v T) {
	if q, err := p.parse(); err == nil {
		v = property(q)
	}
	return v
}

// InputSize returns the length of the input in bytes.
func (p Program) InputSize() int { return of(p, program.Program.InputSize) }

// OutputSize returns the length of the output in bytes.
func (p Program) OutputSize() int { return of(p, program.Program.OutputSize) }

// NumParts returns the number of parts of an input: two for a matrix product, A and B.
func (p Program) NumParts() int { return of(p, program.Program.NumParts) }

// Parts returns the parts of an input, of which each is known and fetched by a hash of
// its own. Together they are the input, which must have passed CheckInput.
func (p Program) Parts(input []byte) [][]byte {
	return of(p, func(q program.Program) [][]byte { return q.Parts(input) })
}

// Blobs returns the hashes of what belongs to the program but is too large for its text,
// such as a machine's code. They are the first parts of every input. A matrix product has
// none.
func (p Program) Blobs() []Digest {
	var out []Digest
	for _, d := range of(p, program.Program.Blobs) {
		out = append(out, d)
	}
	return out
}

// Rows returns the number of rows of the program's trace, a power of two, to which the
// work of proving is about proportional.
func (p Program) Rows() int {
	return of(p, func(q program.Program) int { return 1 << q.LogRows() })
}

// DefaultProfile returns the profile of proofs for whoever chooses none.
func (p Program) DefaultProfile() Profile {
	return of(p, func(q program.Program) Profile {
		profile, _ := ParseProfile(q.Kind().Profile()) // a test holds the kinds to it
		return profile
	})
}

// InputError says what is wrong with the input or output of a program.
type InputError struct {
	Program Program
	What    string // "input" or "output"
	Reason  string
}

// Error implements error.
func (e *InputError) Error() string {
	return fmt.Sprintf("proof: %s of %v: %s", e.What, e.Program, e.Reason)
}

// CheckInput reports whether input is an input of the program: its length, that
// entries are in range, and that it begins with the program's blobs.
func (p Program) CheckInput(input []byte) error {
	_, err := p.takes(input)
	return err
}

// takes checks an input and returns the program.
func (p Program) takes(input []byte) (program.Program, error) {
	q, err := p.parse()
	if err != nil {
		return nil, err
	}
	if err := q.CheckInput(input); err != nil {
		return nil, &InputError{p, "input", err.Error()}
	}
	for i, want := range q.Blobs() {
		if got := blake3.Sum256(q.Parts(input)[i]); got != want {
			return nil, &InputError{p, "input", fmt.Sprintf("part %d has the hash %v, the program names %v", i, Digest(got), Digest(want))}
		}
	}
	return q, nil
}

// CheckOutput reports whether output is an output of the program.
func (p Program) CheckOutput(output []byte) error {
	_, err := p.gives(output)
	return err
}

// gives checks an output and returns the program.
func (p Program) gives(output []byte) (program.Program, error) {
	q, err := p.parse()
	if err != nil {
		return nil, err
	}
	if err := q.CheckOutput(output); err != nil {
		return nil, &InputError{p, "output", err.Error()}
	}
	return q, nil
}

// VerifierVersion is the version of what Verify accepts. It grows with every
// change after which some proof is judged differently, and enters ID: validators
// of different versions never vote on the same fact.
const VerifierVersion = 1

// ID returns the program_id of the contracts: a digest of everything that a proof of the
// program is verified against besides its profile and statement. It hashes the kind's
// tag, the versions of encoding and verifier, and the words that tell the program apart
// from others of its kind (docs/spec/job.md).
func (p Program) ID() Digest {
	return of(p, func(q program.Program) (id Digest) {
		h := blake3.NewDeriveKey("github.com/bitsage/bitsage program v1")
		for _, w := range append([]uint32{q.Kind().Tag(), StatementVersion, VerifierVersion}, q.Words()...) {
			h.Write(binary.LittleEndian.AppendUint32(nil, w))
		}
		h.Sum(id[:0])
		return id
	})
}
