package m31

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/randtest"
)

// TestInvert compares with inversion one by one, for all lengths, with and without
// zeros.
func TestInvert(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		r := randtest.New(t)
		for n := range 300 {
			for zeros := range 3 {
				v, want := make(Vec, n), make(Vec, n)
				for i := range v {
					v[i] = Elem(1 + r.Uint32N(P-1))
					if zeros > 0 && r.IntN(1+n/zeros) == 0 {
						v[i] = 0
					}
					if v[i] != 0 {
						want[i] = v[i].Inv()
					}
				}
				Invert(v, make(Vec, n))
				if !slices.Equal(v, want) {
					t.Fatalf("%d elements, some zeros: %v", n, zeros > 0)
				}
			}
		}
	})
}

// TestSecureInvert puts a zero in no place or in any one, for lengths with and without
// halves.
func TestSecureInvert(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		r := randtest.New(t)
		for _, n := range []int{0, 1, 2, 15, 16, 17, 32, 34, 48, 100, 256} {
			for zero := -1; zero < n; zero++ {
				v, want := mixedSecure(r, n), NewSecureVec(n)
				for i := range n {
					if v.At(i).IsZero() {
						v.Set(i, One)
					}
					if i == zero {
						v.Set(i, QM31{})
					}
					want.Set(i, v.At(i).Inv())
				}
				v.Invert(NewSecureVec(n))
				checkSecure(t, fmt.Sprint("inverses with a zero at ", zero), v, want)
			}
		}
	})
}

// TestInvertAll puts zeros in all subsets of places.
func TestInvertAll(t *testing.T) {
	r := randtest.New(t)
	t.Run("M31", func(t *testing.T) {
		testInvertAll(t, InvertAll, func() Elem { return 1 + Elem(r.Uint32N(P-1)) })
	})
	t.Run("CM31", func(t *testing.T) {
		testInvertAll(t, InvertAllCM31, func() CM31 { return CM31{randElem(r), 1 + Elem(r.Uint32N(P-1))} })
	})
	t.Run("QM31", func(t *testing.T) {
		testInvertAll(t, InvertAllQM31, func() QM31 { return randQM31(r).AddElem(1) })
	})
}

func testInvertAll[T field[T]](t *testing.T, invertAll func(v, scratch []T), random func() T) {
	var zero T
	for n := range 8 {
		for zeros := range 1 << n {
			v := make([]T, n)
			for i := range v {
				if v[i] = random(); zeros>>i&1 == 1 {
					v[i] = zero
				}
			}
			in := slices.Clone(v)
			invertAll(v, make([]T, n))
			for i := range v {
				if v[i] != in[i].Inv() {
					t.Fatalf("length %d, zeros %b: element %d is %v, want %v", n, zeros, i, v[i], in[i].Inv())
				}
			}
		}
	}
}
