package staking

import (
	"fmt"
	"time"

	"github.com/bitsage/bitsage/money"
)

// The times of stakes, in the contract's terms.
const (
	MinLock   = 7 * 24 * time.Hour       // the shortest lock
	MaxLock   = 4 * 365 * 24 * time.Hour // the longest lock
	Unbonding = 7 * 24 * time.Hour       // from request to payment; the stake can still be slashed
)

// Stake is the stake of an account. Amount and Unbonding together can be slashed.
type Stake struct {
	Amount         money.Amount // staked and not unbonding
	Bonded         money.Amount // of Amount, what secures jobs or a place among the validators; after a slash it can be more
	Unbonding      money.Amount // on its way out
	UnbondingUntil time.Time    // when Unbonding can be taken out; zero if nothing ever was unbonding
	LockedUntil    time.Time    // before this nothing can be unbonded; zero without a stake
	Tier           Tier         // zero without a stake
}

// Free returns what of the stake secures nothing: what can be bonded or, after the
// lock, unbonded.
func (s Stake) Free() money.Amount { return s.Amount.Excess(s.Bonded) }

// Status is whether a stake counts for its tier: an Insufficient, Unlocked or Valid.
//
//	switch s := status.(type) {
//	case staking.Valid: // until s.Until
//	case staking.Unlocked: // lock it again with Increase
//	case staking.Insufficient: // s.Required - s.Current is missing
//	}
type Status interface {
	// Err returns nil for Valid, and Insufficient or Unlocked themselves, which are
	// errors too.
	Err() error
}

// Insufficient is the Status of a stake below the minimum of its tier, perhaps
// after a slash, and of no stake, for which the minimum of the lowest tier is
// required.
type Insufficient struct{ Current, Required money.Amount }

// Unlocked is the Status of a stake whose lock has ended: it could leave at any
// moment, so it secures nothing new. Staker.Increase locks it again.
type Unlocked struct{}

// Valid is the Status of a stake that counts for a tier, until its lock ends.
type Valid struct {
	Amount money.Amount
	Tier   Tier
	Until  time.Time
}

// Err implements Status.
func (s Insufficient) Err() error { return s }

// Err implements Status.
func (s Unlocked) Err() error { return s }

// Err implements Status.
func (s Valid) Err() error { return nil }

// Error implements error.
func (s Insufficient) Error() string {
	return fmt.Sprintf("staking: the stake is %v SAGE and must be at least %v SAGE", s.Current, s.Required)
}

// Error implements error.
func (s Unlocked) Error() string {
	return "staking: the lock of the stake has ended; lock it again by increasing it"
}

// Status returns the status at a block time. It is what the contract's verify_stake
// returns.
func (s Stake) Status(now time.Time) Status {
	switch required := s.Tier.Minimum(); {
	case s.Amount.Less(required):
		return Insufficient{s.Amount, required}
	case now.Unix() >= s.LockedUntil.Unix():
		return Unlocked{}
	}
	return Valid{s.Amount, s.Tier, s.LockedUntil}
}

// Capacity returns how many more jobs the worker with this stake can accept at a
// block time: how often the bond of its tier goes into what is free. It is 0 unless
// the stake is valid and of a GPU tier. How many jobs a worker finishes in time is
// another limit.
func (s Stake) Capacity(now time.Time) uint64 {
	if s.Status(now).Err() != nil || !s.Tier.GPU() {
		return 0
	}
	n, _ := s.Free().Times(s.Tier.Bond()) // at most 2^128 / 10^20
	return n
}
