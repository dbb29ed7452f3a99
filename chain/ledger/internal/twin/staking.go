package twin

import (
	"reflect"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

const (
	day       uint64 = 24 * 3600
	minLock          = 7 * day
	maxLock          = 4 * 365 * day
	unbonding        = 7 * day
	maxPeerID        = 64
	rewardBPS        = 500
)

func rewardCap() cairo.U256 { return cairo.U256Of(500).Mul(sage) }

// stakingManager is contracts/src/staking.cairo.
type stakingManager struct {
	pausable
	token     cairo.Variable[cairo.Address]
	jobs      cairo.Variable[cairo.Address]
	registry  cairo.Variable[cairo.Address]
	total     cairo.Variable[cairo.U256]
	stakes    cairo.Mapping[cairo.Address, stake]
	bonds     cairo.Mapping[cairo.Pair[cairo.Address, cairo.Address], cairo.U256] // by holder and staker
	operators cairo.Mapping[cairo.Address, cairo.Address]
	workers   cairo.Mapping[cairo.Address, worker]
	models    cairo.Mapping[felt.Felt, tier]
}

func newStakingManager(f *cairo.Frame) *stakingManager {
	return &stakingManager{
		newPausable(f),
		cairo.NewVariable[cairo.Address](f, "token"),
		cairo.NewVariable[cairo.Address](f, "job_manager"),
		cairo.NewVariable[cairo.Address](f, "validator_registry"),
		cairo.NewVariable[cairo.U256](f, "total_staked"),
		cairo.NewMapping[cairo.Address, stake](f, "stakes"),
		cairo.NewMapping[cairo.Pair[cairo.Address, cairo.Address], cairo.U256](f, "bonds"),
		cairo.NewMapping[cairo.Address, cairo.Address](f, "operators"),
		cairo.NewMapping[cairo.Address, worker](f, "workers"),
		cairo.NewMapping[felt.Felt, tier](f, "models"),
	}
}

func stakingManagerClass() *cairo.Class {
	return contract("StakingManager", cairo.Methods(newStakingManager, cairo.Functions{
		"constructor":      (*stakingManager).constructor,
		"configure":        (*stakingManager).configure,
		"add_model":        (*stakingManager).addModel,
		"stake":            (*stakingManager).stake,
		"increase_stake":   (*stakingManager).increaseStake,
		"request_unstake":  (*stakingManager).requestUnstake,
		"complete_unstake": (*stakingManager).completeUnstake,
		"set_operator":     (*stakingManager).setOperator,
		"register_worker":  (*stakingManager).registerWorker,
		"heartbeat":        (*stakingManager).heartbeat,
		"set_peer":         (*stakingManager).setPeer,
		"deregister":       (*stakingManager).deregister,
		"lock_bond":        (*stakingManager).lockBond,
		"unlock_bond":      (*stakingManager).unlockBond,
		"seize_bond":       (*stakingManager).seizeBond,
		"slash":            (*stakingManager).slash,
		"stake_of":         (*stakingManager).stakeOf,
		"minimum_stake":    (*stakingManager).minimumStake,
		"verify_stake":     (*stakingManager).verifyStake,
		"worker":           (*stakingManager).worker,
		"operator_of":      (*stakingManager).operatorOf,
		"may_operate":      (*stakingManager).mayOperate,
		"bond_of":          (*stakingManager).bondOf,
		"total_staked":     (*stakingManager).totalStaked,
		"model_action":     (*stakingManager).modelAction,
	}), ownableFunctions(), pausableFunctions())
}

type stake struct {
	Amount         cairo.U256
	Bonded         cairo.U256
	Unbonding      cairo.U256
	UnbondingUntil uint64
	LockedUntil    uint64
	Tier           tier
}

// free is what of a stake secures nothing.
func (s stake) free() cairo.U256 { return s.Amount.SubOrZero(s.Bonded) }

// take takes an amount, or all if there is less, from what is unbonding and then from the
// rest.
func (s *stake) take(amount cairo.U256) cairo.U256 {
	fromUnbonding := cairo.Min(amount, s.Unbonding)
	fromAmount := cairo.Min(amount.Sub(fromUnbonding), s.Amount)
	s.Unbonding, s.Amount = s.Unbonding.Sub(fromUnbonding), s.Amount.Sub(fromAmount)
	return fromUnbonding.Add(fromAmount)
}

type worker struct {
	Active        bool
	SigningKey    felt.Felt
	ElgamalKey    point
	TeeQuoteHash  cairo.U256
	LastHeartbeat uint64
	PeerID        string
}

// stakeStatus is the enum StakeStatus: its variants are the numbers below, with their
// payloads.
type stakeStatus struct {
	index   uint64
	payload any
}

const (
	statusInsufficient = iota
	statusUnlocked
	statusValid
)

type insufficient struct{ Current, Required cairo.U256 }

type validStake struct {
	Amount cairo.U256
	Tier   tier
	Until  uint64
}

func (s stakeStatus) Variant() (uint64, any) { return s.index, s.payload }

// assertValid reverts unless the stake is valid and in a tier for which fits holds.
func (s stakeStatus) assertValid(fits func(tier) bool) tier {
	v, ok := s.payload.(validStake)
	cairo.Assert(ok && fits(v.Tier), "STAKE_NOT_VALID")
	return v.Tier
}

// askStake asks the StakingManager for the status of a stake.
func askStake(f *cairo.Frame, staking, account cairo.Address) stakeStatus {
	data := cairo.Calldata(f.Invoke(staking, "verify_stake", account))
	index, _ := data.Next()
	if index != cairo.Uint(statusValid) {
		return stakeStatus{index: index.Uint64()}
	}
	var v validStake
	cairo.Require(data.Deserialize(reflect.ValueOf(&v).Elem()), "Returned data too short")
	return stakeStatus{statusValid, v}
}

func forWorkers(t tier) bool    { return t != tierValidator }
func forValidators(t tier) bool { return t == tierValidator }

func (t *stakingManager) constructor(owner, token cairo.Address) {
	cairo.Assert(!token.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.token.Write(token)
}

func (t *stakingManager) configure(jobs, registry cairo.Address) {
	t.assertOwner()
	cairo.Assert(t.jobs.Read().IsZero(), "ALREADY_CONFIGURED")
	cairo.Assert(!jobs.IsZero() && !registry.IsZero(), "ZERO_ADDRESS")
	t.jobs.Write(jobs)
	t.registry.Write(registry)
	t.Emit("Configured", nil, jobs, registry)
}

func (t *stakingManager) addModel(model felt.Felt, tier tier) {
	t.assertOwner()
	cairo.Assert(tier != tierNone, "UNKNOWN_TIER")
	cairo.Assert(t.tierOf(model) == tierNone, "MODEL_EXISTS")
	t.execute(t.modelAction(model, tier))
	t.models.Write(model, tier)
	t.Emit("ModelAdded", cairo.Keys{model}, tier)
}

func (t *stakingManager) stake(amount cairo.U256, gpuTier felt.Felt, lockDuration uint64) {
	t.assertOpen()
	staker := t.Caller()
	s := t.stakes.Read(staker)
	cairo.Assert(s.Amount.IsZero(), "ALREADY_STAKED")
	s.Tier = t.knownTier(gpuTier)
	cairo.Assert(!amount.Less(s.Tier.minimum()), "BELOW_MINIMUM")
	s.LockedUntil = t.lockEnd(lockDuration)
	t.deposit(staker, s, amount)
}

func (t *stakingManager) increaseStake(amount cairo.U256, lockDuration uint64) {
	t.assertOpen()
	staker := t.Caller()
	s := t.stakes.Read(staker)
	cairo.Assert(!s.Amount.IsZero(), "NO_STAKE")
	cairo.Assert(!amount.IsZero() || lockDuration != 0, "ZERO_AMOUNT")
	if lockDuration != 0 {
		s.LockedUntil = max(s.LockedUntil, t.lockEnd(lockDuration))
	}
	t.deposit(staker, s, amount)
}

func (t *stakingManager) requestUnstake(amount cairo.U256) {
	staker := t.Caller()
	s, now := t.stakes.Read(staker), t.Timestamp()
	cairo.Assert(!amount.IsZero(), "ZERO_AMOUNT")
	cairo.Assert(!s.Amount.IsZero(), "NO_STAKE")
	cairo.Assert(now >= s.LockedUntil, "STAKE_LOCKED")
	cairo.Assert(s.Unbonding.IsZero(), "UNBONDING_PENDING")
	cairo.Assert(!s.free().Less(amount), "BOND_EXCEEDS_STAKE")
	s.Amount = s.Amount.Sub(amount)
	if s.Amount.IsZero() {
		cairo.Assert(!t.workers.Read(staker).Active, "WORKER_ACTIVE")
	} else {
		cairo.Assert(!s.Amount.Less(s.Tier.minimum()), "BELOW_MINIMUM")
	}
	s.Unbonding, s.UnbondingUntil = amount, cairo.Add("u64", now, unbonding)
	t.stakes.Write(staker, s)
	t.Emit("UnstakeRequested", cairo.Keys{staker}, amount, s.UnbondingUntil)
}

func (t *stakingManager) completeUnstake() {
	staker := t.Caller()
	s := t.stakes.Read(staker)
	amount := s.Unbonding
	cairo.Assert(!amount.IsZero(), "NOTHING_UNBONDING")
	cairo.Assert(t.Timestamp() >= s.UnbondingUntil, "STILL_UNBONDING")
	s.Unbonding = cairo.U256{}
	t.stakes.Write(staker, s)
	t.Emit("Unstaked", cairo.Keys{staker}, amount)
	t.payOut(staker, amount)
}

func (t *stakingManager) setOperator(operator cairo.Address) {
	staker := t.Caller()
	t.operators.Write(staker, operator)
	t.Emit("OperatorSet", cairo.Keys{staker}, operator)
}

func (t *stakingManager) registerWorker(peerID string, signingKey felt.Felt, elgamalKey point, teeQuoteHash cairo.U256) {
	staker := t.Caller()
	t.verifyStake(staker).assertValid(forWorkers)
	assertPeerID(peerID)
	assertKeyX(signingKey)
	assertKey(elgamalKey)
	t.workers.Write(staker, worker{true, signingKey, elgamalKey, teeQuoteHash, t.Timestamp(), peerID})
	t.Emit("WorkerRegistered", cairo.Keys{staker}, peerID, signingKey, elgamalKey, teeQuoteHash)
}

func (t *stakingManager) heartbeat(staker cairo.Address) {
	cairo.Assert(t.mayOperate(staker, t.Caller()), "UNAUTHORIZED")
	w := t.activeWorker(staker)
	w.LastHeartbeat = t.Timestamp()
	t.workers.Write(staker, w)
	t.Emit("Heartbeat", cairo.Keys{staker}, w.LastHeartbeat)
}

func (t *stakingManager) setPeer(staker cairo.Address, peerID string) {
	cairo.Assert(t.mayOperate(staker, t.Caller()), "UNAUTHORIZED")
	w := t.activeWorker(staker)
	assertPeerID(peerID)
	w.PeerID = peerID
	t.workers.Write(staker, w)
	t.Emit("WorkerPeerChanged", cairo.Keys{staker}, peerID)
}

func (t *stakingManager) deregister() {
	staker := t.Caller()
	w := t.activeWorker(staker)
	w.Active = false
	t.workers.Write(staker, w)
	t.Emit("WorkerDeregistered", cairo.Keys{staker})
}

func (t *stakingManager) lockBond(staker cairo.Address, amount cairo.U256) {
	holder := t.authorizedCaller()
	s := t.stakes.Read(staker)
	cairo.Assert(!s.free().Less(amount), "BOND_EXCEEDS_STAKE")
	s.Bonded = s.Bonded.Add(amount)
	t.stakes.Write(staker, s)
	bond := cairo.PairOf(holder, staker)
	t.bonds.Write(bond, t.bonds.Read(bond).Add(amount))
	t.Emit("BondLocked", cairo.Keys{staker, holder}, amount)
}

func (t *stakingManager) unlockBond(staker cairo.Address, amount cairo.U256) {
	holder := t.authorizedCaller()
	t.stakes.Write(staker, t.withoutBond(holder, staker, amount))
	t.Emit("BondUnlocked", cairo.Keys{staker, holder}, amount)
}

func (t *stakingManager) seizeBond(staker cairo.Address, amount cairo.U256, recipient cairo.Address) cairo.U256 {
	holder := t.authorizedCaller()
	s := t.withoutBond(holder, staker, amount)
	taken := s.take(amount)
	t.stakes.Write(staker, s)
	t.Emit("BondSeized", cairo.Keys{staker, holder}, recipient, taken)
	t.payOut(recipient, taken)
	return taken
}

func (t *stakingManager) slash(staker cairo.Address, amount cairo.U256, offence felt.Felt, reporter cairo.Address) cairo.U256 {
	t.authorizedCaller()
	s := t.stakes.Read(staker)
	taken := s.take(amount)
	t.stakes.Write(staker, s)
	var reward cairo.U256
	if !reporter.IsZero() && reporter != staker {
		reward = cairo.Min(share(taken, rewardBPS), rewardCap())
	}
	t.Emit("Slashed", cairo.Keys{staker}, offence, taken, reporter, reward)
	if !reward.IsZero() {
		t.payOut(reporter, reward)
	}
	t.burn(taken.Sub(reward))
	return taken
}

func (t *stakingManager) stakeOf(staker cairo.Address) stake { return t.stakes.Read(staker) }

func (t *stakingManager) minimumStake(gpuTier felt.Felt) cairo.U256 {
	return t.knownTier(gpuTier).minimum()
}

func (t *stakingManager) verifyStake(staker cairo.Address) stakeStatus {
	s := t.stakes.Read(staker)
	required := s.Tier.minimum()
	switch {
	case s.Amount.Less(required):
		return stakeStatus{statusInsufficient, insufficient{s.Amount, required}}
	case t.Timestamp() >= s.LockedUntil:
		return stakeStatus{statusUnlocked, nil}
	}
	return stakeStatus{statusValid, validStake{s.Amount, s.Tier, s.LockedUntil}}
}

func (t *stakingManager) worker(staker cairo.Address) worker { return t.workers.Read(staker) }

func (t *stakingManager) operatorOf(staker cairo.Address) cairo.Address {
	return t.operators.Read(staker)
}

func (t *stakingManager) mayOperate(staker, account cairo.Address) bool {
	return !account.IsZero() && (account == staker || account == t.operators.Read(staker))
}

func (t *stakingManager) bondOf(holder, staker cairo.Address) cairo.U256 {
	return t.bonds.Read(cairo.PairOf(holder, staker))
}

func (t *stakingManager) totalStaked() cairo.U256 { return t.total.Read() }

func (t *stakingManager) modelAction(model felt.Felt, tier tier) felt.Felt {
	return t.Hash(cairo.ShortString("add_model"), model, tier)
}

func (t *stakingManager) authorizedCaller() cairo.Address {
	caller, jobs := t.Caller(), t.jobs.Read()
	cairo.Assert(!jobs.IsZero(), "NOT_CONFIGURED")
	cairo.Assert(caller == jobs || caller == t.registry.Read(), "UNAUTHORIZED")
	return caller
}

func (t *stakingManager) tierOf(name felt.Felt) tier {
	if known, ok := tierNamed(name); ok {
		return known
	}
	return t.models.Read(name)
}

func (t *stakingManager) knownTier(name felt.Felt) tier {
	found := t.tierOf(name)
	cairo.Assert(found != tierNone, "UNKNOWN_TIER")
	return found
}

func (t *stakingManager) activeWorker(staker cairo.Address) worker {
	w := t.workers.Read(staker)
	cairo.Assert(w.Active, "NOT_A_WORKER")
	return w
}

func assertPeerID(id string) {
	cairo.Assert(len(id) > 0 && len(id) <= maxPeerID, "BAD_PEER_ID")
}

// deposit records the stake with the amount added, then takes the amount from the staker.
func (t *stakingManager) deposit(staker cairo.Address, s stake, added cairo.U256) {
	s.Amount = s.Amount.Add(added)
	t.stakes.Write(staker, s)
	t.total.Write(t.total.Read().Add(added))
	t.Emit("Staked", cairo.Keys{staker}, added, s.Amount, s.Tier, s.LockedUntil)
	if !added.IsZero() {
		paid := cairo.Call[bool](t.Frame, t.token.Read(), "transfer_from", staker, t.Address(), added)
		cairo.Assert(paid, "TRANSFER_FAILED")
	}
}

// withoutBond is the stake with a bond of the holder set free; the caller writes it.
func (t *stakingManager) withoutBond(holder, staker cairo.Address, amount cairo.U256) stake {
	bond := cairo.PairOf(holder, staker)
	held := t.bonds.Read(bond)
	cairo.Assert(!held.Less(amount), "BOND_UNKNOWN")
	t.bonds.Write(bond, held.Sub(amount))
	s := t.stakes.Read(staker)
	s.Bonded = s.Bonded.Sub(amount)
	return s
}

func (t *stakingManager) payOut(recipient cairo.Address, amount cairo.U256) {
	t.total.Write(t.total.Read().Sub(amount))
	cairo.Assert(cairo.Call[bool](t.Frame, t.token.Read(), "transfer", recipient, amount), "TRANSFER_FAILED")
}

func (t *stakingManager) burn(amount cairo.U256) {
	t.total.Write(t.total.Read().Sub(amount))
	t.Invoke(t.token.Read(), "burn", amount)
}

func (t *stakingManager) lockEnd(duration uint64) uint64 {
	cairo.Assert(duration >= minLock && duration <= maxLock, "LOCK_DURATION")
	return cairo.Add("u64", t.Timestamp(), duration)
}
