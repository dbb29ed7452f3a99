package ledger

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

func (validatorStatus) variants() uint64 { return 4 }

type validator struct {
	Status    validatorStatus
	VoteKey   Felt
	Stake     u256
	LastEpoch uint64
}

type equivocation struct {
	Epoch          uint64
	Index          uint32
	Fact           factID
	Valid, Invalid signature
}

type falseVerdict struct {
	Epoch     uint64
	Index     uint32
	Fact      factID
	Verdict   verdict
	Signature signature
}

// validatorRegistry is contracts/src/validators.cairo.
type validatorRegistry struct {
	*frame
	deployer     variable[address]
	staking      variable[address]
	verifier     variable[address]
	epochLength  variable[uint64]
	epoch        variable[uint64]
	epochStarts  mapping[uint64, uint64]
	setSizes     mapping[uint64, uint32]
	sets         mapping[pair[uint64, uint32], member]
	setRoots     mapping[uint64, Felt]
	totalWeights mapping[uint64, u256]
	validators   mapping[address, validator]
	keyOwners    mapping[Felt, address]
	activeCount  variable[uint32]
	active       mapping[uint32, address] // in places 0 to activeCount - 1
	places       mapping[address, uint32]
	charged      mapping[Felt, u256] // basis points, by offence, epoch, index and fact
}

func newValidatorRegistry(f *frame) *validatorRegistry {
	return &validatorRegistry{
		f, variable[address]{f, "deployer"}, variable[address]{f, "staking"}, variable[address]{f, "verifier"},
		variable[uint64]{f, "epoch_length"}, variable[uint64]{f, "epoch"}, mapping[uint64, uint64]{f, "epoch_starts"},
		mapping[uint64, uint32]{f, "set_sizes"}, mapping[pair[uint64, uint32], member]{f, "sets"}, mapping[uint64, Felt]{f, "set_roots"},
		mapping[uint64, u256]{f, "total_weights"}, mapping[address, validator]{f, "validators"}, mapping[Felt, address]{f, "key_owners"},
		variable[uint32]{f, "active_count"}, mapping[uint32, address]{f, "active"}, mapping[address, uint32]{f, "places"},
		mapping[Felt, u256]{f, "charged"},
	}
}

