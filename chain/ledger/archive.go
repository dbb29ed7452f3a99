package ledger

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// history is something's values, with the blocks that set them in ascending order.
type history[T any] []struct {
	block uint64
	value T
}

// at returns the value after a block.
func (h history[T]) at(block uint64) (v T, ok bool) {
	i := sort.Search(len(h), func(i int) bool { return h[i].block > block })
	if i == 0 {
		return v, false
	}
	return h[i-1].value, true
}

func (h history[T]) with(block uint64, v T) history[T] {
	return append(h, struct {
		block uint64
		value T
	}{block, v})
}

// archive is the states after all blocks.
type archive struct {
	slots    map[cairo.Slot]history[felt.Felt]
	classes  map[felt.Felt]history[felt.Felt]
	nonces   map[felt.Felt]history[uint64]
	declares map[felt.Felt]history[felt.Felt]
}

func newArchive() *archive {
	return &archive{make(map[cairo.Slot]history[felt.Felt]), make(map[felt.Felt]history[felt.Felt]), make(map[felt.Felt]history[uint64]), make(map[felt.Felt]history[felt.Felt])}
}

// apply adds a block's changes.
func (a *archive) apply(block uint64, d cairo.Diff) {
	for s, v := range d.Storage {
		a.slots[s] = a.slots[s].with(block, v)
	}
	for c, class := range d.Deployed {
		a.classes[c] = a.classes[c].with(block, class)
	}
	for c, n := range d.Nonces {
		a.nonces[c] = a.nonces[c].with(block, n)
	}
	for class, compiled := range d.Declared {
		a.declares[class] = a.declares[class].with(block, compiled)
	}
}

// view is the state after one block.
type view struct {
	*archive
	block uint64
}

func (v view) Slot(s cairo.Slot) felt.Felt {
	x, _ := v.slots[s].at(v.block)
	return x
}

func (v view) ClassAt(contract felt.Felt) felt.Felt {
	c, _ := v.classes[contract].at(v.block)
	return c
}

func (v view) NonceOf(contract felt.Felt) uint64 {
	n, _ := v.nonces[contract].at(v.block)
	return n
}

func (v view) IsDeclared(class felt.Felt) bool {
	_, ok := v.declares[class].at(v.block)
	return ok
}

// sorted returns the keys of a map of felts in ascending order.
func sorted[V any](m map[felt.Felt]V) []felt.Felt {
	return slices.SortedFunc(maps.Keys(m), felt.Felt.Cmp)
}

// sortedSlots returns slots by contract and key.
func sortedSlots(m map[cairo.Slot]felt.Felt) []cairo.Slot {
	return slices.SortedFunc(maps.Keys(m), func(a, b cairo.Slot) int {
		return cmp.Or(a.Contract.Cmp(b.Contract), a.Key.Cmp(b.Key))
	})
}
