package proof

import (
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/internal/stark"
)

// ErrInvalid matches every error that proves the prover guilty: the proof is
// malformed or does not prove the statement. Any other error of Verify means that
// the proof was not checked.
var ErrInvalid = stark.ErrInvalid

// InvalidError says by which check a proof is invalid. It matches ErrInvalid.
type InvalidError struct {
	Check  Check
	Detail string // what was found, for people
}

// Error implements error.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("invalid proof (%v): %s", e.Check, e.Detail)
}

// Is makes errors.Is(err, ErrInvalid) true.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(c Check, format string, args ...any) error {
	return &InvalidError{c, fmt.Sprintf(format, args...)}
}

// judged makes an *InvalidError of the verdict of the verifier below.
func judged(err error) error {
	if e, ok := errors.AsType[*stark.InvalidError](err); ok {
		return &InvalidError{Check(e.Check), e.Detail}
	}
	return err
}

// Check names one of the verifier's checks.
type Check uint8

// The checks: shape first, then the statement, then cryptography.
const (
	CheckConfig        = Check(stark.CheckConfig)        // the proof was made for the pinned configuration
	CheckCommitments   = Check(stark.CheckCommitments)   // one root per tree
	CheckSampledValues = Check(stark.CheckSampledValues) // one value per mask point
	CheckQueriedValues = Check(stark.CheckQueriedValues) // one row per column and query
	CheckDecommitments = Check(stark.CheckDecommitments) // one decommitment per tree
	CheckFRIShape      = Check(stark.CheckFRIShape)      // number of layers, size of the last one
	CheckCanonical     = Check(stark.CheckCanonical)     // every field element is reduced
	CheckJobRoot       = Check(stark.CheckJobRoot)       // tree 0 holds the job's inputs
	CheckResultRoot    = Check(stark.CheckResultRoot)    // tree 1 holds the result
	CheckStatement     = Check(stark.CheckStatement)     // the statement's own equations, such as the sum of claimed sums
	CheckPrologue      = Check(stark.CheckPrologue)      // proof of work of the statement
	CheckComposition   = Check(stark.CheckComposition)   // constraints at the out-of-domain point
	CheckProofOfWork   = Check(stark.CheckProofOfWork)   // grinding before the queries
	CheckMerkle        = Check(stark.CheckMerkle)        // openings of the trees
	CheckFRIWitness    = Check(stark.CheckFRIWitness)    // number of values in a FRI layer
	CheckFRIMerkle     = Check(stark.CheckFRIMerkle)     // openings of a FRI layer
	CheckLastLayer     = Check(stark.CheckLastLayer)     // FRI's last layer against its polynomial
)

// String returns the check's name.
func (c Check) String() string { return stark.Check(c).String() }
