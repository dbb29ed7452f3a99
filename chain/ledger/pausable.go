package ledger

// pausable is the component PausableComponent, with the OwnableComponent that it needs.
type pausable struct {
	ownable
	pausedVar variable[bool]
}

func newPausable(f *frame) pausable {
	return pausable{newOwnable(f), variable[bool]{f, "Pausable_paused"}}
}

var pausableFunctions = methods(newPausable, functions{
	"paused":  pausable.paused,
	"pause":   pausable.pause,
	"unpause": pausable.unpause,
})

func (t pausable) paused() bool { return t.pausedVar.read() }

func (t pausable) pause() {
	t.assertOwner()
	assert(!t.paused(), "PAUSED")
	t.pausedVar.write(true)
	t.emit("Paused", nil)
}

func (t pausable) unpause() {
	t.assertOwner()
	assert(t.paused(), "NOT_PAUSED")
	t.pausedVar.write(false)
	t.emit("Unpaused", nil)
}

func (t pausable) assertOpen() { assert(!t.paused(), "PAUSED") }
