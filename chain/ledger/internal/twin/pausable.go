package twin

import "github.com/bitsage/bitsage/chain/ledger/internal/cairo"

// pausable is the component PausableComponent, with the OwnableComponent that it needs.
type pausable struct {
	ownable
	pausedVar cairo.Variable[bool]
}

func newPausable(f *cairo.Frame) pausable {
	return pausable{newOwnable(f), cairo.NewVariable[bool](f, "Pausable_paused")}
}

func pausableFunctions() map[string]cairo.Function {
	return cairo.Methods(newPausable, cairo.Functions{
		"paused":  pausable.paused,
		"pause":   pausable.pause,
		"unpause": pausable.unpause,
	})
}

func (t pausable) paused() bool { return t.pausedVar.Read() }

func (t pausable) pause() {
	t.assertOwner()
	cairo.Assert(!t.paused(), "PAUSED")
	t.pausedVar.Write(true)
	t.Emit("Paused", nil)
}

func (t pausable) unpause() {
	t.assertOwner()
	cairo.Assert(t.paused(), "NOT_PAUSED")
	t.pausedVar.Write(false)
	t.Emit("Unpaused", nil)
}

func (t pausable) assertOpen() { cairo.Assert(!t.paused(), "PAUSED") }
