// Package stark implements the protocol of the Rust crate stwo 2.3.0: channels,
// lifted Merkle trees, FRI and the polynomial commitment scheme, with a verifier
// and everything that prover and verifier share. docs/spec/transcript.md states
// the protocol.
//
// The package is plain sequential Go. It is part of the trusted base of
// verification and imports nothing of the prover.
package stark

import (
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/internal/m31"
)

// QM31 is the secure field.
type QM31 = m31.QM31

func q(a, b, c, d int) QM31 {
	return m31.Q(m31.Elem(a), m31.Elem(b), m31.Elem(c), m31.Elem(d))
}

// Proof is a STARK proof in the shape of stwo's StarkProof. The last tree of
// every list is that of the composition polynomial.
type Proof struct {
	Config        Config
	Commitments   []Hash         // a root per tree
	SampledValues [][][]QM31     // [tree][column][mask point]
	Decommitments []Decommitment // per tree
	QueriedValues [][][]m31.Elem // [tree][column][query]
	ProofOfWork   uint64
	FRI           FRIProof
}

// Decommitment holds the hashes that complete the Merkle paths of the queries:
// bottom layer first, left to right, only what is not known otherwise.
type Decommitment struct {
	HashWitness []Hash
}

// FRIProof is the low-degree part of a proof.
type FRIProof struct {
	First    FRILayer
	Inner    []FRILayer
	LastPoly LinePoly
}

// FRILayer is one folding layer.
type FRILayer struct {
	Witness      []QM31 // values of the opened groups that are not query positions
	Decommitment Decommitment
	Commitment   Hash
}

// LinePoly is FRI's last layer: coefficients with bit-reversed indices.
type LinePoly struct {
	Coeffs  []QM31
	LogSize int
}

// Layers returns the first layer and then the inner ones.
func (p *FRIProof) Layers() []*FRILayer {
	ls := []*FRILayer{&p.First}
	for i := range p.Inner {
		ls = append(ls, &p.Inner[i])
	}
	return ls
}

// Check names one of the verifier's checks.
type Check uint8

// The checks: shape first, then the statement, then cryptography.
const (
	CheckConfig        Check = iota + 1 // the proof was made for the pinned configuration
	CheckCommitments                    // one root per tree
	CheckSampledValues                  // one value per mask point
	CheckQueriedValues                  // one row per column and query
	CheckDecommitments                  // one decommitment per tree
	CheckFRIShape                       // number of layers, size of the last one
	CheckCanonical                      // every field element and felt252 is reduced
	CheckJobRoot                        // tree 0 holds the job's inputs
	CheckResultRoot                     // tree 1 holds the result
	CheckStatement                      // the statement's own equations, such as the sum of claimed sums
	CheckPrologue                       // proof of work of the statement
	CheckComposition                    // constraints at the out-of-domain point
	CheckProofOfWork                    // grinding before the queries
	CheckMerkle                         // openings of the trees
	CheckFRIWitness                     // number of values in a FRI layer
	CheckFRIMerkle                      // openings of a FRI layer
	CheckLastLayer                      // FRI's last layer against its polynomial
)

var checkNames = [...]string{
	CheckConfig: "config", CheckCommitments: "commitments", CheckSampledValues: "sampled values",
	CheckQueriedValues: "queried values", CheckDecommitments: "decommitments", CheckFRIShape: "FRI shape",
	CheckCanonical: "canonical encoding", CheckJobRoot: "job root", CheckResultRoot: "result root",
	CheckStatement: "statement", CheckPrologue: "statement proof of work",
	CheckComposition: "constraints", CheckProofOfWork: "proof of work", CheckMerkle: "Merkle openings",
	CheckFRIWitness: "FRI witness", CheckFRIMerkle: "FRI openings", CheckLastLayer: "FRI last layer",
}

// String returns the check's name.
func (c Check) String() string {
	if int(c) < len(checkNames) && checkNames[c] != "" {
		return checkNames[c]
	}
	return fmt.Sprintf("Check(%d)", uint8(c))
}

// ErrInvalid matches every *InvalidError.
var ErrInvalid = errors.New("the proof is invalid")

// InvalidError says that a proof is invalid, and by which check.
type InvalidError struct {
	Check  Check
	Detail string
}

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid proof (%s): %s", e.Check, e.Detail)
}

// Is makes errors.Is(err, ErrInvalid) true.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Invalid returns an *InvalidError.
func Invalid(c Check, format string, args ...any) error { return invalid(c, format, args...) }

func invalid(c Check, format string, args ...any) error {
	return &InvalidError{c, fmt.Sprintf(format, args...)}
}
