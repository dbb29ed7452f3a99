// Package program says what a kind of program is: all that whoever verifies, pays for,
// sends or proves a program must know of it, but how to run it. What runs programs is in
// package internal/program/exec, so that a verifier links none of it.
//
// A program travels as its text, a line such as "matmul int8 16x16x16" whose first word
// names the kind. The text is all that a verifier has: it determines the sizes of input
// and output, the constraints, and the program's identifier. What is too large for a text
// stands in it by hash and comes with the input; see Program.Blobs.
package program

import (
	"fmt"
	"strings"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Bounds of programs.
const (
	MaxText  = 256 // bytes of a text
	MaxParts = 16  // parts of an input
)

// The trees of a proof that are made of data, in order of commitment.
const (
	InputTree  = 0 // its root is the job root
	ResultTree = 1 // its root is the result root, if the program is an OutputTree
)

// Digest is a BLAKE3 hash, or what commits to an input or output.
type Digest = [32]byte

// Kind is a kind of program. It is immutable and safe for concurrent use.
type Kind interface {
	// Name is the first word of the texts of the kind's programs.
	Name() string

	// Tag opens the transcripts of proofs and enters the identifiers of programs. It
	// changes whenever the same words come to mean other constraints.
	Tag() uint32

	// Parse returns the program of a text that begins with the kind's name. It accepts
	// one text for a program, and no program that cannot be proven.
	Parse(text string) (Program, error)

	// Profile names the profile of proofs for whoever chooses none.
	Profile() string

	// SelfTests are small programs with which a worker finds out whether it proves right.
	SelfTests() []SelfTest

	// Sample is a program on which a worker measures how fast it is: one with a hundred
	// rows or so.
	Sample() Program
}

// SelfTest is a program of a self-test, the name of the profile to prove it under, and
// the seed of the input.
type SelfTest struct {
	Program Program
	Profile string
	Seed    byte
}

// Program is a program that can be proven: a value, immutable and safe for concurrent
// use. It is an OutputTree or an OutputDigest besides.
type Program interface {
	// Kind returns the program's kind.
	Kind() Kind

	// String returns the text: UTF-8 of at most MaxText bytes.
	String() string

	// Words tell the program apart from all others of its kind. They enter the
	// transcript of its proofs and its identifier.
	Words() []uint32

	// Blobs are the hashes of what the text only names, such as the code of a machine:
	// of the first parts of every input, so that they are fetched and committed to with
	// it. Most programs have none. What the constraints must know of them is in Words.
	Blobs() []Digest

	// NumParts is the number of parts of an input, from 1 to MaxParts.
	NumParts() int

	// Parts cuts an input that has passed CheckInput into its parts, each of which has a
	// hash of its own by which it is known and fetched. Together they are the input. None
	// is larger than a blob may be (package internal/p2p/blob).
	Parts(input []byte) [][]byte

	// InputSize and OutputSize are the lengths of every input and output in bytes.
	InputSize() int
	OutputSize() int

	// CheckInput and CheckOutput say what is wrong with an input or output. That Blobs
	// are hashes of parts is not for them to check.
	CheckInput(input []byte) error
	CheckOutput(output []byte) error

	// TestInput returns an input, another one for each seed, or nil where it does not know
	// the blobs.
	TestInput(seed byte) []byte

	// EncodeInput lays out an input that has passed CheckInput as the columns of
	// InputTree, in storage order.
	EncodeInput(input []byte, each Each) ([][]m31.Elem, error)

	// LogRows is log2 of the number of rows of the trace, to which the work of proving
	// is about proportional.
	LogRows() int

	// ErrorBits is the security, in bits, of what the constraints check by chance beyond
	// what every STARK does; 0 means that they do no such thing.
	ErrorBits() int

	// AIR returns the constraints of a claim under a configuration. The number and size
	// of columns must not depend on the claim, whose Result has passed CheckDigest.
	AIR(kind stark.Kind, cfg stark.Config, c Claim) (*air.AIR, error)
}

// Claim is what a proof of a program says besides the input.
type Claim struct {
	// Words bind the proof to the program, to one job and, if the program is an
	// OutputDigest, to Result. The transcript absorbs them before anything else but the
	// configuration.
	Words []uint32
	// Result commits to the output. It is zero as long as the output is not known.
	Result Digest
}

// OutputTree is a program whose output is committed to by the root of ResultTree.
type OutputTree interface {
	// EncodeOutput lays out an output that has passed CheckOutput as the columns of
	// ResultTree, in storage order.
	EncodeOutput(output []byte, each Each) ([][]m31.Elem, error)
}

// OutputDigest is a program without a tree of its output, whose kind defines what commits
// to it. The constraints compare Claim.Result with the trace.
type OutputDigest interface {
	// DigestOutput returns the commitment to an output that has passed CheckOutput.
	DigestOutput(output []byte) Digest

	// CheckDigest says why a digest cannot be that of an output, so that whoever claims it is
	// guilty. The zero digest passes.
	CheckDigest(d Digest) error
}

// Each calls f on ranges that cover 0 to n, maybe in parallel, and returns early with an
// error if it was stopped.
type Each func(n int, f func(lo, hi int)) error

// Sequential is the Each of a single goroutine.
func Sequential(n int, f func(lo, hi int)) error {
	f(0, n)
	return nil
}

var kinds []Kind

// Register makes a kind known to this process. It must not run at the same time as
// anything else of this package: call it while the process starts. It panics if the name
// or the tag is taken.
func Register(k Kind) {
	for _, other := range kinds {
		if other.Name() == k.Name() || other.Tag() == k.Tag() {
			panic(fmt.Sprintf("program: %q (tag %#x) registered beside %q (tag %#x)", k.Name(), k.Tag(), other.Name(), other.Tag()))
		}
	}
	kinds = append(kinds, k)
}

// Kinds returns the kinds that are registered, which the caller must not change.
func Kinds() []Kind { return kinds }

// Parse returns the program of a text, which must be of a registered kind.
func Parse(text string) (Program, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("the text of the program has %d bytes, want at most %d", len(text), MaxText)
	}
	name, _, _ := strings.Cut(text, " ")
	var names []string
	for _, k := range kinds {
		if k.Name() == name {
			return parse(k, text)
		}
		names = append(names, k.Name())
	}
	return nil, fmt.Errorf("unknown kind of program %.40q, want one of: %s", name, strings.Join(names, ", "))
}

func parse(k Kind, text string) (Program, error) {
	p, err := k.Parse(text)
	if err != nil {
		return nil, err
	}
	if n, blobs := p.NumParts(), len(p.Blobs()); n < 1 || n > MaxParts || blobs > n {
		return nil, fmt.Errorf("inputs of %v have %d parts, of which the text names %d; want 1 to %d parts", p, n, blobs, MaxParts)
	}
	return p, nil
}
