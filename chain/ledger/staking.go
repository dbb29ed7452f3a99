package ledger

import "reflect"

const (
	day       uint64 = 24 * 3600
	minLock          = 7 * day
	maxLock          = 4 * 365 * day
	unbonding        = 7 * day
	maxPeerID        = 64
	rewardBPS        = 500
)

var rewardCap = num(500).mul(sage)

// stakingManager is contracts/src/staking.cairo.
type stakingManager struct {
	pausable
	token     variable[address]
	jobs      variable[address]
	registry  variable[address]
	total     variable[u256]
	stakes    mapping[address, stake]
	bonds     mapping[pair[address, address], u256] // by holder and staker
	operators mapping[address, address]
	workers   mapping[address, worker]
	models    mapping[Felt, tier]
}

func newStakingManager(f *frame) *stakingManager {
	return &stakingManager{
		newPausable(f), variable[address]{f, "token"}, variable[address]{f, "job_manager"}, variable[address]{f, "validator_registry"},
		variable[u256]{f, "total_staked"}, mapping[address, stake]{f, "stakes"}, mapping[pair[address, address], u256]{f, "bonds"},
		mapping[address, address]{f, "operators"}, mapping[address, worker]{f, "workers"}, mapping[Felt, tier]{f, "models"},
	}
}

var stakingManagerClass = contract("StakingManager", methods(newStakingManager, functions{
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
}), ownableFunctions, pausableFunctions)

type stake struct {
	Amount         u256
	Bonded         u256
	Unbonding      u256
	UnbondingUntil uint64
	LockedUntil    uint64
	Tier           tier
}

// free is what of a stake secures nothing.
func (s stake) free() u256 { return s.Amount.subOrZero(s.Bonded) }

// take takes an amount, or all if there is less, from what is unbonding and then from the
// rest.
func (s *stake) take(amount u256) u256 {
	fromUnbonding := minimum(amount, s.Unbonding)
	fromAmount := minimum(amount.sub(fromUnbonding), s.Amount)
	s.Unbonding, s.Amount = s.Unbonding.sub(fromUnbonding), s.Amount.sub(fromAmount)
	return fromUnbonding.add(fromAmount)
}

