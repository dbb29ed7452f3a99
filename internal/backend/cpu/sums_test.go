package cpu

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// sameDots compares with arithmetic on single elements.
func sameDots(t *testing.T, sums []m31.QM31, columns [][]m31.Elem, b m31.SecureVec) {
	t.Helper()
	want, got, in := slices.Clone(sums), slices.Clone(sums), make([][]m31.Elem, len(columns))
	for j, c := range columns {
		for i, e := range c {
			want[j] = want[j].Add(b.At(i).MulElem(e))
		}
		in[j] = otherZero(t, c)
	}
	dot(got, in, otherZeroSecure(t, b))
	for j, s := range got {
		if s != want[j] {
			t.Fatalf("%d columns of %d: the product of column %d is %v, want %v", len(columns), b.Len(), j, s, want[j])
		}
	}
}

// TestDot takes all lengths up to two steps of the widest vectors, that of a piece of
// a polynomial, and lengths at which sums that are not folded would overflow.
func TestDot(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 140 {
			if n >= 134 {
				n = 1<<evalLog - 137 + n
			}
			for width := range 4 {
				columns, sums := make([][]m31.Elem, width), make([]m31.QM31, width)
				for j := range columns {
					columns[j], sums[j] = extreme(rng, n), extremeSecure(rng, 1).At(0)
				}
				sameDots(t, sums, columns, extremeSecure(rng, n))
			}
		}
	})
}

// boundary holds the elements at which arithmetic changes, and P, the other zero.
var boundary = []m31.Elem{0, 1, m31.P - 1, m31.P}

// TestDotConstant adds up many equal products.
func TestDotConstant(t *testing.T) {
	const n = 1<<16 + 1
	impltest.Each(t, func(t *testing.T) {
		x, y := make([]m31.Elem, n), make([]m31.Elem, n)
		for _, e := range boundary {
			for _, f := range boundary {
				m31.Fill(x, e)
				m31.Fill(y, f)
				got := make([]m31.QM31, 2)
				dot(got, [][]m31.Elem{x, x}, m31.SecureVec{y, y, y, y})
				want := m31.New(uint64(e) * uint64(f)).Mul(n)
				if q := m31.Q(want, want, want, want); got[0] != q || got[1] != q {
					t.Errorf("%d times %d, %d times: %v, want %v", e, f, n, got, q)
				}
			}
		}
	})
}

// sameFold compares with the definition.
func sameFold(t *testing.T, v m31.SecureVec, alpha m31.QM31, inv []m31.Elem) {
	t.Helper()
	out := guardedSecure(t, m31.NewSecureVec(len(inv)))
	out.Fill(m31.Q(5, 6, 7, 8))
	if err := fold(t.Context(), out, otherZeroSecure(t, v), alpha, otherZero(t, inv)); err != nil {
		t.Fatal(err)
	}
	for i := range inv {
		if want := stark.FoldPair(v.At(2*i), v.At(2*i+1), alpha, inv[i]); out.At(i) != want {
			t.Fatalf("pair %d of %d: %v, want %v", i, len(inv), out.At(i), want)
		}
	}
}

// TestFold takes all lengths up to eight vectors, and several ranges.
func TestFold(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for n := range 67 {
			if n == 66 {
				n = 16*rowBlock + 13
			}
			for range 5 {
				sameFold(t, extremeSecure(rng, 2*n), extremeSecure(rng, 1).At(0), extreme(rng, n))
			}
		}
	})
}

// TestFoldBoundary takes all pairs, inverses and coordinates of alpha at the boundary.
func TestFoldBoundary(t *testing.T) {
	const n = 9
	impltest.Each(t, func(t *testing.T) {
		v, inv := m31.NewSecureVec(2*n), make([]m31.Elem, n)
		for i := range 4 * 4 * 4 * 3 {
			a, b, f, c := boundary[i%4], boundary[i/4%4], boundary[i/16%4], boundary[i/64]
			m31.Fill(inv, f)
			for j := range n {
				v.Set(2*j, m31.Q(a, a, a, a))
				v.Set(2*j+1, m31.Q(b, b, b, b))
			}
			out, alpha := guardedSecure(t, m31.NewSecureVec(n)), m31.Q(c, c, c, c)
			if err := fold(t.Context(), out, v, alpha, inv); err != nil {
				t.Fatal(err)
			}
			a, b, f = a%m31.P, b%m31.P, f%m31.P
			want := stark.FoldPair(m31.Q(a, a, a, a), m31.Q(b, b, b, b), alpha, f)
			for j := range n {
				if out.At(j) != want {
					t.Fatalf("pair %d of %d and %d, inverse %d, alpha %v: %v, want %v", j, a, b, f, alpha, out.At(j), want)
				}
			}
		}
	})
}

