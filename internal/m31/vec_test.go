package m31

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/randtest"
)

func TestSecureVec(t *testing.T) {
	r := randtest.New(t)
	const n = 7
	v := NewSecureVec(n)
	equal(t, "length", v.Len(), n)
	want := make([]QM31, n)
	for i := range want {
		equal(t, "zero value", v.At(i), QM31{})
		want[i] = randQM31(r)
		v.Set(i, want[i])
	}
	for i, x := range want {
		equal(t, "element", v.At(i), x)
		for c, e := range x.Coords() {
			equal(t, "coordinate", v[c][i], e)
		}
	}
	part := v.Slice(2, 5)
	equal(t, "length of part", part.Len(), 3)
	part.Set(0, One)
	equal(t, "shared memory", v.At(2), One)
	for c := range v {
		equal(t, "capacity", cap(v[c]), n) // an append cannot reach the next coordinate
	}
	equal(t, "empty", NewSecureVec(0).Len(), 0)
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
