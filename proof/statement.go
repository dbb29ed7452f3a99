package proof

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/stark"
)

// Digest is a 32-byte hash: a job's identifier, a commitment root or the hash of
// some data.
type Digest [32]byte

// String returns d in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText implements [encoding.TextMarshaler] in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("proof: a digest has %d hexadecimal digits, not %d", 2*len(d), len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// Statement is what a proof proves: that the output committed under ResultRoot is
// the program's output for the input committed under JobRoot. Both depend on the
// profile. A root that nobody recomputed from the data proves nothing: who posts or
// accepts a job computes JobRoot from the input, who relies on an output computes
// ResultRoot from it. That a task names hashes of an input beside its JobRoot settles
// nothing, since nothing but the input itself shows that they belong together.
type Statement struct {
	Program    Program
	JobID      JobID  // binds the proof to one job
	JobRoot    Digest // of tree 0: the input
	ResultRoot Digest // of tree 1: the output; without such a tree, the digest that the kind defines
}

// StatementVersion is the version of the statement's encoding in the transcript.
const StatementVersion = 1

// words returns what the transcript absorbs before the roots.
func (s *Statement) words(p program.Program) []uint32 {
	w := appendWords([]uint32{p.Kind().Tag(), StatementVersion}, s.JobID)
	w = append(w, p.Words()...)
	if _, ok := p.(program.OutputDigest); ok {
		w = appendWords(w, s.ResultRoot)
	}
	return w
}

func appendWords(w []uint32, d [32]byte) []uint32 {
	for i := 0; i < len(d); i += 4 {
		w = append(w, binary.LittleEndian.Uint32(d[i:]))
	}
	return w
}

// AIR returns the statement's constraint system under a profile. It is meant for
// packages of this module and for exporting it to the Rust verifier.
func (s *Statement) AIR(profile Profile) (*air.AIR, error) {
	if err := profile.Validate(); err != nil {
		return nil, err
	}
	p, err := s.Program.parse()
	if err != nil {
		return nil, err
	}
	if d, ok := p.(program.OutputDigest); ok {
		if err := d.CheckDigest(s.ResultRoot); err != nil {
			return nil, invalid(CheckResultRoot, "no output of %v has the digest %v: %v", s.Program, s.ResultRoot, err)
		}
	}
	return p.AIR(profileKind, profile.Config(p.LogRows()), program.Claim{Words: s.words(p), Result: s.ResultRoot})
}

// JobRoot computes the commitment to a program's input under a profile, which
// anyone with the input can do. It runs on one goroutine; package bitsage has a
// faster one.
func JobRoot(p Program, input []byte, profile Profile) (Digest, error) {
	if err := profile.Validate(); err != nil {
		return Digest{}, err
	}
	q, err := p.takes(input)
	if err != nil {
		return Digest{}, err
	}
	columns, err := q.EncodeInput(input, program.Sequential)
	if err != nil {
		return Digest{}, err
	}
	return root(columns, profile), nil
}

// ResultRoot computes the commitment to a program's output under a profile: the root of
// a tree, or the digest that the program's kind defines.
func ResultRoot(p Program, output []byte, profile Profile) (Digest, error) {
	if err := profile.Validate(); err != nil {
		return Digest{}, err
	}
	q, err := p.gives(output)
	if err != nil {
		return Digest{}, err
	}
	switch q := q.(type) {
	case program.OutputTree:
		columns, err := q.EncodeOutput(output, program.Sequential)
		if err != nil {
			return Digest{}, err
		}
		return root(columns, profile), nil
	case program.OutputDigest:
		return q.DigestOutput(output), nil
	}
	return Digest{}, fmt.Errorf("proof: nothing commits to the output of %v", p)
}

// root returns the root of a tree of columns, in storage order, which it overwrites.
func root(columns [][]m31.Elem, profile Profile) Digest {
	blowup, height := profile.Params().LogBlowup, 0
	for i, c := range columns {
		columns[i] = make([]m31.Elem, len(c)<<blowup)
		circle.Extend(columns[i], c)
		height = max(height, circle.Log2(len(columns[i])))
	}
	return Digest(stark.MerkleRoot(profileKind.Hasher(), columns, height))
}
