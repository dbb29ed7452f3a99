package cpu

import (
	"math/rand/v2"
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

// randomProgram returns as many instructions on random lanes, which read columns of the
// same number as the input at offsets around 0.
func randomProgram(rng *rand.Rand, length int) *air.Program {
	p := &air.Program{Inputs: make([]air.Input, 8), Lanes: 8}
	for i := range p.Inputs {
		p.Inputs[i].Offset = max(0, i-3) * (1 - i%2*2)
	}
	fresh := func() int { p.Lanes++; return p.Lanes - 1 }
	for range length {
		have := p.Lanes
		lane := func() int { return rng.IntN(have) }
		in := air.Instr{Op: air.InstrOp(1 + rng.IntN(int(air.SecureSum))), C: lane(), K: extremeSecure(rng, 1).At(0)}
		for i := range in.A {
			in.A[i], in.B[i] = lane(), lane()
			if i == 0 || in.Op == air.SecureMul || in.Op == air.SecureSum {
				in.Dst[i] = fresh()
			}
			if in.Op == air.SecureSum {
				in.A[i] = max(-1, in.A[i]-rng.IntN(2)*have)
			}
		}
		if in.Op == air.SecureSum {
			for range rng.IntN(12) {
				in.Terms = append(in.Terms, air.Term{Lane: lane(), Coeff: extremeSecure(rng, 1).At(0)})
			}
		}
		p.Code = append(p.Code, in)
	}
	return p
}

// lanesOf runs a program slot by slot.
func lanesOf(p *air.Program, columns [][]m31.Elem, log int) [][]m31.Elem {
	out := make([][]m31.Elem, p.Lanes)
	for i := range out {
		out[i] = make([]m31.Elem, 1<<log)
	}
	for slot := range 1 << log {
		at := func(l int) m31.Elem { return out[l][slot] }
		secure := func(l [4]int) m31.QM31 { return m31.Q(at(l[0]), at(l[1]), at(l[2]), at(l[3])) }
		for i, in := range p.Inputs {
			row := circle.StorageToRow(slot, log) + in.Offset
			out[i][slot] = columns[i][circle.RowToStorage(row&(1<<log-1), log)]
		}
		for _, in := range p.Code {
			d, k := &out[in.Dst[0]][slot], in.K.A.A
			switch in.Op {
			case air.LaneAdd:
				*d = at(in.A[0]).Add(at(in.B[0]))
			case air.LaneSub:
				*d = at(in.A[0]).Sub(at(in.B[0]))
			case air.LaneNeg:
				*d = at(in.A[0]).Neg()
			case air.LaneMul:
				*d = at(in.A[0]).Mul(at(in.B[0]))
			case air.LaneMulAdd:
				*d = at(in.A[0]).Mul(at(in.B[0])).Add(at(in.C))
			case air.LaneSubMul:
				*d = at(in.C).Sub(at(in.A[0]).Mul(at(in.B[0])))
			case air.LaneAddK:
				*d = at(in.A[0]).Add(k)
			case air.LaneMulK:
				*d = at(in.A[0]).Mul(k)
			case air.SecureMul:
				m31.SecureVec{out[in.Dst[0]], out[in.Dst[1]], out[in.Dst[2]], out[in.Dst[3]]}.Set(slot, secure(in.A).Mul(secure(in.B)))
			case air.SecureSum:
				sum := in.K
				for i, unit := range []m31.QM31{m31.One, m31.Q(0, 1, 0, 0), m31.Q(0, 0, 1, 0), m31.Q(0, 0, 0, 1)} {
					if in.A[i] >= 0 {
						sum = sum.Add(unit.MulElem(at(in.A[i])))
					}
				}
				for _, term := range in.Terms {
					sum = sum.Add(term.Coeff.MulElem(at(term.Lane)))
				}
				m31.SecureVec{out[in.Dst[0]], out[in.Dst[1]], out[in.Dst[2]], out[in.Dst[3]]}.Set(slot, sum)
			}
		}
	}
	return out
}

// FuzzBlock runs random programs in blocks of all sizes and compares every lane with
// arithmetic on single elements.
func FuzzBlock(f *testing.F) {
	for log := range uint8(8) {
		f.Add(uint64(log), log, uint8(40))
	}
	f.Fuzz(func(t *testing.T, seed uint64, log, length uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		k := 1 + int(log%8)
		p := randomProgram(rng, int(length%64))
		columns := extremeColumns(rng, slices.Repeat([]int{k}, len(p.Inputs))...)
		want := lanesOf(p, columns, k)
		impltest.Each(t, func(t *testing.T) {
			in := guardedColumns(t, columns)
			for size := 2; size <= 1<<k; size *= 2 {
				b := newBlock(p, in, k, 0, size)
				for i, s := range b.scratch {
					b.scratch[i] = guarded(t, s)
				}
				for lo := 0; lo < 1<<k; lo += size {
					b.run(lo, lo+size)
					for l, got := range b.lanes {
						if !slices.Equal(got, want[l][lo:lo+size]) {
							t.Fatalf("2^%d slots, lane %d of %d from slot %d on: %v, want %v", k, l, p.Lanes, lo, got, want[l][lo:lo+size])
						}
					}
				}
			}
		})
	})
}
