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

// TestDot compares with arithmetic on single elements, for all lengths around those of
// vectors, and lengths at which sums that are not folded would overflow.
func TestDot(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := range 70 {
			n := n + n/60*1000
			for width := range 4 {
				columns, got, want := make([][]m31.Elem, width), make([]m31.QM31, width), make([]m31.QM31, width)
				b := extremeSecure(rng, n)
				for j := range columns {
					columns[j] = extreme(rng, n)
					got[j] = extremeSecure(rng, 1).At(0)
					want[j] = got[j]
					for i, e := range columns[j] {
						want[j] = want[j].Add(b.At(i).MulElem(e))
					}
				}
				dot(got, columns, b)
				for j, s := range got {
					if s != want[j] {
						t.Fatalf("%d columns of %d: the product of column %d is %v, want %v", width, n, j, s, want[j])
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
				out := m31.NewSecureVec(n)
				if err := fold(t.Context(), out, v, alpha, inv); err != nil {
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
