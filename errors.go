package bitsage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

var (
	// ErrUnknownJob means that the chain has no job of that identifier.
	ErrUnknownJob = errors.New("bitsage: unknown job")
	// ErrExpired means that a job's deadline passed before it was done. The fee has
	// gone back; from Submit, Quotes and Estimate it means that Job.Deadline is not in
	// the future, and nothing was paid.
	ErrExpired = errors.New("bitsage: the job's deadline has passed")
	// ErrCancelled means that the client took the job back.
	ErrCancelled = errors.New("bitsage: the job was cancelled")
	// ErrWrongInput means that a worker was given an input that is not the one its
	// job commits to.
	ErrWrongInput = errors.New("bitsage: the input is not the one that the job commits to")
	// ErrUnavailable means that a job is done but nobody hands out its output or
	// proof at the moment.
	ErrUnavailable = errors.New("bitsage: nobody has the job's output and proof at the moment")
	// ErrNoDir means that a Validator was given no directory for its journal,
	// without which it could sign contradicting votes after a crash.
	ErrNoDir = errors.New("bitsage: a validator needs Config.Dir: without a journal a crash could make it vote both ways, which costs its stake")
)

// errRan means that Run was called again.
var errRan = errors.New("bitsage: Run was called before: make a new Worker or Validator of the same Config")

// JobError says that a job came to a bad end; [errors.As] and [errors.Is] find the reason.
type JobError struct {
	Job proof.JobID
	Err error
}

// Error implements error.
func (e *JobError) Error() string {
	return fmt.Sprintf("bitsage: job %v: %s", e.Job, strings.TrimPrefix(e.Err.Error(), "bitsage: "))
}

// Unwrap returns the reason.
func (e *JobError) Unwrap() error { return e.Err }

// RejectedError says that a quorum of validators found the worker's proof invalid.
// The fee has gone back and the worker was slashed.
type RejectedError struct {
	Worker      chain.Felt           // address
	Certificate *receipt.Certificate // the validators' votes; nil if nobody hands them out at the moment
}

// Error implements error.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("bitsage: the validators rejected the proof of worker %v: the fee was refunded", e.Worker)
}

// NoQuoteError says that no worker takes a job on the client's terms, and what each
// that was asked answered.
type NoQuoteError struct {
	MaxFee  Amount
	Reasons map[string]string // by the worker's address, for people; empty if no worker is registered
}

// Error implements error.
func (e *NoQuoteError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bitsage: no worker takes the job for at most %v SAGE", e.MaxFee)
	if len(e.Reasons) == 0 {
		b.WriteString(": none is registered on the chain")
	}
	for who, why := range e.Reasons {
		fmt.Fprintf(&b, "; %s: %s", who, why)
	}
	return b.String()
}

// BalanceError says that a client's confidential balance, what is pending included, does
// not cover a fee or a withdrawal. Nothing was sent.
type BalanceError struct{ Have, Need Amount }

// Missing returns what to deposit at least, see [Client.Deposit].
func (e *BalanceError) Missing() Amount { return e.Need.Excess(e.Have) }

// Error implements error.
func (e *BalanceError) Error() string {
	return fmt.Sprintf("bitsage: the confidential balance is %v SAGE and %v are needed: %v SAGE are missing; Deposit them, or pay or withdraw less", e.Have, e.Need, e.Missing())
}

// explain makes public errors of those of the chain's side.
func explain(err error, need Amount) error {
	var short *settle.InsufficientError
	switch {
	case errors.As(err, &short):
		return &BalanceError{short.Have, short.Need}
	case errors.Is(err, settle.ErrNoAccount):
		return &BalanceError{Need: need}
	case errors.Is(err, settle.ErrUnknownJob):
		return ErrUnknownJob
	}
	return err
}
