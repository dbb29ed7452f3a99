package cairo

import (
	"maps"

	"github.com/bitsage/bitsage/chain/felt"
)

// Slot is a storage slot of a contract.
type Slot struct{ Contract, Key felt.Felt }

// Reader is a state of the chain.
type Reader interface {
	Slot(Slot) felt.Felt
	ClassAt(contract felt.Felt) felt.Felt // zero if there is no contract
	NonceOf(contract felt.Felt) uint64
	IsDeclared(class felt.Felt) bool
}

// Diff is what a transaction or a block changes in the state.
type Diff struct {
	Storage  map[Slot]felt.Felt
	Deployed map[felt.Felt]felt.Felt // contract to class
	Nonces   map[felt.Felt]uint64
	Declared map[felt.Felt]felt.Felt // class to hash of its CASM
}

// NewDiff returns a diff that changes nothing.
func NewDiff() Diff {
	return Diff{make(map[Slot]felt.Felt), make(map[felt.Felt]felt.Felt), make(map[felt.Felt]uint64), make(map[felt.Felt]felt.Felt)}
}

// Clone returns a copy.
func (d Diff) Clone() Diff {
	return Diff{maps.Clone(d.Storage), maps.Clone(d.Deployed), maps.Clone(d.Nonces), maps.Clone(d.Declared)}
}

// Merge adds a later diff.
func (d *Diff) Merge(later Diff) {
	maps.Copy(d.Storage, later.Storage)
	maps.Copy(d.Deployed, later.Deployed)
	maps.Copy(d.Nonces, later.Nonces)
	maps.Copy(d.Declared, later.Declared)
}

// Overlay is a state with changes that can be thrown away.
type Overlay struct {
	base Reader
	Diff
}

// NewOverlay returns a state that is still as its base.
func NewOverlay(base Reader) *Overlay { return &Overlay{base, NewDiff()} }

// Slot implements Reader.
func (o *Overlay) Slot(s Slot) felt.Felt {
	if v, ok := o.Storage[s]; ok {
		return v
	}
	return o.base.Slot(s)
}

func (o *Overlay) setSlot(s Slot, v felt.Felt) { o.Storage[s] = v }

// ClassAt implements Reader.
func (o *Overlay) ClassAt(contract felt.Felt) felt.Felt {
	if c, ok := o.Deployed[contract]; ok {
		return c
	}
	return o.base.ClassAt(contract)
}

// NonceOf implements Reader.
func (o *Overlay) NonceOf(contract felt.Felt) uint64 {
	if n, ok := o.Nonces[contract]; ok {
		return n
	}
	return o.base.NonceOf(contract)
}

// IsDeclared implements Reader.
func (o *Overlay) IsDeclared(class felt.Felt) bool {
	_, ok := o.Declared[class]
	return ok || o.base.IsDeclared(class)
}

// Changes returns the diff without the slots that have the value they had before.
func (o *Overlay) Changes() Diff {
	d := o.Diff
	d.Storage = maps.Clone(d.Storage)
	maps.DeleteFunc(d.Storage, func(s Slot, v felt.Felt) bool { return o.base.Slot(s) == v })
	return d
}
