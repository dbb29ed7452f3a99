package circle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
)

// BenchmarkFFT times transforms of one column and checks their results. Butterflies
// are pairs combined in a layer; an element is one of the input.
func BenchmarkFFT(b *testing.B) {
	for _, k := range []int{12, 16, 18, 20} {
		coeffs := randColumn(rand.New(rand.NewPCG(1, 2)), k)
		n := len(coeffs)
		values, extended := make([]m31.Elem, n), make([]m31.Elem, 2*n)
		Evaluate(values, coeffs)
		Evaluate(extended, coeffs)
		v := slices.Clone(values)
		run := func(name string, want []m31.Elem, butterflies int, f func(dst []m31.Elem)) {
			impltest.Bench(b, fmt.Sprintf("%s/%d", name, k), func(b *testing.B) {
				dst := make([]m31.Elem, len(want))
				f(dst)
				for b.Loop() {
					f(dst)
				}
				if !slices.Equal(dst, want) {
					b.Fatal("wrong values")
				}
				ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
				b.ReportMetric(ns/float64(n), "ns/element")
				b.ReportMetric(ns/float64(butterflies), "ns/butterfly")
			})
		}
		run("interpolate", coeffs, n*k/2, func(dst []m31.Elem) { Interpolate(dst, v) })
		run("evaluate", extended, n*k, func(dst []m31.Elem) { Evaluate(dst, coeffs) })
		run("extend", extended, n*k*3/2, func(dst []m31.Elem) { Extend(dst, v) })
	}
}
