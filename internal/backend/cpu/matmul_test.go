package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkMatMulInt8 reports the time of one product and addition.
func BenchmarkMatMulInt8(b *testing.B) {
	for _, n := range []int{64, 1024} {
		rng := rand.New(rand.NewPCG(1, 2))
		x, y := make([]int8, n*n), make([]int8, n*n)
		for i := range x {
			x[i], y[i] = int8(rng.Uint32()), int8(rng.Uint32())
		}
		want, got := make([]int32, n*n), make([]int32, n*n)
		if err := matMulGeneric(b.Context(), want, x, y, n, n, n); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if err := (Backend{}).MatMulInt8(b.Context(), got, x, y, n, n, n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*n*n), "ns/mac")
			if !slices.Equal(got, want) {
				b.Error("not the product")
			}
		})
	}
}
