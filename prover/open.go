package prover

import (
	"slices"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// open draws the queries and opens all trees and FRI layers at them.
func (s *session) open(proof *stark.Proof, layers []friLayer) {
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
		values, d := openTree(s.hasher, tree, where, s.layout.Height(t))
		proof.QueriedValues = append(proof.QueriedValues, values)
		proof.Decommitments = append(proof.Decommitments, d)
	}
	for i, l := range layers {
		o := l.Opening(queries)
		fl := stark.FRILayer{
			Witness:      unknown(l.column, o.Positions, queries),
			Decommitment: stark.Decommitment{HashWitness: stark.MerkleWitness(l.layers, func(p int) stark.Hash { return l.leaf(s.hasher, p) }, o.Leaves)},
			Commitment:   l.layers[0][0],
		}
		if i == 0 {
			proof.FRI.First = fl
		} else {
			proof.FRI.Inner = append(proof.FRI.Inner, fl)
		}
		queries = o.Groups
	}
}

// openTree reads the rows at the given leaves, which may repeat, and the hashes
// that complete their paths.
func openTree(h stark.Hasher, t *Tree, where []int, height int) ([][]m31.Elem, stark.Decommitment) {
	values := make([][]m31.Elem, len(t.evals))
	for c, col := range t.evals {
		for _, p := range where {
			values[c] = append(values[c], col[stark.Lift(p, height, len(col))])
		}
	}
	if height == 0 {
		return values, stark.Decommitment{}
	}
	leaves := slices.Compact(slices.Sorted(slices.Values(where)))
	return values, stark.Decommitment{HashWitness: stark.MerkleWitness(t.layers, t.leaf(h, height), leaves)}
}

// leaf returns a function that hashes the row of a leaf.
func (t *Tree) leaf(h stark.Hasher, height int) func(p int) stark.Hash {
	logs := make([]int, len(t.evals))
	for i, c := range t.evals {
		logs[i] = circle.Log2(len(c))
	}
	order := stark.SizeOrder(logs)
	row := make([]m31.Elem, len(order))
	return func(p int) stark.Hash {
		for i, c := range order {
			row[i] = t.evals[c][stark.Lift(p, height, len(t.evals[c]))]
		}
		return h.Leaf(row)
	}
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
