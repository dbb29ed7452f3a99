package cpu

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
)

// TestGather moves a column by rows, on blocks of all sizes and in all places.
func TestGather(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		for log := 1; log <= 8; log++ {
			n := 1 << log
			column, rows := randomColumns(1, log)[0], make([]m31.Elem, n)
			circle.ToRows(rows, column, log)
			for offset := -n + 1; offset < n; offset++ {
				moved := make([]m31.Elem, n)
				circle.ToStorage(moved, append(slices.Clone(rows[offset&(n-1):]), rows[:offset&(n-1)]...), log)
				b := &block{log: log}
				for size := 2; size <= n; size *= 2 {
					got := make([]m31.Elem, n)
					for lo := 0; lo < n; lo += size {
						b.gather(got[lo:lo+size], column, lo, offset)
					}
					if !slices.Equal(got, moved) {
						t.Fatalf("2^%d rows moved by %d in blocks of %d: %v, want %v", log, offset, size, got, moved)
					}
				}
			}
		}
	})
}

// TestNewCombination holds outputs of every kind: a lane, four lanes, a sum and a
// constant, in two groups.
func TestNewCombination(t *testing.T) {
	one, i := m31.One, m31.Q(0, 1, 0, 0)
	p := &air.Program{Code: []air.Instr{
		{Op: air.Emit, Out: 2, A: [4]int{5, -1, -1, -1}},
		{Op: air.Emit, Out: 0, A: [4]int{-1, 6, -1, -1}, K: i, Terms: []air.Term{{Lane: 7, Coeff: i}}},
		{Op: air.LaneNeg},
		{Op: air.Emit, Out: 1, A: [4]int{-1, -1, -1, -1}, K: one},
	}}
	coeffs := []m31.QM31{m31.Q(0, 10, 0, 0), m31.Q(0, 0, 20, 0), m31.Q(30, 0, 0, 0)}
	c := newCombination(p, coeffs, 2)
	if want := m31.Q(m31.P-20, 0, 40, 0); c.k != want {
		t.Errorf("constant %v, want %v", c.k, want)
	}
	for place, want := range [][]int{nil, {5, 6, 7}, nil, nil} {
		if !slices.Equal(c.lanes[place], want) {
			t.Errorf("lanes %v in place %d, want %v", c.lanes[place], place, want)
		}
	}
	if want := []m31.QM31{m31.Q(60, 0, 0, 0), m31.Q(m31.P-20, 0, 0, 0), m31.Q(m31.P-20, 0, 0, 0)}; !slices.Equal(c.coeffs[1], want) {
		t.Errorf("coefficients %v, want %v", c.coeffs[1], want)
	}
}
