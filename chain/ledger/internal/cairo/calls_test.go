package cairo_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo/cairotest"
)

// probe is a contract that calls others, and itself.
type probe struct {
	*cairo.Frame
	count cairo.Variable[uint64]
}

func newProbe(f *cairo.Frame) probe { return probe{f, cairo.NewVariable[uint64](f, "count")} }

var probeClass = cairo.NewClass("probe", cairo.ShortString("probe"), cairo.Methods(newProbe, cairo.Functions{
	"relay": probe.relay,
	"who":   probe.who,
	"bump":  probe.bump,
	"deep":  probe.deep,
	"value": probe.value,
	"burn":  probe.burn,
}))

// relay counts, and then lets another contract do what it is told.
func (p probe) relay(to cairo.Address, selector felt.Felt, args []felt.Felt) []felt.Felt {
	p.count.Write(p.count.Read() + 1)
	return p.Run.Call(p.This, to.Felt, selector, args)
}

func (p probe) who() (cairo.Address, cairo.Address) { return p.Caller(), p.Address() }

// bump counts and fails after n times.
func (p probe) bump(n uint64) {
	p.count.Write(cairo.Add("u64", p.count.Read(), 1))
	cairo.Require(p.count.Read() < n, "enough")
}

func (p probe) deep(n uint64) uint64 {
	if n == 0 {
		return 1
	}
	return 1 + cairo.Call[uint64](p.Frame, p.Address(), "deep", n-1)
}

func (p probe) burn(n uint64) { p.Curve(n) }

func (p probe) value() uint64 { return p.count.Read() }

func newProbes(t *testing.T) (w *cairotest.World, a, b cairo.Address) {
	w = cairotest.New(t)
	return w, w.Deploy(probeClass), w.Deploy(probeClass)
}

func TestCalls(t *testing.T) {
	w, a, b := newProbes(t)
	type seen = cairo.Pair[cairo.Address, cairo.Address]
	if got := cairotest.Look[seen](w, a, "who"); got != cairo.PairOf(cairo.Address{}, a) {
		t.Errorf("%v", got)
	}
	who := cairotest.Look[[]felt.Felt](w, a, "relay", b, cairo.Selector("who"), []felt.Felt{})
	if !slices.Equal(who, []felt.Felt{a.Felt, b.Felt}) {
		t.Errorf("b saw %v", who)
	}
	// a calls b, which calls a again: a's own write is there, and stays.
	before := cairotest.Look[uint64](w, a, "value")
	inner := cairo.Felts(a, cairo.Selector("value"), []felt.Felt{})
	back := cairotest.Look[[]felt.Felt](w, a, "relay", b, cairo.Selector("relay"), inner)
	if want := cairo.Uint(before + 1); len(back) != 2 || back[1] != want {
		t.Errorf("a saw of itself %v, want %s", back, want.String())
	}
	// What fails inside undoes everything.
	a0, b0 := cairotest.Look[uint64](w, a, "value"), cairotest.Look[uint64](w, b, "value")
	if got := w.Call(cairotest.Account(1), a, "relay", b, cairo.Selector("bump"), cairo.Felts(uint64(0))); got != "enough" {
		t.Errorf("%q", got)
	}
	if cairotest.Look[uint64](w, a, "value") != a0 || cairotest.Look[uint64](w, b, "value") != b0 {
		t.Error("a reverted call left something")
	}
	if got := cairotest.Look[uint64](w, a, "deep", uint64(cairo.MaxDepth-1)); got != cairo.MaxDepth {
		t.Errorf("depth %d", got)
	}
	if got := w.Call(cairotest.Account(1), a, "deep", uint64(cairo.MaxDepth)); got != "recursion depth exceeded" {
		t.Errorf("%q", got)
	}
	if got := w.Call(cairotest.Account(1), a, "burn", uint64(cairo.MaxGas/cairo.GasCurve-1)); got != "" {
		t.Errorf("%q", got)
	}
	if got := w.Call(cairotest.Account(1), a, "burn", uint64(cairo.MaxGas/cairo.GasCurve)); got != "Out of gas" {
		t.Errorf("%q", got)
	}
	if got := w.Call(cairotest.Account(1), cairo.Address{Felt: cairo.Uint(3)}, "who"); !strings.Contains(got, "is not deployed") {
		t.Errorf("%q", got)
	}
}
