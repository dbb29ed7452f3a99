package exec

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// Lookups makes what a proof of an AIR with LogUp has besides the trace: the last tree,
// which holds LogUp columns only, and the claimed sums. It computes them from the
// components' declarations once the challenges are drawn. It is for one proof.
type Lookups struct {
	be    backend.Backend
	air   *air.AIR
	trees [][][]m31.Elem // storage order
	made  [][]m31.Elem   // the interaction tree
	sums  map[string]m31.QM31
}

// NewLookups returns the lookups of a proof of a. trees holds the columns of all trees
// but the last, in storage order.
func NewLookups(be backend.Backend, a *air.AIR, trees [][][]m31.Elem) *Lookups {
	return &Lookups{be: be, air: a, trees: trees}
}

// Columns returns the columns of the last tree.
func (l *Lookups) Columns(ctx context.Context, syms air.Symbols) ([][]m31.Elem, error) {
	err := l.interact(ctx, syms)
	return l.made, err
}

// Resolve returns a claimed sum.
func (l *Lookups) Resolve(ctx context.Context, name string, syms air.Symbols) (m31.QM31, error) {
	if err := l.interact(ctx, syms); err != nil {
		return m31.QM31{}, err
	}
	sum, ok := l.sums[name]
	if !ok {
		return m31.QM31{}, fmt.Errorf("exec: the statement gives no value for %q", name)
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
			return fmt.Errorf("exec: component %q declares no LogUp", c.Name)
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
	return l.be.Fractions(ctx, &backend.Fractions{Program: prog, Columns: columns, LogSize: c.LogSize, Pairs: len(outputs) / 2})
}
