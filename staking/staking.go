// Package staking makes typed calls on the staking contracts: stakes and their
// tiers, the registration of workers, bonds, validators, reputation and slashing.
//
// [Contracts] reads, for anyone, and [Directory] lists the workers of a deployment. Who
// writes is in the types:
//
//   - [Staker] is the account that staked, whose key can stay cold: it moves the
//     stake, names an operator, registers a worker and bonds as a validator.
//   - [Operator] is the hot key on a worker's host. It can say that the worker is
//     alive and at which peer, and has no method by which money could move.
//   - What anybody may do, such as beginning an epoch or reporting an offence, is a
//     method of Contracts that takes an account.
//
// A worker begins so:
//
//	contracts, err := staking.New(client, addresses)
//	staker := staking.NewStaker(contracts, account)
//	tier, err := staking.ParseTier("NVIDIA H100 80GB HBM3")
//	receipt, err := staker.Stake(ctx, tier.Minimum(), tier, 30*24*time.Hour)
//	receipt, err = staker.SetOperator(ctx, hot.Address())
//	receipt, err = staker.Register(ctx, staking.Registration{...})
//
// # Errors
//
// Every operation first looks whether the contracts would refuse it, and fails with
// an [*Error] before anything is sent or paid: errors.Is tells the reason, such as
// [ErrLocked], and the fields what is missing or until when. What that look cannot
// see, the contracts refuse in the estimate of the fee, and what changes after that
// when the transaction runs: an *Error as well, with the chain's error in it. Other
// errors are those of package chain. If it is not known whether a transaction
// was accepted, or it was accepted and waiting for it was given up, the error is a
// *chain.UncertainError with its hash; [chain.Client.Wait] goes on waiting.
//
// # Time
//
// Times are block times in whole seconds. The pure functions, such as
// [Stake.Status] and [Record.Score], take the time of the block that they are about
// and say what the contracts' views say.
//
// # Concurrency
//
// All types may be used by several goroutines at once.
package staking

import (
	"context"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
)

// Contracts are the staking contracts of one deployment. Make it with New.
type Contracts struct {
	client                                     *chain.Client
	token, staking, reputation, registry, jobs chain.Felt
}

