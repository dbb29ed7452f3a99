package m31

import (
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