var validatorRegistryClass = contract("ValidatorRegistry", methods(newValidatorRegistry, functions{
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

func (t *validatorRegistry) constructor(deployer, staking address, epochLength uint64) {
	assert(!deployer.IsZero() && !staking.IsZero(), "ZERO_ADDRESS")
	assert(epochLength >= minEpoch && epochLength <= maxEpoch, "EPOCH_LENGTH")
	t.deployer.write(deployer)
	t.staking.write(staking)
	t.epochLength.write(epochLength)
}

func (t *validatorRegistry) configure(verifier address) {
	assert(t.caller() == t.deployer.read(), "UNAUTHORIZED")
	assert(t.verifier.read().IsZero(), "ALREADY_CONFIGURED")
	assert(!verifier.IsZero(), "ZERO_ADDRESS")
	t.verifier.write(verifier)
	t.emit("Configured", nil, verifier)
}

func (t *validatorRegistry) register(stake u256, voteKey Felt, possession signature) {
	account := t.caller()
	switch t.validators.read(account).Status {
	case notValidator:
	case tombstoned:
		assert(false, "TOMBSTONED")
	default:
		assert(false, "ALREADY_VALIDATOR")
	}
	assert(!stake.less(tierValidator.minimum()), "BELOW_MINIMUM")
	t.verifyStake(t.staking.read(), account).assertValid(forValidators)
	assert(t.keyOwners.read(voteKey).IsZero(), "KEY_IN_USE")
	assert(t.signed(t.possessionHash(account), voteKey, possession), "BAD_SIGNATURE")

	t.makeRoom(stake)
	count := t.activeCount.read()
	t.active.write(count, account)
	t.places.write(account, count)
	t.activeCount.write(count + 1)
	t.keyOwners.write(voteKey, account)
	t.validators.write(account, validator{activeValidator, voteKey, stake, 0})
	t.emit("ValidatorRegistered", key{account}, voteKey, stake)
	t.invoke(t.staking.read(), "lock_bond", account, stake)
}

func (t *validatorRegistry) exit() {
	account := t.caller()
	v := t.validators.read(account)
	assert(v.Status == activeValidator, "NOT_A_VALIDATOR")
	t.leave(account, v, leavingValidator)
}

func (t *validatorRegistry) release() {
	account := t.caller()
	v := t.validators.read(account)
	assert(v.Status == leavingValidator || v.Status == tombstoned, "NOT_A_VALIDATOR")
	assert(t.epoch.read() > v.LastEpoch, "EPOCH_NOT_OVER")
	stake := v.Stake
	v.Stake = u256{}
	if v.Status == leavingValidator {
		t.keyOwners.write(v.VoteKey, address{})
		v.Status = notValidator
	}
	t.validators.write(account, v)
	t.emit("ValidatorReleased", key{account}, stake)
	if !stake.isZero() {
		t.invoke(t.staking.read(), "unlock_bond", account, stake)
	}
}

func (t *validatorRegistry) advanceEpoch() {
	now, current := t.timestamp(), t.epoch.read()
	if current == 0 {
		assert(t.activeCount.read() != 0, "SET_EMPTY")
	} else {
		end := add("u64", t.epochStarts.read(current), t.epochLength.read())
		assert(now >= end, "EPOCH_NOT_OVER")
	}
	epoch := add("u64", current, 1)
	t.epoch.write(epoch)
	t.epochStarts.write(epoch, now)
	t.snapshot(epoch)
}

func (t *validatorRegistry) submitEquivocation(e equivocation) {
	m := t.accused(e.Epoch, e.Index)
	t.assertVote(m, e.Epoch, e.Fact, valid, e.Valid)
	t.assertVote(m, e.Epoch, e.Fact, invalid, e.Invalid)

	bps := equivocationBPS
	signers := call[uint64](t.frame, t.verifier.read(), "conflict", e.Fact, e.Epoch)
	if signers>>e.Index&1 == 1 {
		bps = conflictBPS
	}
	offence := shortString("EQUIVOCATION")
	penalty := t.charge(offence, e.Epoch, e.Index, e.Fact, m, bps)
	t.tombstone(m.Validator)
	t.emit("Equivocated", key{m.Validator, e.Fact}, e.Epoch, penalty)
	t.penalize(m.Validator, penalty, offence)
}

func (t *validatorRegistry) submitFalseVerdict(e falseVerdict) {
	m := t.accused(e.Epoch, e.Index)
	assert(e.Verdict != undecided, "BAD_VERDICT")
	r := call[factRecord](t.frame, t.verifier.read(), "fact", e.Fact)
	assert(r.Verdict != undecided && !r.Contested && r.Verdict != e.Verdict, "NO_OFFENCE")
	t.assertVote(m, e.Epoch, e.Fact, e.Verdict, e.Signature)

	offence := shortString("FALSE_VERDICT")
	penalty := t.charge(offence, e.Epoch, e.Index, e.Fact, m, falseVerdictBPS)
	t.emit("VotedFalsely", key{m.Validator, e.Fact}, e.Epoch, penalty)
	t.penalize(m.Validator, penalty, offence)
}

func (t *validatorRegistry) currentEpoch() uint64 { return t.epoch.read() }

func (t *validatorRegistry) epochStart(epoch uint64) uint64 { return t.epochStarts.read(epoch) }

func (t *validatorRegistry) validatorSet(epoch uint64) []member {
	members := make([]member, t.setSizes.read(epoch))
	for i := range members {
		members[i] = t.sets.read(by(epoch, uint32(i)))
	}
	return members
}

func (t *validatorRegistry) rootOfSet(epoch uint64) Felt { return t.setRoots.read(epoch) }

func (t *validatorRegistry) totalWeight(epoch uint64) u256 { return t.totalWeights.read(epoch) }

func (t *validatorRegistry) weight(epoch uint64, index uint32) u128 {
	return t.sets.read(by(epoch, index)).Weight
}

func (t *validatorRegistry) validator(account address) validator { return t.validators.read(account) }

func (t *validatorRegistry) possession(account address) Felt { return t.possessionHash(account) }

// makeRoom lets the smallest stake of a full set give way to a larger one.
func (t *validatorRegistry) makeRoom(stake u256) {
	if t.activeCount.read() < maxValidators {
		return
	}
	smallest := t.active.read(0)
	v := t.validators.read(smallest)
	for place := range t.activeCount.read() - 1 {
		other := t.active.read(place + 1)
		if w := t.validators.read(other); w.Stake.less(v.Stake) {
			smallest, v = other, w
		}
	}
	assert(v.Stake.less(stake), "SET_FULL")
	t.leave(smallest, v, leavingValidator)
}

// leave takes an active validator off the list; the last one takes its place.
func (t *validatorRegistry) leave(account address, v validator, status validatorStatus) {
	last := t.activeCount.read() - 1
	place, moved := t.places.read(account), t.active.read(last)
	t.active.write(place, moved)
	t.places.write(moved, place)
	t.activeCount.write(last)

	v.Status, v.LastEpoch = status, t.epoch.read()
	t.validators.write(account, v)
	t.emit("ValidatorLeft", key{account}, v.Status, v.LastEpoch)
}

// tombstone bars an account for ever.
func (t *validatorRegistry) tombstone(account address) {
	v := t.validators.read(account)
	switch v.Status {
	case tombstoned:
	case activeValidator:
		t.leave(account, v, tombstoned)
	default:
		v.Status = tombstoned
		t.validators.write(account, v)
		t.emit("ValidatorLeft", key{account}, v.Status, v.LastEpoch)
	}
}

// snapshot writes the set of an epoch.
func (t *validatorRegistry) snapshot(epoch uint64) {
	members := make([]member, t.activeCount.read())
	var total u256
	for i := range members {
		account := t.active.read(uint32(i))
		v := t.validators.read(account)
		members[i] = member{account, v.VoteKey, v.Stake.narrow()}
		t.sets.write(by(epoch, uint32(i)), members[i])
		total = total.add(v.Stake)
	}
	root := t.setRoot(members)
	t.setSizes.write(epoch, uint32(len(members)))
	t.setRoots.write(epoch, root)
	t.totalWeights.write(epoch, total)
	t.emit("EpochAdvanced", key{epoch}, root, uint32(len(members)), total)
}

// accused is the member of a set that evidence can still be brought against.
func (t *validatorRegistry) accused(epoch uint64, index uint32) member {
	assert(!t.verifier.read().IsZero(), "NOT_CONFIGURED")
	current := t.epoch.read()
	assert(epoch != 0 && epoch <= current, "BAD_EPOCH")
	if epoch < current {
		end := t.epochStarts.read(epoch + 1)
		assert(t.timestamp() <= add("u64", end, evidenceWindow), "EVIDENCE_EXPIRED")
	}
	assert(index < t.setSizes.read(epoch), "BAD_INDEX")
	return t.sets.read(by(epoch, index))
}

func (t *validatorRegistry) assertVote(m member, epoch uint64, id factID, v verdict, s signature) {
	hash := t.voteHash(epoch, t.setRoots.read(epoch), id, v)
	assert(t.signed(hash, m.VoteKey, s), "BAD_SIGNATURE")
}

// charge is the penalty in parts of the weight in that epoch, less what the same offence
// has cost already.
func (t *validatorRegistry) charge(offence Felt, epoch uint64, index uint32, id factID, m member, bps uint64) u256 {
	charge := t.hash(offence, t.hash(epoch, index, id))
	before := t.charged.read(charge)
	assert(before.less(num(bps)), "ALREADY_SLASHED")
	t.charged.write(charge, num(bps))
	weight := m.Weight.wide()
	return share(weight, bps).sub(share(weight, before[0]))
}

// penalize slashes a validator on behalf of the caller. Too little left to be one makes it
// leave.
func (t *validatorRegistry) penalize(account address, penalty u256, offence Felt) {
	v := t.validators.read(account)
	freed := minimum(v.Stake, penalty)
	v.Stake = v.Stake.sub(freed)
	if v.Status == activeValidator && v.Stake.less(tierValidator.minimum()) {
		t.leave(account, v, leavingValidator)
	} else {
		t.validators.write(account, v)
	}
	staking := t.staking.read()
	if !freed.isZero() {
		t.invoke(staking, "unlock_bond", account, freed)
	}
	t.invoke(staking, "slash", account, penalty, offence, t.caller())
}
