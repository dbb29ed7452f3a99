package staking

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/money"
)

// Event is something that happened to a stake.
type Event struct {
	// Account is the staker, worker or validator; zero of an EpochAdvanced.
	Account chain.Felt
	Change  Change
	Block   chain.BlockRef
	Tx      chain.Felt
	Cursor  chain.Cursor // the position after this event, see Contracts.Events
}

// Change is what an event says: a Staked, UnstakeRequested, Unstaked, OperatorSet,
// WorkerRegistered, WorkerPeerChanged, WorkerDeregistered, BondLocked, BondUnlocked, BondSeized,
// Slashed, ReputationChanged, ValidatorRegistered, ValidatorLeft, ValidatorReleased,
// Equivocated, VotedFalsely or EpochAdvanced.
type Change interface{ change() }

// Staked says that a stake began, grew or was locked for longer.
type Staked struct {
	Added, Amount money.Amount // Amount is all that is staked and not unbonding
	Tier          Tier
	LockedUntil   time.Time
}

// UnstakeRequested says that an amount began to unbond.
type UnstakeRequested struct {
	Amount money.Amount
	Until  time.Time
}

// Unstaked says that an amount was paid out to the staker.
type Unstaked struct{ Amount money.Amount }

// OperatorSet says who may run the worker from now on; zero is nobody.
type OperatorSet struct{ Operator chain.Felt }

// WorkerRegistered says what a worker published. Its PeerID may hold any bytes.
type WorkerRegistered struct{ Registration }

// WorkerPeerChanged says that the worker is at another peer from now on. PeerID may hold
// any bytes.
type WorkerPeerChanged struct{ PeerID string }

// WorkerDeregistered says that a worker takes no more jobs.
type WorkerDeregistered struct{}

// BondLocked says that a contract bound an amount of the stake: JobManager for a
// job, ValidatorRegistry for a place among the validators.
type BondLocked struct {
	Holder chain.Felt
	Amount money.Amount
}

// BondUnlocked says that a contract set an amount free again.
type BondUnlocked struct {
	Holder chain.Felt
	Amount money.Amount
}

// BondSeized says that a bond was paid out of the stake, to the client of a job.
type BondSeized struct {
	Holder, Recipient chain.Felt
	Amount            money.Amount
}

// Offence is the reason for a slash.
type Offence string

// The offences.
const (
	OffenceInvalidProof Offence = "INVALID_PROOF" // of a worker: 10 % of the stake
	OffenceEquivocation Offence = "EQUIVOCATION"  // of a validator: 5 % of its weight, or all of it
	OffenceFalseVerdict Offence = "FALSE_VERDICT" // of a validator: 5 % of its weight
)

// Slashed says that an amount of the stake was destroyed, but for the reward that
// the reporter got.
type Slashed struct {
	Offence  Offence
	Amount   money.Amount // what was taken, the reward included
	Reporter chain.Felt   // zero for none
	Reward   money.Amount
}

// ReputationChanged says that a job ended, or a record began.
type ReputationChanged struct {
	Previous, Score uint16
	Finalized       uint32 // jobs that were finalized as valid
}

// ValidatorRegistered says that the account is a validator from the next epoch on.
type ValidatorRegistered struct {
	VoteKey chain.Felt
	Stake   money.Amount
}

// ValidatorLeft says that the account is in no set after an epoch.
type ValidatorLeft struct {
	Status    ValidatorStatus // ValidatorLeaving or ValidatorTombstoned
	LastEpoch uint64
}

// ValidatorReleased says that the bond of a validator was set free.
type ValidatorReleased struct{ Stake money.Amount }

// Equivocated says that a validator was convicted of having voted both ways.
type Equivocated struct {
	Fact    chain.Felt
	Epoch   uint64
	Penalty money.Amount
}

// VotedFalsely says that a validator was convicted of a vote against a certificate.
type VotedFalsely struct {
	Fact    chain.Felt
	Epoch   uint64
	Penalty money.Amount
}

