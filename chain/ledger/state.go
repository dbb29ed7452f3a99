package ledger

import (
	"cmp"
	"maps"
	"slices"
	"sort"
)

// slot is a storage slot of a contract.
type slot struct{ Contract, Key Felt }

// reader is a state of the chain.
type reader interface {
	slot(slot) Felt
	class(contract Felt) Felt // zero if there is no contract
	nonce(contract Felt) uint64
	declared(class Felt) bool
}

// diff is what a transaction or a block changes in the state.
type diff struct {
	Storage  map[slot]Felt
	Deployed map[Felt]Felt // contract to class
	Nonces   map[Felt]uint64
	Declared map[Felt]Felt // class to hash of its CASM
}

func newDiff() diff {
	return diff{make(map[slot]Felt), make(map[Felt]Felt), make(map[Felt]uint64), make(map[Felt]Felt)}
}

func (d diff) clone() diff {
	return diff{maps.Clone(d.Storage), maps.Clone(d.Deployed), maps.Clone(d.Nonces), maps.Clone(d.Declared)}
}

// merge adds a later diff.
func (d *diff) merge(later diff) {
	maps.Copy(d.Storage, later.Storage)
	maps.Copy(d.Deployed, later.Deployed)
	maps.Copy(d.Nonces, later.Nonces)
	maps.Copy(d.Declared, later.Declared)
}

// overlay is a state with changes that can be thrown away.
type overlay struct {
	base reader
	diff
}

func newOverlay(base reader) *overlay { return &overlay{base, newDiff()} }

func (o *overlay) slot(s slot) Felt {
	if v, ok := o.Storage[s]; ok {
		return v
	}
	return o.base.slot(s)
}

func (o *overlay) setSlot(s slot, v Felt) { o.Storage[s] = v }

func (o *overlay) class(contract Felt) Felt {
	if c, ok := o.Deployed[contract]; ok {
		return c
	}
	return o.base.class(contract)
}

func (o *overlay) nonce(contract Felt) uint64 {
	if n, ok := o.Nonces[contract]; ok {
		return n
	}
	return o.base.nonce(contract)
}

func (o *overlay) declared(class Felt) bool {
	_, ok := o.Declared[class]
	return ok || o.base.declared(class)
}

// changes returns the diff without the slots that have the value they had before.
func (o *overlay) changes() diff {
	d := o.diff
	d.Storage = maps.Clone(d.Storage)
	maps.DeleteFunc(d.Storage, func(s slot, v Felt) bool { return o.base.slot(s) == v })
	return d
}

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
	slots    map[slot]history[Felt]
	classes  map[Felt]history[Felt]
	nonces   map[Felt]history[uint64]
	declares map[Felt]history[Felt]
}

func newArchive() *archive {
	return &archive{make(map[slot]history[Felt]), make(map[Felt]history[Felt]), make(map[Felt]history[uint64]), make(map[Felt]history[Felt])}
}

// apply adds a block's changes.
func (a *archive) apply(block uint64, d diff) {
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

func (v view) slot(s slot) Felt {
	x, _ := v.slots[s].at(v.block)
	return x
}

func (v view) class(contract Felt) Felt {
	c, _ := v.classes[contract].at(v.block)
	return c
}

func (v view) nonce(contract Felt) uint64 {
	n, _ := v.nonces[contract].at(v.block)
	return n
}

func (v view) declared(class Felt) bool {
	_, ok := v.declares[class].at(v.block)
	return ok
}

// sorted returns the keys of a map of felts in ascending order.
func sorted[V any](m map[Felt]V) []Felt {
	return slices.SortedFunc(maps.Keys(m), Felt.Cmp)
}

// sortedSlots returns slots by contract and key.
func sortedSlots(m map[slot]Felt) []slot {
	return slices.SortedFunc(maps.Keys(m), func(a, b slot) int {
		return cmp.Or(a.Contract.Cmp(b.Contract), a.Key.Cmp(b.Key))
	})
}
