package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

const (
	actionDelay uint64 = 24 * 3600
	actionGrace uint64 = 14 * 24 * 3600
)

// ownable is the component OwnableComponent.
type ownable struct {
	*cairo.Frame
	ownerVar   cairo.Variable[cairo.Address]
	readyAtVar cairo.Mapping[felt.Felt, uint64]
}

func newOwnable(f *cairo.Frame) ownable {
	return ownable{
		f,
		cairo.NewVariable[cairo.Address](f, "Ownable_owner"),
		cairo.NewMapping[felt.Felt, uint64](f, "Ownable_ready_at"),
	}
}

func ownableFunctions() map[string]cairo.Function {
	return cairo.Methods(newOwnable, cairo.Functions{
		"owner":            ownable.owner,
		"ready_at":         ownable.readyAt,
		"ownership_action": ownable.ownershipAction,
		"schedule":         ownable.schedule,
		"unschedule":       ownable.unschedule,
		"accept_ownership": ownable.acceptOwnership,
	})
}

func (t ownable) owner() cairo.Address { return t.ownerVar.Read() }

func (t ownable) readyAt(action felt.Felt) uint64 { return t.readyAtVar.Read(action) }

func (t ownable) ownershipAction(newOwner cairo.Address) felt.Felt {
	return t.Hash(cairo.ShortString("accept_ownership"), newOwner)
}

func (t ownable) schedule(action felt.Felt) {
	t.assertOwner()
	cairo.Assert(t.readyAtVar.Read(action) == 0, "ACTION_SCHEDULED")
	readyAt := cairo.Add("u64", t.Timestamp(), actionDelay)
	t.readyAtVar.Write(action, readyAt)
	t.Emit("ActionScheduled", cairo.Keys{action}, readyAt)
}

func (t ownable) unschedule(action felt.Felt) {
	t.assertOwner()
	cairo.Assert(t.readyAtVar.Read(action) != 0, "ACTION_UNKNOWN")
	t.readyAtVar.Write(action, 0)
	t.Emit("ActionUnscheduled", cairo.Keys{action})
}

func (t ownable) acceptOwnership() {
	owner := t.Caller()
	t.execute(t.ownershipAction(owner))
	previous := t.ownerVar.Read()
	t.ownerVar.Write(owner)
	t.Emit("OwnershipTransferred", cairo.Keys{previous, owner})
}

// initializeOwner sets the first owner; for constructors.
func (t ownable) initializeOwner(owner cairo.Address) {
	cairo.Assert(!owner.IsZero(), "ZERO_ADDRESS")
	t.ownerVar.Write(owner)
	t.Emit("OwnershipTransferred", cairo.Keys{cairo.Address{}, owner})
}

func (t ownable) assertOwner() { cairo.Assert(t.Caller() == t.ownerVar.Read(), "UNAUTHORIZED") }

// execute uses up a scheduled action whose time has come; the caller then carries it out.
func (t ownable) execute(action felt.Felt) {
	readyAt, now := t.readyAtVar.Read(action), t.Timestamp()
	cairo.Assert(readyAt != 0, "ACTION_UNKNOWN")
	cairo.Assert(now >= readyAt, "ACTION_NOT_READY")
	cairo.Assert(now <= cairo.Add("u64", readyAt, actionGrace), "ACTION_STALE")
	t.readyAtVar.Write(action, 0)
	t.Emit("ActionExecuted", cairo.Keys{action})
}
