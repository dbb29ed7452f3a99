package staking

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/money"
)

// Code is a reason for which the staking contracts refuse a call: the short string
// with which it reverts. A Code is an error itself, for errors.Is:
//
//	if errors.Is(err, staking.ErrLocked) { ... }
type Code string

// The reasons for which the contracts refuse calls of this package.
const (
	ErrZeroAddress      Code = "ZERO_ADDRESS"
	ErrZeroAmount       Code = "ZERO_AMOUNT"
	ErrAmountTooLarge   Code = "AMOUNT_TOO_LARGE"
	ErrUnauthorized     Code = "UNAUTHORIZED" // the account is neither the worker nor its operator
	ErrNotConfigured    Code = "NOT_CONFIGURED"
	ErrPaused           Code = "PAUSED"
	ErrBalance          Code = "INSUFFICIENT_BALANCE"
	ErrAllowance        Code = "INSUFFICIENT_ALLOWANCE"
	ErrTransfer         Code = "TRANSFER_FAILED"
	ErrUnknownTier      Code = "UNKNOWN_TIER"
	ErrBelowMinimum     Code = "BELOW_MINIMUM"
	ErrLockDuration     Code = "LOCK_DURATION"
	ErrAlreadyStaked    Code = "ALREADY_STAKED"
	ErrNoStake          Code = "NO_STAKE"
	ErrLocked           Code = "STAKE_LOCKED"
	ErrBonded           Code = "BOND_EXCEEDS_STAKE" // too much of the stake secures something
	ErrUnbonding        Code = "UNBONDING_PENDING"  // an earlier request must be completed first
	ErrStillUnbonding   Code = "STILL_UNBONDING"
	ErrNothingUnbonding Code = "NOTHING_UNBONDING"
	ErrWorkerActive     Code = "WORKER_ACTIVE"
	ErrNotWorker        Code = "NOT_A_WORKER"
	ErrStakeNotValid    Code = "STAKE_NOT_VALID"
	ErrPeerID           Code = "BAD_PEER_ID"
	ErrKey              Code = "BAD_KEY"
	ErrHasRecord        Code = "BAD_STATE" // of a reputation: the account has a record already
	ErrAlreadyValidator Code = "ALREADY_VALIDATOR"
	ErrNotValidator     Code = "NOT_A_VALIDATOR"
	ErrTombstoned       Code = "TOMBSTONED"
	ErrKeyInUse         Code = "KEY_IN_USE"
	ErrSetFull          Code = "SET_FULL"
	ErrSetEmpty         Code = "SET_EMPTY"
	ErrEpochNotOver     Code = "EPOCH_NOT_OVER"
	ErrEpoch            Code = "BAD_EPOCH"
	ErrIndex            Code = "BAD_INDEX"
	ErrSignature        Code = "BAD_SIGNATURE"
	ErrVerdict          Code = "BAD_VERDICT"
	ErrEvidenceExpired  Code = "EVIDENCE_EXPIRED"
	ErrAlreadySlashed   Code = "ALREADY_SLASHED"
	ErrNoOffence        Code = "NO_OFFENCE"
)

// Error implements error: it says what the code means.
func (c Code) Error() string {
	if e, ok := cairo.ErrorByCode(string(c)); ok {
		return "staking: " + e.Doc
	}
	return "staking: " + string(c)
}

// Error says that the contracts refuse an operation, or would: then nothing was
// sent. It unwraps to its Code and to Err.
type Error struct {
	Op   string // the operation, as "stake"
	Code Code
	// Have and Need are what there is and what there must be, for ErrBalance,
	// ErrBelowMinimum and ErrBonded that were found before sending.
	Have, Need money.Amount
	// Until is when the operation becomes possible, for ErrLocked, ErrUnbonding,
	// ErrStillUnbonding and ErrEpochNotOver that were found before sending.
	Until time.Time
	// Err is the cause: the error of the chain if that refused, among them
	// *chain.RevertError if the transaction was included and paid for; the Status of
	// a stake for ErrStakeNotValid; or nil.
	Err error
}

// Missing returns by how much Have is too small.
func (e *Error) Missing() money.Amount { return e.Need.Excess(e.Have) }

// Error implements error. It says what happened in a sentence, without the node's
// report of it, which is in Err.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "staking: %s: %s", e.Op, strings.TrimPrefix(e.Code.Error(), "staking: "))
	if !e.Need.IsZero() {
		fmt.Fprintf(&b, " There are %v SAGE, %v are needed, %v are missing.", e.Have, e.Need, e.Missing())
	}
	if !e.Until.IsZero() {
		fmt.Fprintf(&b, " It is possible from %s on.", e.Until.UTC().Format(time.RFC3339))
	}
	var rpc *chain.RPCError
	var revert *chain.RevertError
	switch {
	case errors.As(e.Err, &revert):
		fmt.Fprintf(&b, " Transaction %s reverted.", revert.Hash)
	case errors.As(e.Err, &rpc): // pages of JSON that say no more
	case e.Err != nil:
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	return b.String()
}

// Unwrap returns Code and Err.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// refusal makes an *Error of an error of the chain that says why a contract
// reverted, and leaves any other error as it is.
func refusal(op string, err error) error {
	code := cairo.Refusal(err)
	if code == "" {
		return err
	}
	return &Error{Op: op, Code: Code(code), Err: err}
}