// New returns the contracts of a deployment. It does no I/O; chain.Addresses.Verify
// checks that they are there. It fails with chain.ErrUnknownContract.
func New(client *chain.Client, deployment *chain.Addresses) (*Contracts, error) {
	c := &Contracts{client: client}
	for name, address := range map[string]*chain.Felt{
		"SageToken": &c.token, "StakingManager": &c.staking, "ReputationManager": &c.reputation,
		"ValidatorRegistry": &c.registry, "JobManager": &c.jobs,
	} {
		var err error
		if *address, err = deployment.Address(name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// read calls a view and decodes what it returns.
func read[T any](ctx context.Context, c *Contracts, to chain.Felt, call cairo.Call, decode func([]felt.Felt) (T, error), at chain.BlockID) (T, error) {
	value, err := cairo.Read(ctx, c.client, at, to, call, decode)
	return value, refusal(call.Function, err)
}

// converter converts what the bindings decoded and keeps the first error.
type converter struct{ err error }

func (v *converter) amount(u calldata.U256) money.Amount {
	a, err := money.FromBase(u.Big())
	v.fail(err)
	return a
}

// maxTime is above every time that the contracts record.
const maxTime = 1 << 40

// time converts a block time; 0, which stands for none, becomes the zero Time.
func (v *converter) time(seconds uint64) time.Time {
	switch {
	case seconds == 0:
		return time.Time{}
	case seconds > maxTime:
		v.fail(fmt.Errorf("a time of %d seconds", seconds))
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

func (v *converter) registration(peerID string, signingKey felt.Felt, p stakingmanager.Point, teeQuoteHash calldata.U256) Registration {
	key, err := elgamal.NewPublicKey(p.X, p.Y)
	v.fail(err)
	return Registration{peerID, signingKey, key, teeQuoteHash}
}

func (v *converter) fail(err error) {
	if err != nil && v.err == nil {
		v.err = fmt.Errorf("%w: %w", chain.ErrResponse, err)
	}
}

// Minimum returns the least stake for a name in the contract's table: that of a
// tier, or of a GPU model, also one that the contract learned after this version.
// Any other is ErrUnknownTier. For the tiers of this package Tier.Minimum says the
// same without I/O.
func (c *Contracts) Minimum(ctx context.Context, name string) (money.Amount, error) {
	f, err := felt.ShortString(name)
	if err != nil {
		return money.Amount{}, &UnknownTierError{name}
	}
	u, err := read(ctx, c, c.staking, stakingmanager.MinimumStakeCall(f), stakingmanager.DecodeMinimumStake, chain.AtLatest())
	if err != nil {
		return money.Amount{}, err
	}
	var v converter
	return v.amount(u), v.err
}

// Balance returns what SAGE an account has that is not staked.
func (c *Contracts) Balance(ctx context.Context, account chain.Felt) (money.Amount, error) {
	return c.balance(ctx, account, chain.AtLatest())
}

func (c *Contracts) balance(ctx context.Context, account chain.Felt, at chain.BlockID) (money.Amount, error) {
	n, err := c.client.Balance(ctx, c.token, account, at)
	if err != nil {
		return money.Amount{}, err
	}
	a, err := money.FromBase(n)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%w: balance_of: %w", chain.ErrResponse, err)
	}
	return a, nil
}

// TotalStaked returns the sum of all stakes, of what is unbonding too.
func (c *Contracts) TotalStaked(ctx context.Context) (money.Amount, error) {
	u, err := read(ctx, c, c.staking, stakingmanager.TotalStakedCall(), stakingmanager.DecodeTotalStaked, chain.AtLatest())
	if err != nil {
		return money.Amount{}, err
	}
	var v converter
	return v.amount(u), v.err
}

// Stake returns the stake of an account; the zero Stake if it never had one.
func (c *Contracts) Stake(ctx context.Context, account chain.Felt) (Stake, error) {
	return c.stake(ctx, account, chain.AtLatest())
}

func (c *Contracts) stake(ctx context.Context, account chain.Felt, at chain.BlockID) (Stake, error) {
	s, err := read(ctx, c, c.staking, stakingmanager.StakeOfCall(account), stakingmanager.DecodeStakeOf, at)
	if err != nil {
		return Stake{}, err
	}
	var v converter
	return Stake{
		Amount:         v.amount(s.Amount),
		Bonded:         v.amount(s.Bonded),
		Unbonding:      v.amount(s.Unbonding),
		UnbondingUntil: v.time(s.UnbondingUntil),
		LockedUntil:    v.time(s.LockedUntil),
		Tier:           Tier(s.Tier),
	}, v.err
}

// VerifyStake returns whether the stake of an account counts for its tier, as the
// contract computes it at the last block.
func (c *Contracts) VerifyStake(ctx context.Context, account chain.Felt) (Status, error) {
	s, err := read(ctx, c, c.staking, stakingmanager.VerifyStakeCall(account), stakingmanager.DecodeVerifyStake, chain.AtLatest())
	if err != nil {
		return nil, err
	}
	var v converter
	switch s.Variant {
	case stakingmanager.StakeStatusInsufficient:
		return Insufficient{v.amount(s.Insufficient.Current), v.amount(s.Insufficient.Required)}, v.err
	case stakingmanager.StakeStatusUnlocked:
		return Unlocked{}, nil
	}
	return Valid{v.amount(s.Valid.Amount), Tier(s.Valid.Tier), v.time(s.Valid.Until)}, v.err
}

// Bonds says what holds the bonded part of a stake.
type Bonds struct {
	Jobs       money.Amount // accepted jobs
	Validating money.Amount // the place among the validators
}

// Bonds returns what of the stake of an account is bonded for what.
func (c *Contracts) Bonds(ctx context.Context, account chain.Felt) (Bonds, error) {
	jobs, err := c.bond(ctx, c.jobs, account)
	if err != nil {
		return Bonds{}, err
	}
	validating, err := c.bond(ctx, c.registry, account)
	return Bonds{jobs, validating}, err
}

func (c *Contracts) bond(ctx context.Context, holder, account chain.Felt) (money.Amount, error) {
	u, err := read(ctx, c, c.staking, stakingmanager.BondOfCall(holder, account), stakingmanager.DecodeBondOf, chain.AtLatest())
	if err != nil {
		return money.Amount{}, err
	}
	var v converter
	return v.amount(u), v.err
}

// Worker is what a worker published.
type Worker struct {
	Registration
	Active        bool // whether it takes jobs; false after Staker.Deregister
	LastHeartbeat time.Time
}

// Worker returns what the worker of a staker published last, or ErrNotWorker if it
// never did.
func (c *Contracts) Worker(ctx context.Context, staker chain.Felt) (Worker, error) {
	return c.worker(ctx, staker, chain.AtLatest())
}

func (c *Contracts) worker(ctx context.Context, staker chain.Felt, at chain.BlockID) (Worker, error) {
	w, err := read(ctx, c, c.staking, stakingmanager.WorkerCall(staker), stakingmanager.DecodeWorker, at)
	if err != nil {
		return Worker{}, err
	}
	if w.PeerID == "" {
		return Worker{}, &Error{Op: "worker", Code: ErrNotWorker}
	}
	var v converter
	return Worker{
		Registration:  v.registration(w.PeerID, w.SigningKey, w.ElGamalKey, w.TEEQuoteHash),
		Active:        w.Active,
		LastHeartbeat: v.time(w.LastHeartbeat),
	}, v.err
}

// Operator returns the account that may run a staker's worker, zero for none.
func (c *Contracts) Operator(ctx context.Context, staker chain.Felt) (chain.Felt, error) {
	return read(ctx, c, c.staking, stakingmanager.OperatorOfCall(staker), stakingmanager.DecodeOperatorOf, chain.AtLatest())
}

// MayOperate returns whether an account is a worker itself or its operator.
func (c *Contracts) MayOperate(ctx context.Context, worker, account chain.Felt) (bool, error) {
	return c.mayOperate(ctx, worker, account, chain.AtLatest())
}

func (c *Contracts) mayOperate(ctx context.Context, worker, account chain.Felt, at chain.BlockID) (bool, error) {
	return read(ctx, c, c.staking, stakingmanager.MayOperateCall(worker, account), stakingmanager.DecodeMayOperate, at)
}

// Reputation returns the reputation of a worker, 500 points and LevelUnknown for an
// account without a record.
func (c *Contracts) Reputation(ctx context.Context, worker chain.Felt) (Reputation, error) {
	at := chain.AtLatest()
	score, err := read(ctx, c, c.reputation, reputationmanager.ReputationCall(worker), reputationmanager.DecodeReputation, at)
	if err != nil {
		return Reputation{}, err
	}
	level, err := read(ctx, c, c.reputation, reputationmanager.LevelCall(worker), reputationmanager.DecodeLevel, at)
	if err != nil {
		return Reputation{}, err
	}
	record, err := c.record(ctx, worker, at)
	return Reputation{score, Level(level), record}, err
}

func (c *Contracts) record(ctx context.Context, worker chain.Felt, at chain.BlockID) (Record, error) {
	r, err := read(ctx, c, c.reputation, reputationmanager.RecordOfCall(worker), reputationmanager.DecodeRecordOf, at)
	if err != nil {
		return Record{}, err
	}
	var v converter
	return Record{r.Known, r.Score, r.Finalized, v.time(r.LastActive)}, v.err
}

// ValidatorStatus is what a validator is at the moment.
type ValidatorStatus uint8

// What a validator can be.
const (
	ValidatorNone       = ValidatorStatus(validatorregistry.ValidatorStatusNone)       // not a validator
	ValidatorActive     = ValidatorStatus(validatorregistry.ValidatorStatusActive)     // in every set from the next epoch on
	ValidatorLeaving    = ValidatorStatus(validatorregistry.ValidatorStatusLeaving)    // in no set after the current epoch; still bonded
	ValidatorTombstoned = ValidatorStatus(validatorregistry.ValidatorStatusTombstoned) // punished for equivocation, and never a validator again
)

// String returns the status's name.
func (s ValidatorStatus) String() string { return validatorregistry.ValidatorStatus(s).String() }

// Validator is an account's place among the validators.
type Validator struct {
	Status    ValidatorStatus
	VoteKey   chain.Felt   // x coordinate of the key that signs votes
	Stake     money.Amount // what is bonded: the weight in the next set
	LastEpoch uint64       // the last one in whose set it can be; of those who left
}

// Validator returns an account's place among the validators; the zero Validator if
// it never was one.
func (c *Contracts) Validator(ctx context.Context, account chain.Felt) (Validator, error) {
	return c.validator(ctx, account, chain.AtLatest())
}

func (c *Contracts) validator(ctx context.Context, account chain.Felt, at chain.BlockID) (Validator, error) {
	w, err := read(ctx, c, c.registry, validatorregistry.ValidatorCall(account), validatorregistry.DecodeValidator, at)
	if err != nil {
		return Validator{}, err
	}
	var v converter
	return Validator{ValidatorStatus(w.Status), w.VoteKey, v.amount(w.Stake), w.LastEpoch}, v.err
}

// MaxValidators is the number of places for validators.
const MaxValidators = 64

// Member is a validator in the set of an epoch. Its index there is what votes and
// certificates name it by.
type Member struct {
	Account chain.Felt
	VoteKey chain.Felt // x coordinate
	Weight  money.Amount
}

// Epoch is a set of validators and the time for which it votes.
type Epoch struct {
	Number  uint64 // from 1 on
	Start   time.Time
	End     time.Time  // when the next may begin; zero for an epoch that is not the current one
	Root    chain.Felt // of the tree over Members
	Weight  money.Amount
	Members []Member // by index, at most MaxValidators
}

// CurrentEpoch returns the current epoch, or ErrEpoch before the first.
func (c *Contracts) CurrentEpoch(ctx context.Context) (Epoch, error) {
	number, err := c.epochNumber(ctx, chain.AtLatest())
	if err != nil {
		return Epoch{}, err
	}
	e, err := c.Epoch(ctx, number)
	if err != nil {
		return Epoch{}, err
	}
	e.End, err = c.epochEnd(ctx, number, chain.AtLatest())
	return e, err
}

// Epoch returns an epoch of the past or the current one, without its End. One that
// has not begun is ErrEpoch.
func (c *Contracts) Epoch(ctx context.Context, number uint64) (Epoch, error) {
	at := chain.AtLatest()
	var v converter
	start, err := c.epochStart(ctx, number, at)
	if err != nil {
		return Epoch{}, err
	}
	if start.IsZero() {
		return Epoch{}, &Error{Op: "epoch", Code: ErrEpoch}
	}
	e := Epoch{Number: number, Start: start}
	if e.Root, err = read(ctx, c, c.registry, validatorregistry.SetRootCall(number), validatorregistry.DecodeSetRoot, at); err != nil {
		return Epoch{}, err
	}
	weight, err := read(ctx, c, c.registry, validatorregistry.TotalWeightCall(number), validatorregistry.DecodeTotalWeight, at)
	if err != nil {
		return Epoch{}, err
	}
	e.Weight = v.amount(weight)
	members, err := read(ctx, c, c.registry, validatorregistry.ValidatorSetCall(number), validatorregistry.DecodeValidatorSet, at)
	if err != nil {
		return Epoch{}, err
	}
	if len(members) > MaxValidators {
		return Epoch{}, fmt.Errorf("%w: a set of %d validators", chain.ErrResponse, len(members))
	}
	for _, m := range members {
		w, err := money.FromBase(m.Weight.Big())
		v.fail(err)
		e.Members = append(e.Members, Member{m.Validator, m.VoteKey, w})
	}
	return e, v.err
}

func (c *Contracts) epochNumber(ctx context.Context, at chain.BlockID) (uint64, error) {
	return read(ctx, c, c.registry, validatorregistry.CurrentEpochCall(), validatorregistry.DecodeCurrentEpoch, at)
}

// epochStart returns when an epoch began, or the zero Time if it has not.
func (c *Contracts) epochStart(ctx context.Context, number uint64, at chain.BlockID) (time.Time, error) {
	start, err := read(ctx, c, c.registry, validatorregistry.EpochStartCall(number), validatorregistry.DecodeEpochStart, at)
	if err != nil {
		return time.Time{}, err
	}
	var v converter
	return v.time(start), v.err
}

// epochLengthSlot is where ValidatorRegistry stores the length of epochs, for which
// it has no view.
var epochLengthSlot = chain.Selector("epoch_length")

// epochEnd returns when the epoch after one that has begun may begin.
func (c *Contracts) epochEnd(ctx context.Context, number uint64, at chain.BlockID) (time.Time, error) {
	start, err := c.epochStart(ctx, number, at)
	if err != nil {
		return time.Time{}, err
	}
	length, err := c.client.StorageAt(ctx, c.registry, epochLengthSlot, at)
	if err != nil {
		return time.Time{}, err
	}
	const week = 7 * 24 * 3600 // the longest epoch
	if !length.IsUint64() || length.Uint64() == 0 || length.Uint64() > week {
		return time.Time{}, fmt.Errorf("%w: epochs of %s seconds", chain.ErrResponse, length)
	}
	return start.Add(time.Duration(length.Uint64()) * time.Second), nil
}