// EpochAdvanced says that an epoch began.
type EpochAdvanced struct {
	Epoch      uint64
	Root       chain.Felt
	Validators uint32
	Weight     money.Amount
}

func (Staked) change()              {}
func (UnstakeRequested) change()    {}
func (Unstaked) change()            {}
func (OperatorSet) change()         {}
func (WorkerRegistered) change()    {}
func (WorkerPeerChanged) change()   {}
func (WorkerDeregistered) change()  {}
func (BondLocked) change()          {}
func (BondUnlocked) change()        {}
func (BondSeized) change()          {}
func (Slashed) change()             {}
func (ReputationChanged) change()   {}
func (ValidatorRegistered) change() {}
func (ValidatorLeft) change()       {}
func (ValidatorReleased) change()   {}
func (Equivocated) change()         {}
func (VotedFalsely) change()        {}
func (EpochAdvanced) change()       {}

// eventSelectors are the first keys of the events of the stream.
var eventSelectors = []felt.Felt{
	stakingmanager.SelectorStaked, stakingmanager.SelectorUnstakeRequested, stakingmanager.SelectorUnstaked,
	stakingmanager.SelectorOperatorSet, stakingmanager.SelectorWorkerRegistered, stakingmanager.SelectorWorkerPeerChanged,
	stakingmanager.SelectorWorkerDeregistered, stakingmanager.SelectorBondLocked, stakingmanager.SelectorBondUnlocked, stakingmanager.SelectorBondSeized,
	stakingmanager.SelectorSlashed,
	reputationmanager.SelectorReputationChanged,
	validatorregistry.SelectorValidatorRegistered, validatorregistry.SelectorValidatorLeft,
	validatorregistry.SelectorValidatorReleased, validatorregistry.SelectorEquivocated,
	validatorregistry.SelectorVotedFalsely, validatorregistry.SelectorEpochAdvanced,
}

// Events returns the stream of what happens to the stake of an account, or to all
// stakes and to the epochs if account is zero, in the order of the chain from a
// block on. Heartbeats are left out.
//
// It is a stream as chain.Client.Events has them: it waits at the head of the chain
// and never ends by itself; store the Cursor of the last event that was dealt with
// and hand it, after older ones if there are any, to a later Events of the same
// account and block; and a *chain.ReorgError, beside a zero Event, says that events
// delivered before are void and goes on, while any other error is the last.
func (c *Contracts) Events(ctx context.Context, account chain.Felt, fromBlock uint64, resume ...chain.Cursor) iter.Seq2[Event, error] {
	// One stream over all contracts, because only then the order is that of the
	// chain. Events of these names from elsewhere are dropped.
	filter := chain.EventFilter{Keys: [][]chain.Felt{eventSelectors}, FromBlock: fromBlock}
	if !account.IsZero() {
		filter.Keys = append(filter.Keys, []chain.Felt{account})
	}
	return func(yield func(Event, error) bool) {
		for raw, err := range c.client.Events(ctx, filter, resume...) {
			if err != nil {
				if !yield(Event{}, err) {
					return
				}
				continue
			}
			e, ours, err := c.event(&raw)
			if err != nil {
				yield(Event{}, err)
				return
			}
			if ours && !yield(e, nil) {
				return
			}
		}
	}
}

// event reads an event. It reports whether it is one of the stream.
func (c *Contracts) event(raw *chain.Event) (e Event, ours bool, err error) {
	var decoded any
	switch raw.From {
	case c.staking:
		decoded, err = stakingmanager.DecodeEvent(raw.Keys, raw.Data)
	case c.reputation:
		decoded, err = reputationmanager.DecodeEvent(raw.Keys, raw.Data)
	case c.registry:
		decoded, err = validatorregistry.DecodeEvent(raw.Keys, raw.Data)
	default:
		return Event{}, false, nil
	}
	if err != nil {
		return Event{}, false, fmt.Errorf("%w: an event of transaction %s: %w", chain.ErrResponse, raw.Tx, err)
	}
	var v converter
	e = Event{Block: raw.Block, Tx: raw.Tx, Cursor: raw.Cursor}
	e.Account, e.Change = v.change(decoded)
	return e, e.Change != nil, v.err
}

