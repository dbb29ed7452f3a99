package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

const (
	minEpoch       uint64 = 60
	maxEpoch              = 7 * day
	evidenceWindow        = 6 * day

	equivocationBPS uint64 = 500
	conflictBPS     uint64 = 10_000 // for an equivocation that made contradicting certificates possible
	falseVerdictBPS uint64 = 500
)

// validatorStatus is what a validator is at the moment.
type validatorStatus uint8

const (
	notValidator validatorStatus = iota
	activeValidator
	leavingValidator
	tombstoned
)

func (validatorStatus) Variants() uint64 { return 4 }

type validator struct {
	Status    validatorStatus
	VoteKey   felt.Felt
	Stake     cairo.U256
	LastEpoch uint64
}

type equivocation struct {
	Epoch          uint64
	Index          uint32
	Fact           factID
	Valid, Invalid cairo.Signature
}

type falseVerdict struct {
	Epoch     uint64
	Index     uint32
	Fact      factID
	Verdict   verdict
	Signature cairo.Signature
}

// validatorRegistry is contracts/src/validators.cairo.
type validatorRegistry struct {
	*cairo.Frame
	deployer     cairo.Variable[cairo.Address]
	staking      cairo.Variable[cairo.Address]
	verifier     cairo.Variable[cairo.Address]
	epochLength  cairo.Variable[uint64]
	epoch        cairo.Variable[uint64]
	epochStarts  cairo.Mapping[uint64, uint64]
	setSizes     cairo.Mapping[uint64, uint32]
	sets         cairo.Mapping[cairo.Pair[uint64, uint32], member]
	setRoots     cairo.Mapping[uint64, felt.Felt]
	totalWeights cairo.Mapping[uint64, cairo.U256]
	validators   cairo.Mapping[cairo.Address, validator]
	keyOwners    cairo.Mapping[felt.Felt, cairo.Address]
	activeCount  cairo.Variable[uint32]
	active       cairo.Mapping[uint32, cairo.Address] // in places 0 to activeCount - 1
	places       cairo.Mapping[cairo.Address, uint32]
	charged      cairo.Mapping[felt.Felt, cairo.U256] // basis points, by offence, epoch, index and fact
}

func newValidatorRegistry(f *cairo.Frame) *validatorRegistry {
	return &validatorRegistry{
		f,
		cairo.NewVariable[cairo.Address](f, "deployer"),
		cairo.NewVariable[cairo.Address](f, "staking"),
		cairo.NewVariable[cairo.Address](f, "verifier"),
		cairo.NewVariable[uint64](f, "epoch_length"),
		cairo.NewVariable[uint64](f, "epoch"),
		cairo.NewMapping[uint64, uint64](f, "epoch_starts"),
		cairo.NewMapping[uint64, uint32](f, "set_sizes"),
		cairo.NewMapping[cairo.Pair[uint64, uint32], member](f, "sets"),
		cairo.NewMapping[uint64, felt.Felt](f, "set_roots"),
		cairo.NewMapping[uint64, cairo.U256](f, "total_weights"),
		cairo.NewMapping[cairo.Address, validator](f, "validators"),
		cairo.NewMapping[felt.Felt, cairo.Address](f, "key_owners"),
		cairo.NewVariable[uint32](f, "active_count"),
		cairo.NewMapping[uint32, cairo.Address](f, "active"),
		cairo.NewMapping[cairo.Address, uint32](f, "places"),
		cairo.NewMapping[felt.Felt, cairo.U256](f, "charged"),
	}
}