// FuzzDot compares the products of columns with arithmetic on single elements.
func FuzzDot(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\x7f\xfe\xff\xff\x7f\x00\x00\x00\x00"), uint16(65), uint8(3))
	f.Add([]byte{1, 2, 3}, uint16(32), uint8(2))
	f.Add([]byte("\xfe\xff\xff\x7f"), uint16(1<<evalLog), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, n uint16, width uint8) {
		next, n := tape(data), n%(1<<evalLog+2)
		columns, sums := make([][]m31.Elem, width%5), make([]m31.QM31, width%5)
		b := m31.SecureVec{canonical(next, int(n)), canonical(next, int(n)), canonical(next, int(n)), canonical(next, int(n))}
		for j := range columns {
			columns[j] = canonical(next, int(n))
		}
		impltest.Each(t, func(t *testing.T) { sameDots(t, sums, columns, b) })
	})
}

// FuzzFold compares folds with the definition.
func FuzzFold(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\x7f\xfe\xff\xff\x7f\x00\x00\x00\x00"), uint8(33))
	f.Add([]byte{1, 2, 3}, uint8(8))
	f.Add([]byte("\xfe\xff\xff\x7f"), uint8(255))
	f.Add([]byte(strings.Repeat("\x00", 16)+strings.Repeat("\x01\x00\x00\x00\xfe\xff\xff\x7f", 32)), uint8(8)) // sums are P
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		next := tape(data)
		a := canonical(next, 4)
		v := m31.SecureVec{canonical(next, 2*int(n)), canonical(next, 2*int(n)), canonical(next, 2*int(n)), canonical(next, 2*int(n))}
		inv := canonical(next, int(n))
		impltest.Each(t, func(t *testing.T) { sameFold(t, v, m31.Q(a[0], a[1], a[2], a[3]), inv) })
	})
}

func randomPoint(rng *rand.Rand) circle.SecurePoint {
	return circle.SecurePointAt(m31.Q(m31.Elem(rng.Uint32N(m31.P)), 1, 2, m31.Elem(rng.Uint32N(m31.P))))
}

// FuzzEvalAt compares polynomials, given by coefficients or values, with the sums of
// their basis.
func FuzzEvalAt(f *testing.F) {
	for log := range uint8(13) {
		f.Add(uint64(log), log, 3+log%3)
	}
	f.Fuzz(func(t *testing.T, seed uint64, log, count uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		polys, want := make([]backend.Poly, count%9), make([]m31.QM31, count%9)
		points := []circle.SecurePoint{randomPoint(rng), randomPoint(rng)}
		for i := range polys {
			coeffs, p := extreme(rng, 2<<(log%13)), points[rng.IntN(2)]
			polys[i], want[i] = backend.Poly{Coeffs: coeffs, Point: p}, circle.EvalAt(coeffs, p)
			if rng.IntN(2) == 0 {
				polys[i].Coeffs, polys[i].Values = nil, make([]m31.Elem, len(coeffs))
				circle.Evaluate(polys[i].Values, coeffs)
			}
		}
		impltest.Each(t, func(t *testing.T) {
			got, err := guardedBackend{t: t}.EvalAt(t.Context(), polys)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("polynomial %d of %d, log size %d: %v, want %v", i, len(want), 1+log%13, got[i], want[i])
				}
			}
		})
	})
}

// FuzzQuotients compares quotients of columns of mixed sizes with the formula row by
// row.
func FuzzQuotients(f *testing.F) {
	for log := range uint8(11) {
		f.Add(uint64(log), log, uint8(5), uint8(2))
	}
	f.Fuzz(func(t *testing.T, seed uint64, log, columns, batches uint8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		q := &backend.Quotients{Log: 1 + int(log%11)}
		logs := make([]int, 1+columns%40)
		for i := range logs {
			logs[i] = q.Log - rng.IntN(min(q.Log, 3))
		}
		q.Trees = [][][]m31.Elem{extremeColumns(rng, logs...)}
		felt := func() m31.QM31 { return extremeSecure(rng, 1).At(0) }
		for range batches % 4 {
			b := &stark.Batch{Point: randomPoint(rng), A: felt(), B: felt(), C: felt()}
			for c := range logs {
				if rng.IntN(4) > 0 {
					b.Terms = append(b.Terms, stark.Term{Column: c, Coeff: felt()})
				}
			}
			q.Batches = append(q.Batches, b)
		}
		want := m31.NewSecureVec(1 << q.Log)
		for i := range want.Len() {
			p := circle.StoragePoint(i, q.Log)
			for _, b := range q.Batches {
				var sum m31.QM31
				for _, term := range b.Terms {
					e := q.Trees[0][term.Column][circle.LiftIndex(i, q.Log-logs[term.Column])]
					sum = sum.Add(term.Coeff.MulElem(e))
				}
				want.Set(i, want.At(i).Add(b.Finish(sum, p, b.Denominator(p).Inv())))
			}
		}
		impltest.Each(t, func(t *testing.T) {
			got := extremeSecure(rng, want.Len())
			if err := (guardedBackend{t: t}).Quotients(t.Context(), got, q); err != nil {
				t.Fatal(err)
			}
			for i := range want.Len() {
				if got.At(i) != want.At(i) {
					t.Fatalf("log size %d, row %d: %v, want %v", q.Log, i, got.At(i), want.At(i))
				}
			}
		})
	})
}
