package circle

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/impl"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
)

// columns returns columns of size 2^k: random ones and ones of extreme elements.
func columns(t *testing.T, k int) map[string][]m31.Elem {
	r := randtest.New(t)
	extremes := make([]m31.Elem, 1<<k)
	for i := range extremes {
		extremes[i] = []m31.Elem{0, 1, m31.P - 1}[r.IntN(3)]
	}
	return map[string][]m31.Elem{
		"random":   randColumn(r, k),
		"extremes": extremes,
		"largest":  slices.Repeat([]m31.Elem{m31.P - 1}, 1<<k),
	}
}

// guarded copies v to memory that ends with v.
func guarded(t *testing.T, v []m31.Elem) []m31.Elem {
	g := impltest.Guarded[m31.Elem](t, len(v))
	copy(g, v)
	return g
}

// TestTransforms compares every implementation with plain Go, in place and not, for
// all sizes and several blowups.
func TestTransforms(t *testing.T) {
	for k := 1; k <= 16; k++ {
		for name, v := range columns(t, k) {
			coeffs := make([]m31.Elem, len(v))
			interpolateGeneric(coeffs, v)
			impltest.Each(t, func(t *testing.T) {
				what := fmt.Sprintf("%s, log size %d", name, k)
				values := guarded(t, v)
				got := guarded(t, v)
				Interpolate(got, got)
				equalSlices(t, what+": interpolated in place", got, coeffs)
				clear(got)
				Interpolate(got, values)
				equalSlices(t, what+": interpolated", got, coeffs)
				Evaluate(got, got)
				equalSlices(t, what+": evaluated in place", got, v)
				for blowup := range 4 {
					if k+blowup > 17 || blowup > 1 && k > 10 {
						continue
					}
					want := make([]m31.Elem, len(v)<<blowup)
					evaluateGeneric(want, coeffs, Log2(len(want)), 0)
					got := guarded(t, want)
					clear(got)
					Evaluate(got, guarded(t, coeffs))
					equalSlices(t, what+": evaluated", got, want)
					clear(got)
					Extend(got, values)
					equalSlices(t, what+": extended", got, want)
					for parts := 2; parts <= 1<<blowup; parts *= 2 {
						part := guarded(t, want[:len(want)/parts])
						for first := 0; first < len(want); first += len(part) {
							clear(part)
							ExtendPart(part, values, k+blowup, first)
							equalSlices(t, what+": a part", part, want[first:first+len(part)])
						}
					}
				}
				equalSlices(t, what+": input", values, v)
			})
		}
	}
}

// TestTransformsLarge covers several passes above the leaves, for each remainder of
// their layers.
func TestTransformsLarge(t *testing.T) {
	for k := 17; k <= 20; k++ {
		v := randColumn(randtest.New(t), k)
		want := make([]m31.Elem, len(v))
		interpolateGeneric(want, v)
		impltest.Each(t, func(t *testing.T) {
			got := make([]m31.Elem, len(v))
			Interpolate(got, v)
			equalLong(t, fmt.Sprintf("coefficients, log size %d", k), got, want)
			Evaluate(got, got)
			equalLong(t, fmt.Sprintf("values, log size %d", k), got, v)
		})
	}
}

// equalLong is equalSlices without printing the slices.
func equalLong(t *testing.T, what string, got, want []m31.Elem) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d is %d, want %d", what, i, got[i], want[i])
		}
	}
}

// TestFactorsGuarded runs blocks with a table that ends where memory does.
func TestFactorsGuarded(t *testing.T) {
	for k := 6; k <= 14; k++ {
		v := randColumn(randtest.New(t), k)
		h, n := factorsOf(k-1), 1<<(k-1)
		table := impltest.Guarded[uint32](t, n)
		impltest.Each(t, func(t *testing.T) {
			f := kernelsOf(k)
			if f == nil {
				return // plain Go knows no such table
			}
			coeffs, got := make([]m31.Elem, len(v)), make([]m31.Elem, len(v))
			copy(table, h.inverse2[:n])
			f.inverseBlock(coeffs, v, table, 1, LogOrder-k)
			copy(table, h.x2[:n])
			f.forwardBlock(got, coeffs, table, 1)
			equalLong(t, fmt.Sprintf("values, log size %d, %s", k, impl.Name()), got, v)
		})
	}
}

// FuzzTransforms compares the best implementation with plain Go.
func FuzzTransforms(f *testing.F) {
	f.Add(uint8(9), uint8(1), []byte("\xff\xff\xff\x7e\x00\x00\x00\x00"))
	f.Add(uint8(6), uint8(2), []byte{1})
	f.Fuzz(func(t *testing.T, k, blowup uint8, data []byte) {
		k, blowup = 1+k%12, blowup%4
		v := make([]m31.Elem, 1<<k)
		for i, b := range data {
			v[i/4%len(v)] = (v[i/4%len(v)]<<8 | m31.Elem(b)) % m31.P
		}
		coeffs, want := make([]m31.Elem, len(v)), make([]m31.Elem, len(v)<<blowup)
		interpolateGeneric(coeffs, v)
		evaluateGeneric(want, coeffs, Log2(len(want)), 0)
		got := make([]m31.Elem, len(want))
		Extend(got, v)
		equalLong(t, "extension", got, want)
		Interpolate(v, v)
		equalLong(t, "coefficients", v, coeffs)
	})
}