func validatorRegistryClass() *cairo.Class {
	return contract("ValidatorRegistry", cairo.Methods(newValidatorRegistry, cairo.Functions{
		"constructor":          (*validatorRegistry).constructor,
		"configure":            (*validatorRegistry).configure,
		"register":             (*validatorRegistry).register,
		"exit":                 (*validatorRegistry).exit,
		"release":              (*validatorRegistry).release,
		"advance_epoch":        (*validatorRegistry).advanceEpoch,
		"submit_equivocation":  (*validatorRegistry).submitEquivocation,
		"submit_false_verdict": (*validatorRegistry).submitFalseVerdict,
		"current_epoch":        (*validatorRegistry).currentEpoch,
		"epoch_start":          (*validatorRegistry).epochStart,
		"validator_set":        (*validatorRegistry).validatorSet,
		"set_root":             (*validatorRegistry).rootOfSet,
		"total_weight":         (*validatorRegistry).totalWeight,
		"weight":               (*validatorRegistry).weight,
		"validator":            (*validatorRegistry).validator,
		"possession_hash":      (*validatorRegistry).possession,
	}))
}

func (t *validatorRegistry) constructor(deployer, staking cairo.Address, epochLength uint64) {
	cairo.Assert(!deployer.IsZero() && !staking.IsZero(), "ZERO_ADDRESS")
	cairo.Assert(epochLength >= minEpoch && epochLength <= maxEpoch, "EPOCH_LENGTH")
	t.deployer.Write(deployer)
	t.staking.Write(staking)
	t.epochLength.Write(epochLength)
}

func (t *validatorRegistry) configure(verifier cairo.Address) {
	cairo.Assert(t.Caller() == t.deployer.Read(), "UNAUTHORIZED")
	cairo.Assert(t.verifier.Read().IsZero(), "ALREADY_CONFIGURED")
	cairo.Assert(!verifier.IsZero(), "ZERO_ADDRESS")
	t.verifier.Write(verifier)
	t.Emit("Configured", nil, verifier)
}

func (t *validatorRegistry) register(stake cairo.U256, voteKey felt.Felt, possession cairo.Signature) {
	account := t.Caller()
	switch t.validators.Read(account).Status {
	case notValidator:
	case tombstoned:
		cairo.Assert(false, "TOMBSTONED")
	default:
		cairo.Assert(false, "ALREADY_VALIDATOR")
	}
	cairo.Assert(!stake.Less(tierValidator.minimum()), "BELOW_MINIMUM")
	askStake(t.Frame, t.staking.Read(), account).assertValid(forValidators)
	cairo.Assert(t.keyOwners.Read(voteKey).IsZero(), "KEY_IN_USE")
	cairo.Assert(t.Signed(hashPossession(t.Frame, account), voteKey, possession), "BAD_SIGNATURE")

	t.makeRoom(stake)
	count := t.activeCount.Read()
	t.active.Write(count, account)
	t.places.Write(account, count)
	t.activeCount.Write(count + 1)
	t.keyOwners.Write(voteKey, account)
	t.validators.Write(account, validator{activeValidator, voteKey, stake, 0})
	t.Emit("ValidatorRegistered", cairo.Keys{account}, voteKey, stake)
	t.Invoke(t.staking.Read(), "lock_bond", account, stake)
}

func (t *validatorRegistry) exit() {
	account := t.Caller()
	v := t.validators.Read(account)
	cairo.Assert(v.Status == activeValidator, "NOT_A_VALIDATOR")
	t.leave(account, v, leavingValidator)
}

func (t *validatorRegistry) release() {
	account := t.Caller()
	v := t.validators.Read(account)
	cairo.Assert(v.Status == leavingValidator || v.Status == tombstoned, "NOT_A_VALIDATOR")
	cairo.Assert(t.epoch.Read() > v.LastEpoch, "EPOCH_NOT_OVER")
	stake := v.Stake
	v.Stake = cairo.U256{}
	if v.Status == leavingValidator {
		t.keyOwners.Write(v.VoteKey, cairo.Address{})
		v.Status = notValidator
	}
	t.validators.Write(account, v)
	t.Emit("ValidatorReleased", cairo.Keys{account}, stake)
	if !stake.IsZero() {
		t.Invoke(t.staking.Read(), "unlock_bond", account, stake)
	}
}

