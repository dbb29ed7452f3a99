package prover

import (
	"context"
	"fmt"
	"slices"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
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
	evals  [][]m31.Elem   // on the extended domain; nil where they are made again for every use
	layers [][]stark.Hash // of the Merkle tree, root first, the lowest ones nil; nil before the commitment
}

// NewTree returns a tree of columns in storage order.
func NewTree(columns [][]m31.Elem) *Tree { return &Tree{values: columns} }

// Columns returns the columns on the trace domain, in storage order. The caller
// must not change them.
func (t *Tree) Columns() [][]m31.Elem { return t.values }

// Root returns the root of a committed tree.
func (t *Tree) Root() stark.Hash { return t.layers[0][0] }

// CommitTree interpolates, extends and hashes columns outside a proof: to compute
// a root, or to commit early to a tree that a later proof uses. If the extensions do not
// fit Options.MaxMemory, the tree does not keep them.
func (p *Prover) CommitTree(ctx context.Context, kind stark.Kind, cfg stark.Config, columns [][]m31.Elem) (*Tree, error) {
	l := &stark.Layout{Kind: kind, Config: cfg, Trees: [][]stark.Column{make([]stark.Column, len(columns))}}
	for i, c := range columns {
		l.Trees[0][i].LogSize = circle.Log2(len(c))
	}
	how, n, err := p.fit(l, 0, func(k plan) need { return estimateTree(l, 0, k) })
	if err != nil {
		return nil, err
	}
	return p.commitEarly(ctx, l, 0, columns, how, n)
}

// commitEarly commits to a tree of the layout outside of a proof.
func (p *Prover) commitEarly(ctx context.Context, l *stark.Layout, tree int, columns [][]m31.Elem, how plan, n need) (*Tree, error) {
	mem := arena{pool: p.mem, size: int(n.arena / 4)}
	defer mem.release()
	alloc := func(n int) []m31.Elem { return make([]m31.Elem, n) }
	return p.commit(ctx, NewTree(columns), &commitment{l.Kind.Hasher(), l.Config.LogBlowup, l.Height(tree), how, alloc, &mem})
}

// commitment says how columns are committed to.
type commitment struct {
	hasher         stark.Hasher
	blowup, height int
	plan           plan
	alloc          func(n int) []m31.Elem // of what the tree keeps
	mem            *arena                 // of what it does not
}

// commit extends and hashes the columns of t. What it adds is in the tree returned
// only, since alloc may give it a shorter life than t has. With a blowup of 2 the
// extension is all that constraints are computed on; else they need coefficients.
func (p *Prover) commit(ctx context.Context, t *Tree, c *commitment) (*Tree, error) {
	made := *t
	made.evals = nil
	var err error
	if c.plan != fast && c.height > 0 {
		made.layers, err = p.hashParts(ctx, t.values, c)
		return &made, err
	}
	if c.blowup == 1 && t.coeffs == nil {
		for _, v := range t.values {
			made.evals = append(made.evals, c.alloc(len(v)<<c.blowup))
		}
		err = p.be.Extend(ctx, made.evals, t.values, backend.Part{})
	} else {
		err = p.evaluate(ctx, &made, c.blowup, c.alloc)
	}
	if err != nil {
		return nil, err
	}
	made.layers, err = p.be.Merkle(ctx, c.hasher, hashes(c.alloc, 1<<c.height), made.evals, c.height)
	return &made, err
}

// hashParts makes a tree over extended columns that are never there as a whole. A part
// of the rows has a subtree of its own. Which layers are kept, the plan says.
func (p *Prover) hashParts(ctx context.Context, values [][]m31.Elem, c *commitment) ([][]stark.Hash, error) {
	log, top := int(c.plan), c.plan.layers(c.height)
	kept, layers := hashes(c.alloc, 1<<top), make([][]stark.Hash, c.height+1)
	for l := range top {
		layers[l] = kept[1<<l : 2<<l]
	}
	defer c.mem.scratch()()
	part := make([][]m31.Elem, len(values))
	for i, v := range values {
		part[i] = c.mem.take(len(v) << c.blowup >> log)
	}
	room := hashes(c.mem.take, 1<<(c.height-log))
	for k := range 1 << log {
		if err := p.be.Extend(ctx, part, values, backend.Part{Index: k, Log: log}); err != nil {
			return nil, err
		}
		sub, err := p.be.Merkle(ctx, c.hasher, room, part, c.height-log)
		if err != nil {
			return nil, err
		}
		for l := log; l < top; l++ {
			copy(layers[l][k<<(l-log):], sub[l-log])
		}
	}
	for l := log - 1; l >= 0; l-- {
		for i := range layers[l] {
			layers[l][i] = c.hasher.Node(&layers[l+1][2*i], &layers[l+1][2*i+1])
		}
	}
	return layers, nil
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
	return s.commit(s.ctx, t, &commitment{s.hasher, s.air.Config.LogBlowup, s.layout.Height(index), s.plan, s.mem.take, &s.mem})
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
	few := 1 + len(columns)<<16/(cells(columns)+1) // at a time, so that a goroutine has something to do
	err := parallel.For(s.ctx, len(columns), few, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			var high m31.Elem
			for _, e := range columns[i] {
				high |= e | (m31.P - 1 - e) // sets the highest bit where e is out of range
			}
			wrong[i] = high > m31.P
		}
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
