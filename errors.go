package bitsage

import (
	"errors"
	"fmt"
)

var (
	// ErrUnknownJob means that the network has no job of that identifier.
	ErrUnknownJob = errors.New("bitsage: unknown job")
	// ErrExpired means that a job's deadline passed before it was done.
	ErrExpired = errors.New("bitsage: the job's deadline has passed")
	// ErrWrongInput means that a worker was given an input that is not the one
	// its job commits to.
	ErrWrongInput = errors.New("bitsage: the input is not the one that the job commits to")
)

// JobError says that a job came to a bad end.
type JobError struct {
	Job JobID
	Err error
}

// Error implements error.
func (e *JobError) Error() string { return fmt.Sprintf("bitsage: job %v: %v", e.Job, e.Err) }

// Unwrap returns the reason.
func (e *JobError) Unwrap() error { return e.Err }
