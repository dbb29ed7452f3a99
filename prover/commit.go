package prover

import (
	"context"
	"fmt"
	"slices"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Tree is a set of columns, committed or to be committed together. It is
// read-only once made.
type Tree struct {
	values [][]m31.Elem   // on the trace domain, storage order; nil where only coefficients are known
	coeffs [][]m31.Elem   // of the polynomials; nil where nothing needs them
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
	height := cfg.Lifting
	for _, c := range columns {
		if cfg.Lifting == 0 {
			height = max(height, circle.Log2(len(c))+cfg.LogBlowup)
		}
	}
	alloc := func(n int) []m31.Elem { return make([]m31.Elem, n) }
	return p.commit(ctx, NewTree(columns), kind.Hasher(), cfg.LogBlowup, height, alloc)
}

// commit extends and hashes the columns of t. What it adds is in the tree returned
// only, since alloc may give it a shorter life than t has. With a blowup of 2 the
// extension is all that constraints are computed on; else they need coefficients.
func (p *Prover) commit(ctx context.Context, t *Tree, h stark.Hasher, blowup, height int, alloc func(int) []m31.Elem) (*Tree, error) {
	made := *t
	made.evals = nil
	var err error
	if blowup == 1 && t.coeffs == nil {
		for _, v := range t.values {
			made.evals = append(made.evals, alloc(len(v)<<blowup))
		}
		err = p.be.Extend(ctx, made.evals, t.values)
	} else {
		err = p.evaluate(ctx, &made, blowup, alloc)
	}
	if err != nil {
		return nil, err
	}
	made.layers, err = p.be.Merkle(ctx, h, hashes(alloc, 1<<height), made.evals, height)
	return &made, err
}

// evaluate fills in the extension, and the coefficients if they are not known.
func (p *Prover) evaluate(ctx context.Context, t *Tree, blowup int, alloc func(int) []m31.Elem) error {
	if t.coeffs == nil {
		for _, v := range t.values {
			t.coeffs = append(t.coeffs, alloc(len(v)))
		}
		if err := p.be.Interpolate(ctx, t.coeffs, t.values); err != nil {
			return err
		}
	}
	for _, c := range t.coeffs {
		t.evals = append(t.evals, alloc(len(c)<<blowup))
	}
	return p.be.Evaluate(ctx, t.evals, t.coeffs)
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
		if t, err = s.commitTree(t, tree); err != nil {
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

func (s *session) commitTree(t *Tree, index int) (*Tree, error) {
	return s.commit(s.ctx, t, s.hasher, s.air.Config.LogBlowup, s.layout.Height(index), s.mem.take)
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
	}
	wrong := make([]bool, len(columns))
	err := parallel.For(s.ctx, len(columns), 1, func(i, _ int) {
		var high m31.Elem
		for _, e := range columns[i] {
			high |= e | (m31.P - 1 - e) // sets the highest bit where e is out of range
		}
		wrong[i] = high > m31.P
	})
	if i := slices.Index(wrong, true); i >= 0 {
		e := columns[i][slices.IndexFunc(columns[i], func(e m31.Elem) bool { return !e.IsCanonical() })]
		return fmt.Errorf("prover: tree %d column %d holds %d, which is not reduced", tree, i, e)
	}
	return err
}

func cells(columns [][]m31.Elem) int {
	n := 0
	for _, c := range columns {
		n += len(c)
	}
	return n
}
