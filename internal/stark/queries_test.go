package stark

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/vectors"
)

type queryVectors struct {
	Queries map[Kind][]struct {
		Mix         uint64 `json:"mix_u64"`
		Log         int    `json:"log_domain_size"`
		N           int    `json:"n_queries"`
		Raw, Sorted []int
		Once        []int `json:"folded_once"`
		Thrice      []int `json:"folded_thrice"`
	}
	Pow map[Kind][]struct {
		Mix       uint64 `json:"mix_u64"`
		Bits      int
		NonceCPU  uint64 `json:"nonce_cpu_backend"`
		NonceSIMD uint64 `json:"nonce_simd_backend"`
	}
	Combination struct {
		Alpha  Flat
		Values []Flat `json:"values_in_order"`
		Result Flat
	} `json:"constraint_combination"`
	LastLayer struct {
		Coeffs   []Flat `json:"coefficients_bit_reversed"`
		X, Value Flat
	} `json:"last_layer_poly"`
}

func loadQueries(t *testing.T) *queryVectors {
	v := new(queryVectors)
	vectors.Load(t, v, "stwo", "queries_pow.json")
	if len(v.Queries) != len(kinds) || len(v.Pow) != len(kinds) {
		t.Fatal("queries_pow.json lacks a channel")
	}
	return v
}

func TestVectorsQueries(t *testing.T) {
	for k, cases := range loadQueries(t).Queries {
		for _, c := range cases {
			ch := k.NewChannel()
			ch.MixU64(c.Mix)
			raw := DrawQueries(ch, c.N, c.Log)
			equalSlices(t, "drawn", raw, c.Raw)
			equalSlices(t, "sorted", SortedQueries(raw), c.Sorted)
			equalSlices(t, "folded", foldPositions(c.Sorted, 1), c.Once)
			equalSlices(t, "folded thrice", foldPositions(c.Sorted, 3), c.Thrice)
			equalSlices(t, "drawn, after sorting", raw, c.Raw)
		}
	}
}

// TestVectorsPow checks that the CPU backend's nonce is the smallest, and that
// the SIMD backend's is good.
func TestVectorsPow(t *testing.T) {
	for k, cases := range loadQueries(t).Pow {
		for _, c := range cases {
			ch := k.NewChannel()
			ch.MixU64(c.Mix)
			check := ch.Pow(c.Bits).Check
			nonce := uint64(0)
			for !check(nonce) {
				nonce++
			}
			equal(t, "smallest nonce", nonce, c.NonceCPU)
			equal(t, "other backend's nonce", check(c.NonceSIMD), true)
		}
	}
}

func TestVectorsLastLayer(t *testing.T) {
	v := loadQueries(t).LastLayer
	equal(t, "value", circle.EvalLine(Felts(v.Coeffs), v.X.Felt()), v.Value.Felt())
}

// TestVectorsCombination pins Horner's rule, first constraint first, which
// package air applies.
func TestVectorsCombination(t *testing.T) {
	v := loadQueries(t).Combination
	var acc QM31
	for _, c := range v.Values {
		acc = acc.Mul(v.Alpha.Felt()).Add(c.Felt())
	}
	equal(t, "combination", acc, v.Result.Felt())
}

func TestFoldPositions(t *testing.T) {
	in := []int{0, 1, 3, 6, 7, 15}
	for n, want := range [][]int{in, {0, 1, 3, 7}, {0, 1, 3}, {0, 1}, {0}} {
		equalSlices(t, "folded", foldPositions(in, n), want)
	}
	equalSlices(t, "argument", in, []int{0, 1, 3, 6, 7, 15})
	equalSlices(t, "none", foldPositions(nil, 1), nil)
}

// TestOpening checks an opening against its definition.
func TestOpening(t *testing.T) {
	r := randtest.New(t)
	for range 200 {
		l := layer{log: 1 + r.IntN(8)}
		l.fold = 1 + r.IntN(l.log)
		var raw []int
		for range 1 + r.IntN(6) {
			raw = append(raw, r.IntN(1<<l.log))
		}
		queries := SortedQueries(raw)
		o := openingOf(l, queries)
		var groups, positions, leaves []int
		for p := range 1 << l.log {
			inGroup := slices.ContainsFunc(queries, func(q int) bool { return q>>l.fold == p>>l.fold })
			if inGroup {
				groups, positions, leaves = append(groups, p>>l.fold), append(positions, p), append(leaves, p>>l.packing())
			}
		}
		equalSlices(t, "groups", o.Groups, slices.Compact(groups))
		equalSlices(t, "positions", o.Positions, positions)
		equalSlices(t, "leaves", o.Leaves, slices.Compact(leaves))
		exported := FRIFold{l.log, l.fold, l.packing()}.Opening(queries)
		equalSlices(t, "exported groups", exported.Groups, o.Groups)
	}
}

// TestPreprocessedQueries compares the positions with lifting: a tree below the
// domain is read at lifted positions, and of a tree above it those positions are
// read whose lifting the queries are.
func TestPreprocessedQueries(t *testing.T) {
	const log = 5
	queries := make([]int, 1<<log)
	for p := range queries {
		queries[p] = p
	}
	equal(t, "empty tree", len(PreprocessedQueries(queries, log, 0)), 0)
	for height := 1; height <= 8; height++ {
		got := PreprocessedQueries(queries, log, height)
		for p := range queries {
			if height <= log {
				equal(t, "lower tree", got[p], circle.LiftIndex(p, log-height))
			} else {
				equal(t, "higher tree", circle.LiftIndex(got[p], height-log), p)
				equal(t, "first such leaf", got[p]>>1&(1<<(height-log)-1), 0)
			}
		}
	}
	equalSlices(t, "order and repetitions", PreprocessedQueries([]int{31, 0, 31}, log, 2), []int{3, 0, 3})
}
