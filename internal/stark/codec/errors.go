package codec

import (
	"errors"
	"fmt"
)

// The reasons for which an encoding is refused. Every error of this package is
// a [*FormatError] that wraps one of them.
var (
	ErrTooLarge     = errors.New("larger than the limit")
	ErrTruncated    = errors.New("truncated")
	ErrTrailing     = errors.New("followed by more data")
	ErrMagic        = errors.New("not the magic number of a proof")
	ErrVersion      = errors.New("an unknown version")
	ErrKind         = errors.New("an unknown channel kind")
	ErrConfig       = errors.New("a configuration out of range")
	ErrNonCanonical = errors.New("not in canonical form")
	ErrLength       = errors.New("a number out of range")
	ErrShape        = errors.New("of a shape that no verifier accepts")
	ErrCompression  = errors.New("malformed compressed data")
)

// FormatError says where an encoding is refused, and why.
type FormatError struct {
	Offset int    // of the item: in bytes, for calldata in felts; -1 when there is no position
	Field  string // the item, as docs/spec/proof.md calls it
	Reason error  // one of the Err variables of this package
}

// Error implements error.
func (e *FormatError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("proof encoding: %s is %v", e.Field, e.Reason)
	}
	return fmt.Sprintf("proof encoding: %s at offset %d is %v", e.Field, e.Offset, e.Reason)
}

// Unwrap returns the reason.
func (e *FormatError) Unwrap() error { return e.Reason }

// catch turns a reader's panic with a *FormatError into an error. Readers panic
// with nothing else of their own, which keeps the grammar legible.
func catch(err *error) {
	switch e := recover().(type) {
	case nil:
	case *FormatError:
		*err = e
	default:
		panic(e)
	}
}
