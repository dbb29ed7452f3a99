package chaintest

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo"
)

// refusal is a call that must be refused.
type refusal struct {
	contract, function string
	when               string // what is wrong with the call
	code               string // the reason to expect
	call               func(*testing.T, *scene) attempt
}

// attempt is a call by somebody.
type attempt struct {
	by   *party
	call chain.Call
}

// at calls a contract.
func (p *party) at(c contract, b cairo.Call) attempt { return attempt{p, c.call(b)} }

// stage is a time at which calls are refused.
type stage struct {
	name         string
	enter, leave func(*scene, *testing.T)
	rows         func() []refusal
}

var stages = []stage{
	{"before they are configured", nil, (*scene).useUpBareFaucet, bareRefusals},
	{"at any time", nil, nil, func() []refusal {
		return slices.Concat(tokenRefusals(), ownerRefusals(), stakingRefusals(), validatorRefusals(), jobRefusals(), accountRefusals())
	}},
	{"while they are paused", (*scene).pauseAll, (*scene).unpauseAll, pausedRefusals},
	{"under an auditor", (*scene).setAuditor, (*scene).removeAuditor, auditedRefusals},
	{"when all places are taken", (*scene).takePlaces, (*scene).leavePlaces, fullSetRefusals},
}

// The codes with which Cairo refuses arguments.
const (
	tooLong   = "Input too long for arguments"
	malformed = "Failed to deserialize param #1"
)

// refusals tries every one. The first of a function and stage is also sent, as a
// transaction, which must be in a block, reverted, without having changed anything;
// of that function every other would revert as well.
func refusals(t *testing.T, w *world) {
	s := setScene(t, w)
	for _, stage := range stages {
		t.Run(stage.name, func(t *testing.T) {
			if stage.enter != nil {
				stage.enter(s, t)
			}
			rows := stage.rows()
			for i, row := range rows {
				t.Run(row.contract+"."+row.function+" "+row.when, func(t *testing.T) {
					first := !slices.ContainsFunc(rows[:i], row.sameFunction)
					s.refuse(t, row, first)
				})
			}
			if stage.leave != nil {
				stage.leave(s, t)
			}
		})
	}
}

func (r refusal) sameFunction(o refusal) bool {
	return r.contract == o.contract && r.function == o.function
}

func (s *scene) refuse(t *testing.T, row refusal, send bool) {
	a := row.call(t, s)
	d := s.deploymentOf(a.call.To)
	if c := d.named(row.contract); a.call.To != c.address || a.call.Selector != chain.Selector(row.function) {
		t.Fatal("the row calls something else than it says")
	}
	a.by.try(t, row.code, a.call)
	if !send {
		return
	}
	if row.code != malformed {
		longer := a.call
		longer.Calldata = append(slices.Clone(longer.Calldata), chain.Uint(0))
		a.by.try(t, tooLong, longer)
	}
	s.revert(t, row.code, d, a)
}

// revert sends a call that must revert without a trace.
func (s *scene) revert(t *testing.T, code string, d deployment, a attempt) {
	t.Helper()
	before := s.known(t, d)
	r, err := a.by.send(t, a.call)
	if !refusedFor(err, code) {
		t.Fatalf("%s: %v, want %s", a.by.name, err, code)
	}
	if r.Finality < chain.AcceptedOnL2 || !r.Reverted {
		t.Errorf("the transaction is %s, reverted: %v", r.Finality, r.Reverted)
	}
	for _, trace := range s.traces(t, r) {
		t.Error(trace)
	}
	after := s.look(t, d)
	s.last = after
	if err := before.differs(after); err != nil {
		t.Error(err)
	}
}

func (w *world) deploymentOf(address chain.Felt) deployment {
	for _, c := range w.bare.all() {
		if c.address == address {
			return w.bare
		}
	}
	return w.deployment
}

func (d deployment) named(name string) contract {
	for _, c := range d.all() {
		if c.name == name {
			return c
		}
	}
	return contract{}
}
