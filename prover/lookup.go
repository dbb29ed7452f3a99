package prover

import (
	"context"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program/exec"
)

// Lookups is a Witness of an AIR whose last tree holds LogUp columns only. The
// trees before it are given; see [exec.Lookups].
type Lookups struct {
	*exec.Lookups
	trees [][][]m31.Elem
}

// Lookups returns a witness for one proof of a. trees holds the columns of all
// trees but the interaction tree, in storage order.
func (p *Prover) Lookups(a *air.AIR, trees [][][]m31.Elem) *Lookups {
	return &Lookups{exec.NewLookups(p.be, a, trees), trees}
}

// Tree implements Witness.
func (l *Lookups) Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error) {
	if tree < len(l.trees) {
		return NewTree(l.trees[tree]), nil
	}
	columns, err := l.Columns(ctx, syms)
	return NewTree(columns), err
}
