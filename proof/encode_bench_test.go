package proof

import (
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
)

// BenchmarkEncodeTree lays out input and output of a product of 1024 x 1024 matrices,
// on one goroutine.
func BenchmarkEncodeTree(b *testing.B) {
	rng := rand.NewChaCha8([32]byte{1})
	for _, dtype := range []DType{Int8, M31} {
		p := MatMulOf(dtype, 1024, 1024, 1024)
		for _, c := range []struct {
			name string
			tree int
			data []byte
		}{{"input", matmul.InputTree, make([]byte, p.InputSize())}, {"output", matmul.ResultTree, make([]byte, p.OutputSize())}} {
			rng.Read(c.data)
			if c.tree == matmul.ResultTree || dtype == M31 {
				for i := 3; i < len(c.data); i += 4 { // in range
					c.data[i] = 0
				}
			}
			b.Run(dtype.String()+" "+c.name, func(b *testing.B) {
				var columns [][]m31.Elem
				var err error
				for b.Loop() {
					if columns, err = p.EncodeTree(c.tree, c.data, matmul.Sequential); err != nil {
						b.Fatal(err)
					}
				}
				entries := len(columns) << p.shape().LogRows()
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(entries), "ns/element")
			})
		}
	}
}
