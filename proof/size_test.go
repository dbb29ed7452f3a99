package proof

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/stark"
)

// TestCheckSize holds which programs fit under which profiles.
func TestCheckSize(t *testing.T) {
	for size, want := range map[int][]Profile{
		1024: Profiles(),
		1440: {Fast, Std, Tight, MatMulP80, MatMulP90},
		2880: {Fast, Std, Tight, MatMulP80},
		4096: {Std, Tight, MatMulP80},
	} {
		p := MatMul(size, size, size)
		for _, profile := range Profiles() {
			err := CheckSize(p, profile)
			if slices.Contains(want, profile) {
				if err != nil {
					t.Error(err)
				}
				continue
			}
			var e *SizeError
			if !errors.As(err, &e) {
				t.Fatalf("%v, %v: %v, want a SizeError", p, profile, err)
			}
			if !slices.Equal(e.Fitting, want) {
				t.Errorf("%v: fitting profiles %v, want %v", p, e.Fitting, want)
			}
		}
	}
	if err := CheckSize(MatMul(4096, 4096, 4096), 0); err == nil {
		t.Error("the zero profile is accepted")
	}
}

// drawnBytes returns the size of a proof that opens the given positions, less what
// every proof has.
func drawnBytes(t *testing.T, l *stark.Layout, queries []int) int {
	t.Helper()
	folds, err := l.Config.FRIFolds(l.Lifted())
	if err != nil {
		t.Fatal(err)
	}
	bytes := feltBytes << l.Config.LogLastLayer
	for tree, cols := range l.Columns() {
		for _, c := range cols {
			bytes += feltBytes*len(c.Offsets) + elemBytes*len(queries)
		}
		bytes += hashBytes * (1 + missing(l.Height(tree), queries))
	}
	for _, f := range folds {
		o := f.Opening(queries)
		bytes += feltBytes*(len(o.Positions)-len(queries)) + hashBytes*(1+missing(f.Log-f.Packing, o.Leaves))
		queries = o.Groups
	}
	return bytes
}

// missing counts the hashes that complete the paths of leaves.
func missing(height int, leaves []int) (n int) {
	for nodes := slices.Clone(leaves); height > 0; height-- {
		known := len(nodes)
		for i := range nodes {
			nodes[i] >>= 1
		}
		nodes = slices.Compact(nodes)
		n += 2*len(nodes) - known
	}
	return n
}

// TestSizeMargin draws positions for the largest proof of every profile, and compares
// their sizes with the expected one and the margin.
func TestSizeMargin(t *testing.T) {
	const draws = 2000
	rng := rand.New(rand.NewPCG(20261201, 1))
	for _, promise := range promises {
		size := promise.floors[len(promise.floors)-1].size
		s := Statement{Program: MatMul(size, size, size)}
		a, err := s.AIR(promise.profile)
		if err != nil {
			t.Fatal(err)
		}
		l := a.Layout()
		want, err := expectedBytes(l)
		if err != nil {
			t.Fatal(err)
		}
		var sum, squares, most float64
		for range draws {
			queries := make([]int, l.Config.Queries)
			for i := range queries {
				queries[i] = rng.IntN(1 << l.Lifted())
			}
			d := float64(drawnBytes(t, l, stark.SortedQueries(queries)) - want)
			sum, squares, most = sum+d, squares+d*d, max(most, d)
		}
		deviation := math.Sqrt(squares / draws)
		t.Logf("%v, %v: %d bytes, by the draws %+.0f on average, deviation %.0f, at most %+.0f", promise.profile, s.Program, want, sum/draws, deviation, most)
		if math.Abs(sum/draws) > 1000 || deviation > sizeMargin/4 || most > sizeMargin {
			t.Errorf("%v, %v: the margin of %d bytes is too small", promise.profile, s.Program, sizeMargin)
		}
	}
}