func (t *validatorRegistry) advanceEpoch() {
	now, current := t.Timestamp(), t.epoch.Read()
	if current == 0 {
		cairo.Assert(t.activeCount.Read() != 0, "SET_EMPTY")
	} else {
		end := cairo.Add("u64", t.epochStarts.Read(current), t.epochLength.Read())
		cairo.Assert(now >= end, "EPOCH_NOT_OVER")
	}
	epoch := cairo.Add("u64", current, 1)
	t.epoch.Write(epoch)
	t.epochStarts.Write(epoch, now)
	t.snapshot(epoch)
}

func (t *validatorRegistry) submitEquivocation(e equivocation) {
	m := t.accused(e.Epoch, e.Index)
	t.assertVote(m, e.Epoch, e.Fact, valid, e.Valid)
	t.assertVote(m, e.Epoch, e.Fact, invalid, e.Invalid)

	bps := equivocationBPS
	signers := cairo.Call[uint64](t.Frame, t.verifier.Read(), "conflict", e.Fact, e.Epoch)
	if signers>>e.Index&1 == 1 {
		bps = conflictBPS
	}
	offence := cairo.ShortString("EQUIVOCATION")
	penalty := t.charge(offence, e.Epoch, e.Index, e.Fact, m, bps)
	t.tombstone(m.Validator)
	t.Emit("Equivocated", cairo.Keys{m.Validator, e.Fact}, e.Epoch, penalty)
	t.penalize(m.Validator, penalty, offence)
}

func (t *validatorRegistry) submitFalseVerdict(e falseVerdict) {
	m := t.accused(e.Epoch, e.Index)
	cairo.Assert(e.Verdict != undecided, "BAD_VERDICT")
	r := cairo.Call[factRecord](t.Frame, t.verifier.Read(), "fact", e.Fact)
	cairo.Assert(r.Verdict != undecided && !r.Contested && r.Verdict != e.Verdict, "NO_OFFENCE")
	t.assertVote(m, e.Epoch, e.Fact, e.Verdict, e.Signature)

	offence := cairo.ShortString("FALSE_VERDICT")
	penalty := t.charge(offence, e.Epoch, e.Index, e.Fact, m, falseVerdictBPS)
	t.Emit("VotedFalsely", cairo.Keys{m.Validator, e.Fact}, e.Epoch, penalty)
	t.penalize(m.Validator, penalty, offence)
}

func (t *validatorRegistry) currentEpoch() uint64 { return t.epoch.Read() }

func (t *validatorRegistry) epochStart(epoch uint64) uint64 { return t.epochStarts.Read(epoch) }

func (t *validatorRegistry) validatorSet(epoch uint64) []member {
	members := make([]member, t.setSizes.Read(epoch))
	for i := range members {
		members[i] = t.sets.Read(cairo.PairOf(epoch, uint32(i)))
	}
	return members
}

func (t *validatorRegistry) rootOfSet(epoch uint64) felt.Felt { return t.setRoots.Read(epoch) }

func (t *validatorRegistry) totalWeight(epoch uint64) cairo.U256 { return t.totalWeights.Read(epoch) }

func (t *validatorRegistry) weight(epoch uint64, index uint32) cairo.U128 {
	return t.sets.Read(cairo.PairOf(epoch, index)).Weight
}

func (t *validatorRegistry) validator(account cairo.Address) validator {
	return t.validators.Read(account)
}

func (t *validatorRegistry) possession(account cairo.Address) felt.Felt {
	return hashPossession(t.Frame, account)
}

// makeRoom lets the smallest stake of a full set give way to a larger one.
func (t *validatorRegistry) makeRoom(stake cairo.U256) {
	if t.activeCount.Read() < maxValidators {
		return
	}
	smallest := t.active.Read(0)
	v := t.validators.Read(smallest)
	for place := range t.activeCount.Read() - 1 {
		other := t.active.Read(place + 1)
		if w := t.validators.Read(other); w.Stake.Less(v.Stake) {
			smallest, v = other, w
		}
	}
	cairo.Assert(v.Stake.Less(stake), "SET_FULL")
	t.leave(smallest, v, leavingValidator)
}

