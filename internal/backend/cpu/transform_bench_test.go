package cpu

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
)

// BenchmarkTransforms times the transforms of a commitment to 100 columns with a
// blowup of 2. An element is one of the columns before the extension.
func BenchmarkTransforms(b *testing.B) {
	for _, log := range []int{16, 18, 20} {
		values := randomColumns(benchColumns, log)
		same, twice := make([][]m31.Elem, len(values)), make([][]m31.Elem, len(values))
		for i := range values {
			same[i], twice[i] = make([]m31.Elem, 1<<log), make([]m31.Elem, 2<<log)
		}
		want := make([]m31.Elem, 2<<log)
		circle.Extend(want, values[benchColumns-1])
		run := func(name string, f func() error, want []m31.Elem, got [][]m31.Elem) {
			impltest.Bench(b, fmt.Sprintf("%s/%d", name, log), func(b *testing.B) {
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(benchColumns<<log), "ns/element")
				if !slices.Equal(got[benchColumns-1], want) {
					b.Error("wrong values")
				}
			})
		}
		coeffs := make([]m31.Elem, 1<<log)
		circle.Interpolate(coeffs, values[benchColumns-1])
		run("Interpolate", func() error { return Backend{}.Interpolate(b.Context(), same, values) }, coeffs, same)
		run("Evaluate", func() error { return Backend{}.Evaluate(b.Context(), twice, same) }, want, twice)
		run("Extend", func() error { return Backend{}.Extend(b.Context(), twice, values, backend.Part{}) }, want, twice)
	}
}
