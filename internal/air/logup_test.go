package air_test

import (
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
)

// checkRunning compares with sums made row by row.
func checkRunning(t testing.TB, values, got []m31.Vec, sum m31.Elem) {
	t.Helper()
	n := len(values[0])
	log := circle.Log2(n)
	share := sum.Mul(m31.New(uint64(n)).Inv())
	var total, acc m31.Elem
	for r := range n {
		slot := circle.RowToStorage(r, log)
		var row m31.Elem
		for j, v := range values {
			row = row.Add(v[slot])
			if j < len(values)-1 && got[j][slot] != row {
				t.Fatalf("2^%d rows, column %d, row %d: %d, want %d", log, j, r, got[j][slot], row)
			}
		}
		total = total.Add(row)
		acc = acc.Add(row).Sub(share)
		if last := got[len(got)-1][slot]; last != acc {
			t.Fatalf("2^%d rows, last column, row %d: %d, want %d", log, r, last, acc)
		}
	}
	if sum != total {
		t.Fatalf("2^%d rows: claimed sum %d, want %d", log, sum, total)
	}
}

func TestRunning(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for log := 1; log <= 10; log++ {
			for fractions := 1; fractions <= 3; fractions++ {
				values, got := make([]m31.Vec, fractions), make([]m31.Vec, fractions)
				for j := range values {
					for range 1 << log {
						values[j] = append(values[j], m31.Elem(rng.Uint32N(m31.P)))
					}
					got[j] = append(got[j], values[j]...)
				}
				checkRunning(t, values, got, air.Running(got))
			}
		}
	})
}

// BenchmarkRunning times one coordinate of two fractions, which it sums up again and
// again.
func BenchmarkRunning(b *testing.B) {
	const n = 1 << 18
	values := []m31.Vec{make(m31.Vec, n), make(m31.Vec, n)}
	for i := range n {
		values[0][i], values[1][i] = m31.Elem(i), m31.Elem(2*i)
	}
	before := []m31.Vec{make(m31.Vec, n), make(m31.Vec, n)}
	impltest.Bench(b, "18", func(b *testing.B) {
		var sum m31.Elem
		for b.Loop() {
			copy(before[0], values[0])
			copy(before[1], values[1])
			sum = air.Running(values)
		}
		checkRunning(b, before, values, sum)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
	})
}
