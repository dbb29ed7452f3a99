package ledger

const (
	actionDelay uint64 = 24 * 3600
	actionGrace uint64 = 14 * 24 * 3600
)

// ownable is the component OwnableComponent.
type ownable struct {
	*frame
	ownerVar   variable[address]
	readyAtVar mapping[Felt, uint64]
}

func newOwnable(f *frame) ownable {
	return ownable{f, variable[address]{f, "Ownable_owner"}, mapping[Felt, uint64]{f, "Ownable_ready_at"}}
}

var ownableFunctions = methods(newOwnable, functions{
	"owner":            ownable.owner,
	"ready_at":         ownable.readyAt,
	"ownership_action": ownable.ownershipAction,
	"schedule":         ownable.schedule,
	"unschedule":       ownable.unschedule,
	"accept_ownership": ownable.acceptOwnership,
})

func (t ownable) owner() address { return t.ownerVar.read() }

func (t ownable) readyAt(action Felt) uint64 { return t.readyAtVar.read(action) }

func (t ownable) ownershipAction(newOwner address) Felt {
	return t.hash(shortString("accept_ownership"), newOwner)
}

func (t ownable) schedule(action Felt) {
	t.assertOwner()
	assert(t.readyAtVar.read(action) == 0, "ACTION_SCHEDULED")
	readyAt := add("u64", t.timestamp(), actionDelay)
	t.readyAtVar.write(action, readyAt)
	t.emit("ActionScheduled", key{action}, readyAt)
}

func (t ownable) unschedule(action Felt) {
	t.assertOwner()
	assert(t.readyAtVar.read(action) != 0, "ACTION_UNKNOWN")
	t.readyAtVar.write(action, 0)
	t.emit("ActionUnscheduled", key{action})
}

func (t ownable) acceptOwnership() {
	owner := t.caller()
	t.execute(t.ownershipAction(owner))
	previous := t.ownerVar.read()
	t.ownerVar.write(owner)
	t.emit("OwnershipTransferred", key{previous, owner})
}

// initializeOwner sets the first owner; for constructors.
func (t ownable) initializeOwner(owner address) {
	assert(!owner.IsZero(), "ZERO_ADDRESS")
	t.ownerVar.write(owner)
	t.emit("OwnershipTransferred", key{address{}, owner})
}

func (t ownable) assertOwner() { assert(t.caller() == t.ownerVar.read(), "UNAUTHORIZED") }

// execute uses up a scheduled action whose time has come; the caller then carries it out.
func (t ownable) execute(action Felt) {
	readyAt, now := t.readyAtVar.read(action), t.timestamp()
	assert(readyAt != 0, "ACTION_UNKNOWN")
	assert(now >= readyAt, "ACTION_NOT_READY")
	assert(now <= add("u64", readyAt, actionGrace), "ACTION_STALE")
	t.readyAtVar.write(action, 0)
	t.emit("ActionExecuted", key{action})
}