type worker struct {
	Active        bool
	SigningKey    Felt
	ElgamalKey    point
	TeeQuoteHash  u256
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

type insufficient struct{ Current, Required u256 }

type validStake struct {
	Amount u256
	Tier   tier
	Until  uint64
}

func (s stakeStatus) variant() (uint64, any) { return s.index, s.payload }

// assertValid reverts unless the stake is valid and in a tier for which fits holds.
func (s stakeStatus) assertValid(fits func(tier) bool) tier {
	v, ok := s.payload.(validStake)
	assert(ok && fits(v.Tier), "STAKE_NOT_VALID")
	return v.Tier
}

// verifyStake asks the StakingManager for the status of a stake.
func (f *frame) verifyStake(staking, account address) stakeStatus {
	data := calldata(f.invoke(staking, "verify_stake", account))
	index, _ := data.next()
	if index != uintFelt(statusValid) {
		return stakeStatus{index: index.Uint64()}
	}
	var v validStake
	require(data.deserialize(reflect.ValueOf(&v).Elem()), "Returned data too short")
	return stakeStatus{statusValid, v}
}

func forWorkers(t tier) bool    { return t != tierValidator }
func forValidators(t tier) bool { return t == tierValidator }

func (t *stakingManager) constructor(owner, token address) {
	assert(!token.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.token.write(token)
}

func (t *stakingManager) configure(jobs, registry address) {
	t.assertOwner()
	assert(t.jobs.read().IsZero(), "ALREADY_CONFIGURED")
	assert(!jobs.IsZero() && !registry.IsZero(), "ZERO_ADDRESS")
	t.jobs.write(jobs)
	t.registry.write(registry)
	t.emit("Configured", nil, jobs, registry)
}

func (t *stakingManager) addModel(model Felt, tier tier) {
	t.assertOwner()
	assert(tier != tierNone, "UNKNOWN_TIER")
	assert(t.tierOf(model) == tierNone, "MODEL_EXISTS")
	t.execute(t.modelAction(model, tier))
	t.models.write(model, tier)
	t.emit("ModelAdded", key{model}, tier)
}

func (t *stakingManager) stake(amount u256, gpuTier Felt, lockDuration uint64) {
	t.assertOpen()
	staker := t.caller()
	s := t.stakes.read(staker)
	assert(s.Amount.isZero(), "ALREADY_STAKED")
	s.Tier = t.knownTier(gpuTier)
	assert(!amount.less(s.Tier.minimum()), "BELOW_MINIMUM")
	s.LockedUntil = t.lockEnd(lockDuration)
	t.deposit(staker, s, amount)
}

func (t *stakingManager) increaseStake(amount u256, lockDuration uint64) {
	t.assertOpen()
	staker := t.caller()
	s := t.stakes.read(staker)
	assert(!s.Amount.isZero(), "NO_STAKE")
	assert(!amount.isZero() || lockDuration != 0, "ZERO_AMOUNT")
	if lockDuration != 0 {
		s.LockedUntil = max(s.LockedUntil, t.lockEnd(lockDuration))
	}
	t.deposit(staker, s, amount)
}

func (t *stakingManager) requestUnstake(amount u256) {
	staker := t.caller()
	s, now := t.stakes.read(staker), t.timestamp()
	assert(!amount.isZero(), "ZERO_AMOUNT")
	assert(!s.Amount.isZero(), "NO_STAKE")
	assert(now >= s.LockedUntil, "STAKE_LOCKED")
	assert(s.Unbonding.isZero(), "UNBONDING_PENDING")
	assert(!s.free().less(amount), "BOND_EXCEEDS_STAKE")
	s.Amount = s.Amount.sub(amount)
	if s.Amount.isZero() {
		assert(!t.workers.read(staker).Active, "WORKER_ACTIVE")
	} else {
		assert(!s.Amount.less(s.Tier.minimum()), "BELOW_MINIMUM")
	}
	s.Unbonding, s.UnbondingUntil = amount, add("u64", now, unbonding)
	t.stakes.write(staker, s)
	t.emit("UnstakeRequested", key{staker}, amount, s.UnbondingUntil)
}

func (t *stakingManager) completeUnstake() {
	staker := t.caller()
	s := t.stakes.read(staker)
	amount := s.Unbonding
	assert(!amount.isZero(), "NOTHING_UNBONDING")
	assert(t.timestamp() >= s.UnbondingUntil, "STILL_UNBONDING")
	s.Unbonding = u256{}
	t.stakes.write(staker, s)
	t.emit("Unstaked", key{staker}, amount)
	t.payOut(staker, amount)
}

func (t *stakingManager) setOperator(operator address) {
	staker := t.caller()
	t.operators.write(staker, operator)
	t.emit("OperatorSet", key{staker}, operator)
}

func (t *stakingManager) registerWorker(peerID string, signingKey Felt, elgamalKey point, teeQuoteHash u256) {
	staker := t.caller()
	t.verifyStake(staker).assertValid(forWorkers)
	assertPeerID(peerID)
	assertKeyX(signingKey)
	assertKey(elgamalKey)
	t.workers.write(staker, worker{true, signingKey, elgamalKey, teeQuoteHash, t.timestamp(), peerID})
	t.emit("WorkerRegistered", key{staker}, peerID, signingKey, elgamalKey, teeQuoteHash)
}

func (t *stakingManager) heartbeat(staker address) {
	assert(t.mayOperate(staker, t.caller()), "UNAUTHORIZED")
	w := t.activeWorker(staker)
	w.LastHeartbeat = t.timestamp()
	t.workers.write(staker, w)
	t.emit("Heartbeat", key{staker}, w.LastHeartbeat)
}

func (t *stakingManager) setPeer(staker address, peerID string) {
	assert(t.mayOperate(staker, t.caller()), "UNAUTHORIZED")
	w := t.activeWorker(staker)
	assertPeerID(peerID)
	w.PeerID = peerID
	t.workers.write(staker, w)
	t.emit("WorkerPeerChanged", key{staker}, peerID)
}

func (t *stakingManager) deregister() {
	staker := t.caller()
	w := t.activeWorker(staker)
	w.Active = false
	t.workers.write(staker, w)
	t.emit("WorkerDeregistered", key{staker})
}

func (t *stakingManager) lockBond(staker address, amount u256) {
	holder := t.authorizedCaller()
	s := t.stakes.read(staker)
	assert(!s.free().less(amount), "BOND_EXCEEDS_STAKE")
	s.Bonded = s.Bonded.add(amount)
	t.stakes.write(staker, s)
	bond := by(holder, staker)
	t.bonds.write(bond, t.bonds.read(bond).add(amount))
	t.emit("BondLocked", key{staker, holder}, amount)
}

func (t *stakingManager) unlockBond(staker address, amount u256) {
	holder := t.authorizedCaller()
	t.stakes.write(staker, t.withoutBond(holder, staker, amount))
	t.emit("BondUnlocked", key{staker, holder}, amount)
}

func (t *stakingManager) seizeBond(staker address, amount u256, recipient address) u256 {
	holder := t.authorizedCaller()
	s := t.withoutBond(holder, staker, amount)
	taken := s.take(amount)
	t.stakes.write(staker, s)
	t.emit("BondSeized", key{staker, holder}, recipient, taken)
	t.payOut(recipient, taken)
	return taken
}

func (t *stakingManager) slash(staker address, amount u256, offence Felt, reporter address) u256 {
	t.authorizedCaller()
	s := t.stakes.read(staker)
	taken := s.take(amount)
	t.stakes.write(staker, s)
	var reward u256
	if !reporter.IsZero() && reporter != staker {
		reward = minimum(share(taken, rewardBPS), rewardCap)
	}
	t.emit("Slashed", key{staker}, offence, taken, reporter, reward)
	if !reward.isZero() {
		t.payOut(reporter, reward)
	}
	t.burn(taken.sub(reward))
	return taken
}

func (t *stakingManager) stakeOf(staker address) stake { return t.stakes.read(staker) }

func (t *stakingManager) minimumStake(gpuTier Felt) u256 { return t.knownTier(gpuTier).minimum() }

func (t *stakingManager) verifyStake(staker address) stakeStatus {
	s := t.stakes.read(staker)
	required := s.Tier.minimum()
	switch {
	case s.Amount.less(required):
		return stakeStatus{statusInsufficient, insufficient{s.Amount, required}}
	case t.timestamp() >= s.LockedUntil:
		return stakeStatus{statusUnlocked, nil}
	}
	return stakeStatus{statusValid, validStake{s.Amount, s.Tier, s.LockedUntil}}
}

func (t *stakingManager) worker(staker address) worker { return t.workers.read(staker) }

func (t *stakingManager) operatorOf(staker address) address { return t.operators.read(staker) }

func (t *stakingManager) mayOperate(staker, account address) bool {
	return !account.IsZero() && (account == staker || account == t.operators.read(staker))
}

func (t *stakingManager) bondOf(holder, staker address) u256 { return t.bonds.read(by(holder, staker)) }

func (t *stakingManager) totalStaked() u256 { return t.total.read() }

func (t *stakingManager) modelAction(model Felt, tier tier) Felt {
	return t.hash(shortString("add_model"), model, tier)
}

func (t *stakingManager) authorizedCaller() address {
	caller, jobs := t.caller(), t.jobs.read()
	assert(!jobs.IsZero(), "NOT_CONFIGURED")
	assert(caller == jobs || caller == t.registry.read(), "UNAUTHORIZED")
	return caller
}

func (t *stakingManager) tierOf(name Felt) tier {
	if known, ok := tiers[name]; ok {
		return known
	}
	return t.models.read(name)
}

func (t *stakingManager) knownTier(name Felt) tier {
	found := t.tierOf(name)
	assert(found != tierNone, "UNKNOWN_TIER")
	return found
}

func (t *stakingManager) activeWorker(staker address) worker {
	w := t.workers.read(staker)
	assert(w.Active, "NOT_A_WORKER")
	return w
}

func assertPeerID(id string) {
	assert(len(id) > 0 && len(id) <= maxPeerID, "BAD_PEER_ID")
}

// deposit records the stake with the amount added, then takes the amount from the staker.
func (t *stakingManager) deposit(staker address, s stake, added u256) {
	s.Amount = s.Amount.add(added)
	t.stakes.write(staker, s)
	t.total.write(t.total.read().add(added))
	t.emit("Staked", key{staker}, added, s.Amount, s.Tier, s.LockedUntil)
	if !added.isZero() {
		paid := call[bool](t.frame, t.token.read(), "transfer_from", staker, t.address(), added)
		assert(paid, "TRANSFER_FAILED")
	}
}

// withoutBond is the stake with a bond of the holder set free; the caller writes it.
func (t *stakingManager) withoutBond(holder, staker address, amount u256) stake {
	bond := by(holder, staker)
	held := t.bonds.read(bond)
	assert(!held.less(amount), "BOND_UNKNOWN")
	t.bonds.write(bond, held.sub(amount))
	s := t.stakes.read(staker)
	s.Bonded = s.Bonded.sub(amount)
	return s
}

func (t *stakingManager) payOut(recipient address, amount u256) {
	t.total.write(t.total.read().sub(amount))
	assert(call[bool](t.frame, t.token.read(), "transfer", recipient, amount), "TRANSFER_FAILED")
}

func (t *stakingManager) burn(amount u256) {
	t.total.write(t.total.read().sub(amount))
	t.invoke(t.token.read(), "burn", amount)
}

func (t *stakingManager) lockEnd(duration uint64) uint64 {
	assert(duration >= minLock && duration <= maxLock, "LOCK_DURATION")
	return add("u64", t.timestamp(), duration)
}
