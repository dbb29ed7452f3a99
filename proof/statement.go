package proof

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
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

// Statement is what a proof proves: that the result committed under ResultRoot is
// the program's output for the input committed under JobRoot. Both roots depend
// on the profile. A root that nobody recomputed from the data proves nothing:
// who posts or accepts a job computes JobRoot from the input, who relies on an
// output computes ResultRoot from it.
type Statement struct {
	Program    Program
	JobID      JobID  // binds the proof to one job
	JobRoot    Digest // of tree 0: the input
	ResultRoot Digest // of tree 1: the output
}

// StatementVersion is the version of the statement's encoding in the transcript.
const StatementVersion = 1

// statementTag opens the transcript of matrix products: "BSMM", little-endian.
const statementTag = 0x4d4d5342

// words returns what the transcript absorbs before the roots.
func (s *Statement) words() []uint32 {
	w := []uint32{statementTag, StatementVersion}
	for i := 0; i < len(s.JobID); i += 4 {
		w = append(w, binary.LittleEndian.Uint32(s.JobID[i:]))
	}
	p := s.Program
	return append(w, uint32(p.m), uint32(p.k), uint32(p.n), uint32(p.dtype), matmul.W)
}

// AIR returns the statement's constraint system under a profile. It is meant for
// packages of this module and for exporting it to the Rust verifier.
func (s *Statement) AIR(profile Profile) (*air.AIR, error) {
	if err := profile.Validate(); err != nil {
		return nil, err
	}
	if err := s.Program.Validate(); err != nil {
		return nil, err
	}
	return s.Program.shape().AIR(profileKind, profile.Config(), s.words())
}

// JobRoot computes the commitment to a program's input under a profile, which
// anyone with the input can do. It runs on one goroutine; package bitsage has a
// faster one.
func JobRoot(p Program, input []byte, profile Profile) (Digest, error) {
	return root(p, matmul.InputTree, input, profile)
}

// ResultRoot computes the commitment to a program's output under a profile.
func ResultRoot(p Program, output []byte, profile Profile) (Digest, error) {
	return root(p, matmul.ResultTree, output, profile)
}

func root(p Program, tree int, data []byte, profile Profile) (Digest, error) {
	if err := profile.Validate(); err != nil {
		return Digest{}, err
	}
	columns, err := p.EncodeTree(tree, data, matmul.Sequential)
	if err != nil {
		return Digest{}, err
	}
	blowup := profile.Config().LogBlowup
	for i, c := range columns {
		columns[i] = make([]m31.Elem, len(c)<<blowup)
		circle.Extend(columns[i], c)
	}
	height := p.shape().LogRows() + blowup
	return Digest(stark.MerkleRoot(profileKind.Hasher(), columns, height)), nil
}
