package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// benchColumns are the columns of wide Fibonacci.
const benchColumns int = 100

func randomColumns(n, log int) [][]m31.Elem {
	rng := rand.New(rand.NewPCG(5, 6))
	out := make([][]m31.Elem, n)
	for i := range out {
		out[i] = make([]m31.Elem, 1<<log)
		for j := range out[i] {
			out[i][j] = m31.Elem(rng.Uint32N(m31.P))
		}
	}
	return out
}

var benchPoint = circle.SecurePointAt(m31.Q(1, 2, 3, 4))

// perCell reports the time of one element of a column.
func perCell(b *testing.B, log int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(benchColumns<<log), "ns/cell")
}

func BenchmarkEvalAt(b *testing.B) {
	for _, log := range []int{16, 18} {
		columns := randomColumns(benchColumns, log)
		polys := make([]backend.Poly, len(columns))
		for i, c := range columns {
			polys[i] = backend.Poly{Coeffs: c, Point: benchPoint}
		}
		impltest.Bench(b, fmt.Sprint(log), func(b *testing.B) {
			var values []m31.QM31
			for b.Loop() {
				values, _ = Backend{}.EvalAt(b.Context(), polys)
			}
			perCell(b, log)
			for _, i := range []int{0, len(polys) - 1} {
				if values[i] != circle.EvalAt(columns[i], benchPoint) {
					b.Error("not the value of the polynomial")
				}
			}
		})
	}
}

func BenchmarkQuotients(b *testing.B) {
	for _, log := range []int{16, 18} {
		q := &backend.Quotients{Trees: [][][]m31.Elem{randomColumns(benchColumns, log)}, Log: log}
		rng := rand.New(rand.NewPCG(7, 8))
		felt := func() m31.QM31 { return extremeSecure(rng, 1).At(0) }
		batch := &stark.Batch{Point: benchPoint, A: felt(), B: felt(), C: felt()}
		for i := range benchColumns {
			batch.Terms = append(batch.Terms, stark.Term{Column: i, Coeff: felt()})
		}
		q.Batches = []*stark.Batch{batch}
		impltest.Bench(b, fmt.Sprint(log), func(b *testing.B) {
			out := m31.NewSecureVec(1 << log)
			for b.Loop() {
				_ = Backend{}.Quotients(b.Context(), out, q)
			}
			perCell(b, log)
			for _, i := range []int{0, 1, 1<<log - 1} {
				var sum m31.QM31
				for _, t := range batch.Terms {
					sum = sum.Add(t.Coeff.MulElem(q.Trees[0][t.Column][i]))
				}
				p := circle.StoragePoint(i, log)
				if out.At(i) != batch.Finish(sum, p, batch.Denominator(p).Inv()) {
					b.Errorf("row %d is wrong", i)
				}
			}
		})
	}
}

func BenchmarkFold(b *testing.B) {
	const log = 19
	v := m31.SecureVec(randomColumns(4, log))
	inv, alpha := randomColumns(1, log-1)[0], m31.Q(5, 6, 7, 8)
	out := m31.NewSecureVec(1 << (log - 1))
	impltest.Bench(b, fmt.Sprint(log), func(b *testing.B) {
		for b.Loop() {
			if err := fold(b.Context(), out, v, alpha, inv); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(out.Len()), "ns/pair")
		for _, i := range []int{0, 1, out.Len() - 1} {
			if out.At(i) != stark.FoldPair(v.At(2*i), v.At(2*i+1), alpha, inv[i]) {
				b.Errorf("pair %d is folded wrong", i)
			}
		}
	})
}
