package prover

import (
	"slices"

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
		values, d := openTree(tree, where, s.layout.Height(t))
		proof.QueriedValues = append(proof.QueriedValues, values)
		proof.Decommitments = append(proof.Decommitments, d)
	}
	for i, l := range layers {
		o := l.Opening(queries)
		fl := stark.FRILayer{
			Witness:      unknown(l.column, o.Positions, queries),
			Decommitment: stark.Decommitment{HashWitness: stark.MerkleWitness(l.layers, o.Leaves)},
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
func openTree(t *Tree, where []int, height int) ([][]m31.Elem, stark.Decommitment) {
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
	return values, stark.Decommitment{HashWitness: stark.MerkleWitness(t.layers, leaves)}
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
