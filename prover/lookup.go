package prover

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// Lookups is a Witness of an AIR whose last tree holds LogUp columns only. The
// trees before it are given; the interaction columns and claimed sums are
// computed from the components' declarations once the challenges are drawn.
type Lookups struct {
	prover *Prover
	air    *air.AIR
	trees  [][][]m31.Elem // storage order
	made   [][]m31.Elem   // the interaction tree
	sums   map[string]m31.QM31
}

// Lookups returns a witness for one proof of a. trees holds the columns of all
// trees but the interaction tree, in storage order.
func (p *Prover) Lookups(a *air.AIR, trees [][][]m31.Elem) *Lookups {
	return &Lookups{prover: p, air: a, trees: trees}
}

// Tree implements Witness.
func (l *Lookups) Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error) {
	if tree < len(l.trees) {
		return NewTree(l.trees[tree]), nil
	}
	if err := l.interact(ctx, syms); err != nil {
		return nil, err
	}
	return NewTree(l.made), nil
}

// Resolve implements Witness: it knows the claimed sums.
func (l *Lookups) Resolve(ctx context.Context, name string, syms air.Symbols) (m31.QM31, error) {
	if err := l.interact(ctx, syms); err != nil {
		return m31.QM31{}, err
	}
	sum, ok := l.sums[name]
	if !ok {
		return m31.QM31{}, fmt.Errorf("prover: the statement gives no value for %q", name)
	}
	return sum, nil
}

// interact computes the interaction columns of all components.
func (l *Lookups) interact(ctx context.Context, syms air.Symbols) error {
	if l.made != nil {
		return nil
	}
	var made [][]m31.Elem
	sums := make(map[string]m31.QM31)
	for i, c := range l.air.Components {
		if c.LogUp == nil {
			return fmt.Errorf("prover: component %q declares no LogUp", c.Name)
		}
		values, err := l.fractions(ctx, i, syms)
		if err != nil {
			return err
		}
		if sums[c.LogUp.Sum], err = running(ctx, values); err != nil {
			return err
		}
		for _, v := range values {
			made = append(made, v[:]...)
		}
	}
	l.made, l.sums = made, sums
	return nil
}

// running turns fractions into interaction columns and returns the claimed sum.
func running(ctx context.Context, values []m31.SecureVec) (m31.QM31, error) {
	var sums [4]m31.Elem
	err := parallel.For(ctx, len(sums), 1, func(k, _ int) {
		coordinate := make([]m31.Vec, len(values))
		for j, v := range values {
			coordinate[j] = v[k]
		}
		sums[k] = air.Running(coordinate)
	})
	return m31.Q(sums[0], sums[1], sums[2], sums[3]), err
}

// fractions evaluates a component's LogUp fractions, in storage order.
func (l *Lookups) fractions(ctx context.Context, i int, syms air.Symbols) ([]m31.SecureVec, error) {
	c := l.air.Components[i]
	var outputs []int
	for _, f := range c.LogUp.Batches {
		outputs = append(outputs, f.Num, f.Den)
	}
	prog, err := l.air.Compile(i, syms, outputs)
	if err != nil {
		return nil, err
	}
	columns := make([][]m31.Elem, len(prog.Inputs))
	for k, in := range prog.Inputs {
		columns[k] = l.trees[in.Tree][in.Column]
	}
	return l.prover.be.Fractions(ctx, &backend.Fractions{Program: prog, Columns: columns, LogSize: c.LogSize, Pairs: len(outputs) / 2})
}