// leave takes an active validator off the list; the last one takes its place.
func (t *validatorRegistry) leave(account cairo.Address, v validator, status validatorStatus) {
	last := t.activeCount.Read() - 1
	place, moved := t.places.Read(account), t.active.Read(last)
	t.active.Write(place, moved)
	t.places.Write(moved, place)
	t.activeCount.Write(last)

	v.Status, v.LastEpoch = status, t.epoch.Read()
	t.validators.Write(account, v)
	t.Emit("ValidatorLeft", cairo.Keys{account}, v.Status, v.LastEpoch)
}

// tombstone bars an account for ever.
func (t *validatorRegistry) tombstone(account cairo.Address) {
	v := t.validators.Read(account)
	switch v.Status {
	case tombstoned:
	case activeValidator:
		t.leave(account, v, tombstoned)
	default:
		v.Status = tombstoned
		t.validators.Write(account, v)
		t.Emit("ValidatorLeft", cairo.Keys{account}, v.Status, v.LastEpoch)
	}
}

// snapshot writes the set of an epoch.
func (t *validatorRegistry) snapshot(epoch uint64) {
	members := make([]member, t.activeCount.Read())
	var total cairo.U256
	for i := range members {
		account := t.active.Read(uint32(i))
		v := t.validators.Read(account)
		members[i] = member{account, v.VoteKey, v.Stake.Narrow()}
		t.sets.Write(cairo.PairOf(epoch, uint32(i)), members[i])
		total = total.Add(v.Stake)
	}
	root := hashSet(t.Frame, members)
	t.setSizes.Write(epoch, uint32(len(members)))
	t.setRoots.Write(epoch, root)
	t.totalWeights.Write(epoch, total)
	t.Emit("EpochAdvanced", cairo.Keys{epoch}, root, uint32(len(members)), total)
}

// accused is the member of a set that evidence can still be brought against.
func (t *validatorRegistry) accused(epoch uint64, index uint32) member {
	cairo.Assert(!t.verifier.Read().IsZero(), "NOT_CONFIGURED")
	current := t.epoch.Read()
	cairo.Assert(epoch != 0 && epoch <= current, "BAD_EPOCH")
	if epoch < current {
		end := t.epochStarts.Read(epoch + 1)
		cairo.Assert(t.Timestamp() <= cairo.Add("u64", end, evidenceWindow), "EVIDENCE_EXPIRED")
	}
	cairo.Assert(index < t.setSizes.Read(epoch), "BAD_INDEX")
	return t.sets.Read(cairo.PairOf(epoch, index))
}

func (t *validatorRegistry) assertVote(m member, epoch uint64, id factID, v verdict, s cairo.Signature) {
	hash := hashVote(t.Frame, epoch, t.setRoots.Read(epoch), id, v)
	cairo.Assert(t.Signed(hash, m.VoteKey, s), "BAD_SIGNATURE")
}

// charge is the penalty in parts of the weight in that epoch, less what the same offence
// has cost already.
func (t *validatorRegistry) charge(offence felt.Felt, epoch uint64, index uint32, id factID, m member, bps uint64) cairo.U256 {
	charge := t.Hash(offence, t.Hash(epoch, index, id))
	before := t.charged.Read(charge)
	cairo.Assert(before.Less(cairo.U256Of(bps)), "ALREADY_SLASHED")
	t.charged.Write(charge, cairo.U256Of(bps))
	weight := m.Weight.Wide()
	return share(weight, bps).Sub(share(weight, before[0]))
}

// penalize slashes a validator on behalf of the caller. Too little left to be one makes it
// leave.
func (t *validatorRegistry) penalize(account cairo.Address, penalty cairo.U256, offence felt.Felt) {
	v := t.validators.Read(account)
	freed := cairo.Min(v.Stake, penalty)
	v.Stake = v.Stake.Sub(freed)
	if v.Status == activeValidator && v.Stake.Less(tierValidator.minimum()) {
		t.leave(account, v, leavingValidator)
	} else {
		t.validators.Write(account, v)
	}
	staking := t.staking.Read()
	if !freed.IsZero() {
		t.Invoke(staking, "unlock_bond", account, freed)
	}
	t.Invoke(staking, "slash", account, penalty, offence, t.Caller())
}