// change converts an event, to nil if it is none of the stream.
func (v *converter) change(decoded any) (account chain.Felt, change Change) {
	switch d := decoded.(type) {
	case stakingmanager.StakedEvent:
		return d.Staker, Staked{v.amount(d.Added), v.amount(d.Amount), Tier(d.Tier), v.time(d.LockedUntil)}
	case stakingmanager.UnstakeRequestedEvent:
		return d.Staker, UnstakeRequested{v.amount(d.Amount), v.time(d.UnbondingUntil)}
	case stakingmanager.UnstakedEvent:
		return d.Staker, Unstaked{v.amount(d.Amount)}
	case stakingmanager.OperatorSetEvent:
		return d.Staker, OperatorSet{d.Operator}
	case stakingmanager.WorkerRegisteredEvent:
		return d.Worker, WorkerRegistered{v.registration(d.PeerID, d.SigningKey, d.ElGamalKey, d.TEEQuoteHash)}
	case stakingmanager.WorkerPeerChangedEvent:
		return d.Worker, WorkerPeerChanged{d.PeerID}
	case stakingmanager.WorkerDeregisteredEvent:
		return d.Worker, WorkerDeregistered{}
	case stakingmanager.BondLockedEvent:
		return d.Staker, BondLocked{d.Holder, v.amount(d.Amount)}
	case stakingmanager.BondUnlockedEvent:
		return d.Staker, BondUnlocked{d.Holder, v.amount(d.Amount)}
	case stakingmanager.BondSeizedEvent:
		return d.Staker, BondSeized{d.Holder, d.Recipient, v.amount(d.Amount)}
	case stakingmanager.SlashedEvent:
		return d.Staker, Slashed{offence(d.Offence), v.amount(d.Amount), d.Reporter, v.amount(d.Reward)}
	case reputationmanager.ReputationChangedEvent:
		return d.Worker, ReputationChanged{d.Previous, d.Score, d.Finalized}
	}
	return v.validatorChange(decoded)
}

func (v *converter) validatorChange(decoded any) (account chain.Felt, change Change) {
	switch d := decoded.(type) {
	case validatorregistry.ValidatorRegisteredEvent:
		return d.Validator, ValidatorRegistered{d.VoteKey, v.amount(d.Stake)}
	case validatorregistry.ValidatorLeftEvent:
		return d.Validator, ValidatorLeft{ValidatorStatus(d.Status), d.LastEpoch}
	case validatorregistry.ValidatorReleasedEvent:
		return d.Validator, ValidatorReleased{v.amount(d.Stake)}
	case validatorregistry.EquivocatedEvent:
		return d.Validator, Equivocated{d.Fact.Value, d.Epoch, v.amount(d.Penalty)}
	case validatorregistry.VotedFalselyEvent:
		return d.Validator, VotedFalsely{d.Fact.Value, d.Epoch, v.amount(d.Penalty)}
	case validatorregistry.EpochAdvancedEvent:
		return chain.Felt{}, EpochAdvanced{d.Epoch, d.SetRoot, d.Validators, v.amount(d.TotalWeight)}
	}
	return chain.Felt{}, nil
}

// offence reads the name of an offence; what is no text is written as a number.
func offence(f chain.Felt) Offence {
	if s, err := felt.Text(f); err == nil {
		return Offence(s)
	}
	return Offence(f.String())
}

// Decode returns the changes that the events of a receipt say, in order: what an
// operation did.
func (c *Contracts) Decode(r *chain.Receipt) ([]Event, error) {
	var list []Event
	for i := range r.Events {
		e, ours, err := c.event(&r.Events[i])
		if err != nil {
			return nil, err
		}
		if ours {
			list = append(list, e)
		}
	}
	return list, nil
}
