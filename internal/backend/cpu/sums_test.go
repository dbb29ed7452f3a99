package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// extreme returns elements most of which are the largest, where sums are closest to
// what they may be.
func extreme(rng *rand.Rand, n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		v[i] = m31.P - 1
		switch rng.IntN(8) {
		case 0:
			v[i] = 0
		case 1:
			v[i] = m31.Elem(rng.Uint32N(m31.P))
		}
	}
	return v
}

func extremeSecure(rng *rand.Rand, n int) m31.SecureVec {
	return m31.SecureVec{extreme(rng, n), extreme(rng, n), extreme(rng, n), extreme(rng, n)}
}

// TestSums compares with arithmetic on single elements, for all lengths around those
// of vectors, and so many columns that sums that are not folded would overflow.
func TestSums(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 70 {
			for _, width := range []int{0, 1, 2, 3, 4, 5, 8, 50} {
				columns, coeffs := make([][]m31.Elem, width), make([]m31.QM31, width)
				want, wantDot := m31.NewSecureVec(n), make([]m31.QM31, width)
				b := extremeSecure(rng, n)
				for j := range columns {
					columns[j] = extreme(rng, n)
					coeffs[j] = extremeSecure(rng, 1).At(0)
					wantDot[j] = coeffs[j]
					for i, e := range columns[j] {
						want.Set(i, want.At(i).Add(coeffs[j].MulElem(e)))
						wantDot[j] = wantDot[j].Add(b.At(i).MulElem(e))
					}
				}
				got, acc := extremeSecure(rng, n), make([]uint64, 8*n)
				combine(got, columns, coeffs, acc)
				for i := range n {
					if got.At(i) != want.At(i) {
						t.Fatalf("%d columns of %d: row %d is %v, want %v", width, n, i, got.At(i), want.At(i))
					}
				}
				dot(coeffs, columns, b)
				for j, s := range coeffs {
					if s != wantDot[j] {
						t.Fatalf("%d columns of %d: the dot product of column %d is %v, want %v", width, n, j, s, wantDot[j])
					}
				}
			}
		}
	})
}

// TestFold compares with the definition, for all lengths around those of vectors.
func TestFold(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for n := range 40 {
			for range 20 {
				v, inv, alpha := extremeSecure(rng, 2*n), extreme(rng, n), extremeSecure(rng, 1).At(0)
				out, err := fold(t.Context(), v, alpha, inv)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if want := stark.FoldPair(v.At(2*i), v.At(2*i+1), alpha, inv[i]); out.At(i) != want {
						t.Fatalf("pair %d of %d: %v, want %v", i, n, out.At(i), want)
					}
				}
			}
		}
	})
}
