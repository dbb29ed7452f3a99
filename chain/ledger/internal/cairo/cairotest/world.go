// Package cairotest runs contracts without transactions, to test their rules.
package cairotest

import (
	"maps"
	"reflect"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// World is a chain without transactions: whoever is named as the caller calls.
type World struct {
	ChainID string
	Block   cairo.BlockInfo
	Events  []cairo.Event // of the last call

	t       testing.TB
	classes map[felt.Felt]*cairo.Class // of what was deployed
	state   *cairo.Overlay
	salt    uint64
}

// New returns a world in which nothing is deployed.
func New(t testing.TB) *World {
	return &World{ChainID: "SN_TEST", Block: cairo.BlockInfo{Number: 1, Time: 1_800_000_000}, t: t,
		classes: make(map[felt.Felt]*cairo.Class), state: cairo.NewOverlay(nothing{})}
}

// Fork returns a world that is now as w is, and goes its own way from then on.
func (w *World) Fork(t testing.TB) *World {
	fork := *w
	fork.t, fork.classes, fork.state = t, maps.Clone(w.classes), cairo.NewOverlay(nothing{})
	fork.state.Merge(w.state.Diff)
	return &fork
}

// nothing is the state of a chain on which nothing is.
type nothing struct{}

func (nothing) Slot(cairo.Slot) felt.Felt   { return felt.Felt{} }
func (nothing) ClassAt(felt.Felt) felt.Felt { return felt.Felt{} }
func (nothing) NonceOf(felt.Felt) uint64    { return 0 }
func (nothing) IsDeclared(felt.Felt) bool   { return false }

// Account returns the address of an account, one for each number.
func Account(n uint64) cairo.Address { return cairo.Address{Felt: cairo.Uint(0xacc0000 + n)} }

// Do runs f on the state, which keeps its changes if it did not revert, and returns the
// short string or text with which it reverted.
func (w *World) Do(f func(r *cairo.Run)) string {
	r := &cairo.Run{Classes: w.classes, State: cairo.NewOverlay(w.state), Block: w.Block, ChainID: cairo.ShortString(w.ChainID)}
	failure := r.Protect(func() { f(r) })
	w.Events = nil
	if failure == nil {
		w.state.Merge(r.State.Diff)
		w.Events = r.Events
		return ""
	}
	if failure.Text != "" {
		return failure.Text
	}
	text, err := felt.Text(failure.Data[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// Deploy deploys a contract, which must succeed.
func (w *World) Deploy(c *cairo.Class, args ...any) cairo.Address {
	w.t.Helper()
	at, failure := w.TryDeploy(c, args...)
	if failure != "" {
		w.t.Fatalf("%s: %s", c.Name, failure)
	}
	return at
}

// TryDeploy deploys a contract and returns how it failed, or "".
func (w *World) TryDeploy(c *cairo.Class, args ...any) (cairo.Address, string) {
	w.salt++
	w.classes[c.Hash], w.state.Declared[c.Hash] = c, c.Compiled
	at := cairo.Uint(0xc0000 + w.salt)
	return cairo.Address{Felt: at}, w.Do(func(r *cairo.Run) { r.Deploy(felt.Felt{}, at, c.Hash, cairo.Felts(args...)) })
}

// Call calls a function and returns how it failed, or "".
func (w *World) Call(from, to cairo.Address, function string, args ...any) string {
	return w.Do(func(r *cairo.Run) { r.Call(from.Felt, to.Felt, cairo.Selector(function), cairo.Felts(args...)) })
}

// Look returns the result of a view.
func Look[T any](w *World, at cairo.Address, function string, args ...any) (out T) {
	w.t.Helper()
	failure := w.Do(func(r *cairo.Run) {
		data := cairo.Calldata(r.Call(felt.Felt{}, at.Felt, cairo.Selector(function), cairo.Felts(args...)))
		if !data.Deserialize(reflect.ValueOf(&out).Elem()) || len(data) > 0 {
			w.t.Fatalf("%s returned no %T", function, out)
		}
	})
	if failure != "" {
		w.t.Fatalf("%s: %s", function, failure)
	}
	return out
}
