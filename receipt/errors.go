package receipt

import (
	"errors"
	"fmt"
)

// DamagedError says that the parts of a receipt do not belong together or are not what
// they should be. It says nothing about the worker: whoever has had the receipt may have
// changed it.
type DamagedError struct {
	Part string // as in output or certificate
	Err  error
}

// Error implements error.
func (e *DamagedError) Error() string { return fmt.Sprintf("damaged receipt: %s: %v", e.Part, e.Err) }

// Unwrap returns the reason.
func (e *DamagedError) Unwrap() error { return e.Err }

func damaged(part string, err error) error { return &DamagedError{part, err} }

func damagedf(part, format string, args ...any) error {
	return damaged(part, fmt.Errorf(format, args...))
}

// OtherError says that a receipt is about something else: about another job than it names
// or than was asked for, as it is after a change of its label, or about another input.
type OtherError struct {
	What      string // "job" or "input"
	Got, Want string // the job's identifier, or the commitment to the input
}

// Error implements error.
func (e *OtherError) Error() string {
	return fmt.Sprintf("receipt of another %s: it is about %s, not %s", e.What, e.Got, e.Want)
}

// in says which member an error is about.
func in(member string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", member, err)
}

var (
	errNotCertificate = errors.New("the votes are not a certificate")
	errNoAddress      = errors.New("0x0 is no address")
)
