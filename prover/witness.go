package prover

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
)

// Columns is a Witness whose columns are all known beforehand, in storage order:
// [tree][column][slot].
type Columns [][][]m31.Elem

// Tree implements Witness.
func (w Columns) Tree(_ context.Context, tree int, _ air.Symbols) (*Tree, error) {
	return NewTree(w[tree]), nil
}

// Resolve implements Witness: all statement values must be given in the AIR.
func (w Columns) Resolve(_ context.Context, name string, _ air.Symbols) (m31.QM31, error) {
	return m31.QM31{}, fmt.Errorf("prover: the statement gives no value for %q", name)
}
