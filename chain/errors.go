package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Code is an error code of the RPC. A Code is an error itself, for errors.Is:
//
//	if errors.Is(err, chain.ErrContractNotFound) { ... }
type Code int

// The error codes of Starknet's RPC, versions 0.9 and 0.10.
const (
	ErrFailedToReceive    Code = 1
	ErrContractNotFound   Code = 20
	ErrEntrypointNotFound Code = 21
	ErrBlockNotFound      Code = 24
	ErrInvalidTxIndex     Code = 27
	ErrClassHashNotFound  Code = 28
	ErrTxHashNotFound     Code = 29
	ErrPageTooBig         Code = 31
	ErrNoBlocks           Code = 32
	ErrContinuationToken  Code = 33
	ErrTooManyKeys        Code = 34
	ErrContract           Code = 40 // a call reverted
	ErrExecution          Code = 41 // a transaction reverted when it was simulated
	ErrStorageProof       Code = 42
	ErrClassDeclared      Code = 51
	ErrNonce              Code = 52
	ErrResources          Code = 53 // the bounds do not cover validation or the minimal fee
	ErrBalance            Code = 54 // the account cannot pay the bounds
	ErrValidation         Code = 55 // the account refused the signature
	ErrCompilation        Code = 56
	ErrClassSize          Code = 57
	ErrNonAccount         Code = 58
	ErrDuplicateTx        Code = 59
	ErrCompiledClassHash  Code = 60
	ErrTxVersion          Code = 61
	ErrClassVersion       Code = 62
	ErrUnexpected         Code = 63
	ErrReplaceUnderpriced Code = 64
	ErrFeeBelowMinimum    Code = 65
	ErrInvalidProof       Code = 69
	ErrParse              Code = -32700
	ErrInvalidRequest     Code = -32600
	ErrMethodNotFound     Code = -32601
	ErrInvalidParams      Code = -32602
	ErrInternal           Code = -32603
)

// Error implements error.
func (c Code) Error() string { return fmt.Sprintf("chain: RPC error code %d", int(c)) }

// rejects reports whether the code says for certain that a transaction was not
// accepted. Of other codes, such as an internal error while the node talks to the
// sequencer, it may have been.
func (c Code) rejects() bool {
	switch c {
	case ErrContractNotFound, ErrEntrypointNotFound, ErrClassHashNotFound, ErrContract, ErrExecution,
		ErrTxVersion, ErrClassVersion, ErrReplaceUnderpriced, ErrFeeBelowMinimum, ErrInvalidProof,
		ErrParse, ErrInvalidRequest, ErrMethodNotFound, ErrInvalidParams:
		return true
	}
	return c >= ErrClassDeclared && c <= ErrCompiledClassHash && c != ErrDuplicateTx
}

// RPCError is an error that the node answered. It unwraps to its Code.
type RPCError struct {
	Method  string
	Code    Code
	Message string
	Data    json.RawMessage // as the node sent it, or nil
}

// maxErrorText is how many bytes of a node's text an error repeats.
const maxErrorText = 2_000

// Error implements error. It repeats at most 2,000 bytes of data, from both ends,
// and no control characters.
func (e *RPCError) Error() string {
	s := fmt.Sprintf("chain: %s: %s (code %d)", e.Method, printable(e.Message), int(e.Code))
	if len(e.Data) > 0 {
		s += ": " + printable(string(e.Data))
	}
	return s
}

// Unwrap returns the code.
func (e *RPCError) Unwrap() error { return e.Code }

// printable shortens a text of the node and replaces what is no printable character.
func printable(s string) string {
	if len(s) > maxErrorText {
		s = s[:maxErrorText/4] + " ... " + s[len(s)-maxErrorText*3/4:]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// HTTPError is a status that is not 200, without an error of the RPC in the body.
// Redirects are among them: they are not followed.
type HTTPError struct {
	Status     int
	RetryAfter time.Duration // what the header asks for, or 0
}

// Error implements error.
func (e *HTTPError) Error() string {
	return fmt.Sprintf("chain: the node answered %d %s", e.Status, http.StatusText(e.Status))
}

// The conditions that are no answers of the RPC.
var (
	// ErrResponse means that an answer of the node is not what the specification
	// says, or is about something that was not asked.
	ErrResponse = errors.New("chain: malformed answer of the node")
	// ErrTooLarge means that an answer is larger than Options.MaxResponse.
	ErrTooLarge = errors.New("chain: the node's answer is too large")
	// ErrChainID means that the node serves another chain than expected.
	ErrChainID = errors.New("chain: the node serves another chain")
	// ErrSpecVersion means that the node speaks neither RPC 0.9 nor 0.10.
	ErrSpecVersion = errors.New("chain: the node speaks an unsupported version of the RPC")
	// ErrFeeCap means that a transaction could cost more than FeePolicy.MaxFee.
	ErrFeeCap = errors.New("chain: the fee could exceed the cap")
	// ErrUnsigned means that a transaction without a signature was to be sent.
	ErrUnsigned = errors.New("chain: the transaction is not signed")
)

// RevertError says that a transaction was included and paid for but its effects
// were undone.
type RevertError struct {
	Hash   Felt
	Reason string // as the node reports it
}

// Error implements error.
func (e *RevertError) Error() string {
	return fmt.Sprintf("chain: transaction %s reverted: %s", e.Hash, printable(e.Reason))
}

// UncertainError says that a transaction may or may not have been accepted: its
// sending failed, and the node did not know its hash when asked. It stays valid
// until its nonce is used, so do not send the same payment again before Wait or a
// later nonce has settled the question.
type UncertainError struct {
	Hash Felt
	Err  error
}

// Error implements error.
func (e *UncertainError) Error() string {
	return fmt.Sprintf("chain: it is not known whether transaction %s was accepted: %v", e.Hash, e.Err)
}

// Unwrap returns what went wrong.
func (e *UncertainError) Unwrap() error { return e.Err }

// DroppedError says that no node knows a transaction any more: it expired or was
// refused after it had been received. Until another transaction of the account uses
// its nonce it can still be sent again by anyone who saw it.
type DroppedError struct {
	Hash   Felt
	Reason string // what the node says, often ""
}

// Error implements error.
func (e *DroppedError) Error() string {
	return fmt.Sprintf("chain: transaction %s is not known to the node: %s", e.Hash, printable(e.Reason))
}

// transportError is a failure between here and the node. sent is false if it is
// certain that the node has not seen the request.
type transportError struct {
	err  error
	sent bool
}

func (e *transportError) Error() string { return "chain: " + e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrResponse, fmt.Sprintf(format, args...))
}

// transient reports whether a request that failed with err may succeed later.
func transient(err error) bool {
	var t *transportError
	var h *HTTPError
	switch {
	case errors.As(err, &t):
		return true
	case errors.As(err, &h):
		return h.Status >= 500 || h.Status == http.StatusTooManyRequests || h.Status == http.StatusRequestTimeout
	}
	return false
}

// notSent reports whether err shows that the request did not reach the node.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// CalldataError says that calldata is longer than the protocol allows.
type CalldataError struct{ Len int }

// Error implements error.
func (e *CalldataError) Error() string {
	return fmt.Sprintf("chain: the calldata has %d felts, at most %d are allowed", e.Len, MaxCalldata)
}

func checkCalldata(n int) error {
	if n > MaxCalldata {
		return &CalldataError{n}
	}
	return nil
}
