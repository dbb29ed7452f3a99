package prover

import (
	"slices"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// open draws the queries and opens all trees and FRI layers at them.
func (s *session) open(proof *stark.Proof, layers []friLayer) error {
	s.clock.enter(StageOpen)
	L := s.layout.Lifted()
	raw := stark.DrawQueries(s.ch, s.air.Config.Queries, L)
	s.note("unsorted_queries", raw)
	queries := stark.SortedQueries(raw)
	for t, tree := range s.trees {
		where := queries
		if t == 0 {
			where = stark.PreprocessedQueries(queries, L, s.layout.Height(0))
		}
		values, d, err := s.openTree(tree, where, s.layout.Height(t))
		if err != nil {
			return err
		}
		proof.QueriedValues = append(proof.QueriedValues, values)
		proof.Decommitments = append(proof.Decommitments, d)
	}
	for i, l := range layers {
		o := l.Opening(queries)
		fl := stark.FRILayer{
			Witness:      unknown(l.column, o.Positions, queries),
			Decommitment: stark.Decommitment{HashWitness: stark.MerkleWitness(l.layers, func(_, p int) stark.Hash { return l.leaf(s.hasher, p) }, o.Leaves)},
			Commitment:   l.layers[0][0],
		}
		if i == 0 {
			proof.FRI.First = fl
		} else {
			proof.FRI.Inner = append(proof.FRI.Inner, fl)
		}
		queries = o.Groups
	}
	return nil
}

// openTree reads the rows at the given leaves, which may repeat, and the hashes
// that complete their paths.
func (s *session) openTree(t *Tree, where []int, height int) ([][]m31.Elem, stark.Decommitment, error) {
	n := max(len(t.values), len(t.evals))
	values := make([][]m31.Elem, n)
	if height == 0 {
		return values, stark.Decommitment{}, nil
	}
	leaves := slices.Compact(slices.Sorted(slices.Values(where)))
	below := 0 // layers that the tree does not keep
	for t.layers[height-below] == nil {
		below++
	}
	var rows []int // the leaves and those whose hashes make the missing ones, ascending
	for _, p := range leaves {
		first := p >> below << below
		for q := first; q < first+1<<below && (len(rows) == 0 || rows[len(rows)-1] < q); q++ {
			rows = append(rows, q)
		}
	}
	place := func(p int) int { i, _ := slices.BinarySearch(rows, p); return i }
	logs, picked := make([]int, n), make([][]m31.Elem, n)
	err := s.eachExtension(t, func(c int, column []m31.Elem) {
		logs[c], picked[c] = circle.Log2(len(column)), make([]m31.Elem, len(rows))
		for i, p := range rows {
			picked[c][i] = column[stark.Lift(p, height, len(column))]
		}
	})
	if err != nil {
		return nil, stark.Decommitment{}, err
	}
	for c := range values {
		values[c] = make([]m31.Elem, len(where))
	}
	for i, p := range where {
		j := place(p)
		for c := range values {
			values[c][i] = picked[c][j]
		}
	}
	order, row := stark.SizeOrder(logs), make([]m31.Elem, n)
	var node func(layer, p int) stark.Hash
	node = func(layer, p int) stark.Hash {
		if layer < height {
			a, b := node(layer+1, 2*p), node(layer+1, 2*p+1)
			return s.hasher.Node(&a, &b)
		}
		i := place(p)
		for j, c := range order {
			row[j] = picked[c][i]
		}
		return s.hasher.Leaf(row)
	}
	return values, stark.Decommitment{HashWitness: stark.MerkleWitness(t.layers, node, leaves)}, nil
}

// eachExtension calls f on all columns of a tree on the extended domain. Where the tree
// does not keep them, some at a time are made for the calls.
func (s *session) eachExtension(t *Tree, f func(c int, column []m31.Elem)) error {
	for c, v := range t.evals {
		f(c, v)
	}
	if t.evals != nil {
		return nil
	}
	logs := make([]int, len(t.values))
	for c, v := range t.values {
		logs[c] = circle.Log2(len(v)) + s.air.Config.LogBlowup
	}
	for lo, hi := range s.plan.groups(logs) {
		end := s.mem.scratch()
		var group [][]m31.Elem
		for _, l := range logs[lo:hi] {
			group = append(group, s.mem.take(1<<l))
		}
		if err := s.be.Extend(s.ctx, group, t.values[lo:hi], backend.Part{}); err != nil {
			return err
		}
		for i, v := range group {
			f(lo+i, v)
		}
		end()
	}
	return nil
}

// unknown returns the values at positions that are not queries; both ascend.
func unknown(column m31.SecureVec, positions, queries []int) []m31.QM31 {
	var out []m31.QM31
	for _, p := range positions {
		if len(queries) > 0 && queries[0] == p {
			queries = queries[1:]
			continue
		}
		out = append(out, column.At(p))
	}
	return out
}
