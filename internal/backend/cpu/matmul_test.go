package cpu

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
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
		impltest.BenchBytes(b, fmt.Sprint(n), func(b *testing.B) {
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

// BenchmarkMatMulM31 reports the time of one product and addition.
func BenchmarkMatMulM31(b *testing.B) {
	const n = 512
	columns := randomColumns(2, 18)
	impltest.Bench(b, fmt.Sprint(n), func(b *testing.B) {
		var got []m31.Elem
		for b.Loop() {
			got = make([]m31.Elem, n*n)
			if err := (Backend{}).MatMulM31(b.Context(), got, columns[0], columns[1], n, n, n); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n*n*n), "ns/mac")
		for _, at := range [][2]int{{0, 0}, {n - 1, 1}, {17, n - 1}} {
			var want m31.Elem
			for r := range n {
				want = want.Add(columns[0][at[0]*n+r].Mul(columns[1][r*n+at[1]]))
			}
			if got[at[0]*n+at[1]] != want {
				b.Errorf("entry %v is wrong", at)
			}
		}
	})
}
