package prover

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Tree is a set of columns, committed or to be committed together. It is
// read-only once made.
type Tree struct {
	values [][]m31.Elem   // on the trace domain, storage order
	coeffs [][]m31.Elem   // of the polynomials
	evals  [][]m31.Elem   // on the extended domain
	layers [][]stark.Hash // of the Merkle tree, root first; nil before the commitment
}

// NewTree returns a tree of columns in storage order.
func NewTree(columns [][]m31.Elem) *Tree { return &Tree{values: columns} }

// Columns returns the columns on the trace domain, in storage order. The caller
// must not change them.
func (t *Tree) Columns() [][]m31.Elem { return t.values }

// Root returns the root of a committed tree.
func (t *Tree) Root() stark.Hash { return t.layers[0][0] }

// CommitTree interpolates, extends and hashes columns outside a proof: to compute
// a root, or to commit early to a tree that a later proof uses.
func (p *Prover) CommitTree(ctx context.Context, kind stark.Kind, cfg stark.Config, columns [][]m31.Elem) (*Tree, error) {
	t := NewTree(columns)
	height := cfg.Lifting
	for _, c := range columns {
		if cfg.Lifting == 0 {
			height = max(height, circle.Log2(len(c))+cfg.LogBlowup)
		}
	}
	alloc := func(n int) []m31.Elem { return make([]m31.Elem, n) }
	return t, p.commit(ctx, t, kind.Hasher(), cfg.LogBlowup, height, alloc)
}

// commit fills in coefficients, extension and Merkle tree.
func (p *Prover) commit(ctx context.Context, t *Tree, h stark.Hasher, blowup, height int, alloc func(int) []m31.Elem) error {
	if t.coeffs == nil {
		t.coeffs = make([][]m31.Elem, len(t.values))
		for i, v := range t.values {
			t.coeffs[i] = alloc(len(v))
			copy(t.coeffs[i], v)
		}
		if err := p.be.Interpolate(ctx, t.coeffs); err != nil {
			return err
		}
	}
	t.evals = make([][]m31.Elem, len(t.coeffs))
	for i, c := range t.coeffs {
		t.evals[i] = alloc(len(c) << blowup)
	}
	if err := p.be.Evaluate(ctx, t.evals, t.coeffs); err != nil {
		return err
	}
	var err error
	t.layers, err = p.be.Merkle(ctx, h, t.evals, height)
	return err
}

// committer plays the prover's part of the transcript.
type committer struct {
	s *session
	w Witness
}

// Commit implements air.Party.
func (c *committer) Commit(tree int, syms air.Symbols) (stark.Hash, error) {
	s := c.s
	if tree < 2 {
		s.clock.enter(StageTrace)
	} else {
		s.clock.enter(StageLookup)
	}
	t, err := c.w.Tree(s.ctx, tree, syms)
	if err != nil {
		return stark.Hash{}, err
	}
	if err := s.checkColumns(tree, t.values); err != nil {
		return stark.Hash{}, err
	}
	s.clock.count(cells(t.values))
	s.clock.enter(StageCommit)
	if t.layers == nil {
		if err := s.commitTree(t, tree); err != nil {
			return stark.Hash{}, err
		}
		s.clock.count(cells(t.values))
	}
	s.trees = append(s.trees, t)
	return t.Root(), nil
}

// Resolve implements air.Party.
func (c *committer) Resolve(name string, syms air.Symbols) (m31.QM31, error) {
	c.s.clock.enter(StageLookup)
	return c.w.Resolve(c.s.ctx, name, syms)
}

func (s *session) commitTree(t *Tree, index int) error {
	return s.commit(s.ctx, t, s.hasher, s.air.Config.LogBlowup, s.layout.Height(index), s.take)
}

// checkColumns compares a tree's columns with the layout.
func (s *session) checkColumns(tree int, columns [][]m31.Elem) error {
	want := s.layout.Trees[tree]
	if len(columns) != len(want) {
		return fmt.Errorf("prover: tree %d has %d columns, want %d", tree, len(columns), len(want))
	}
	for i, c := range columns {
		if len(c) != 1<<want[i].LogSize {
			return fmt.Errorf("prover: tree %d column %d has %d rows, want %d", tree, i, len(c), 1<<want[i].LogSize)
		}
		for _, e := range c {
			if !e.IsCanonical() {
				return fmt.Errorf("prover: tree %d column %d holds %d, which is not reduced", tree, i, e)
			}
		}
	}
	return nil
}

func cells(columns [][]m31.Elem) int {
	n := 0
	for _, c := range columns {
		n += len(c)
	}
	return n
}
