package cpu

import (
	"fmt"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

var benchConfig = stark.Config{LogBlowup: 1, Queries: 1, FoldStep: 1}

// BenchmarkConstraints times the constraints of wide Fibonacci.
func BenchmarkConstraints(b *testing.B) {
	for _, log := range []int{16, 18} {
		impltest.Bench(b, fmt.Sprint(log), func(b *testing.B) {
			a, err := airtest.WideFib(stark.Blake2s, benchConfig, log, benchColumns, false)
			if err != nil {
				b.Fatal(err)
			}
			prog, err := a.Compile(0, nil, a.Components[0].Constraints)
			if err != nil {
				b.Fatal(err)
			}
			trace := randomColumns(benchColumns, log+1)
			c := &backend.Constraints{Program: prog, LogSize: log}
			for _, in := range prog.Inputs {
				c.Columns = append(c.Columns, trace[in.Column])
			}
			for i := range a.Components[0].Constraints {
				c.Coeffs = append(c.Coeffs, m31.Q(1, 2, 3, m31.Elem(i)))
			}
			runs := 0
			c.Acc = m31.NewSecureVec(2 << log)
			for b.Loop() {
				if err := (Backend{}).Constraints(b.Context(), c); err != nil {
					b.Fatal(err)
				}
				runs++
			}
			perCell(b, log+1)
			const row = 5
			var sum m31.QM31
			for i, k := range c.Coeffs {
				x, y, z := trace[i][row], trace[i+1][row], trace[i+2][row]
				sum = sum.Add(k.MulElem(z.Sub(x.Square().Add(y.Square()))))
			}
			sum = sum.MulElem(vanishingInverses(log)[0]).MulElem(m31.New(uint64(runs)))
			if c.Acc.At(row) != sum {
				b.Error("not the sum of the constraints")
			}
		})
	}
}

// BenchmarkFractions times the fractions of a component that looks three pairs up in
// every row: one of two entries and one of one.
func BenchmarkFractions(b *testing.B) {
	const log = 18
	a, err := airtest.LogUp(stark.Blake2s, benchConfig, log, log)
	if err != nil {
		b.Fatal(err)
	}
	var outputs []int
	for _, f := range a.Components[0].LogUp.Batches {
		outputs = append(outputs, f.Num, f.Den)
	}
	z, alpha := m31.Q(1, 2, 3, 4), m31.Q(5, 6, 7, 8)
	prog, err := a.Compile(0, air.Symbols{"z": z, "alpha": alpha}, outputs)
	if err != nil {
		b.Fatal(err)
	}
	columns := randomColumns(6, log)
	f := &backend.Fractions{Program: prog, LogSize: log, Pairs: len(outputs) / 2}
	for _, in := range prog.Inputs {
		f.Columns = append(f.Columns, columns[in.Column])
	}
	impltest.Bench(b, fmt.Sprint(log), func(b *testing.B) {
		var out []m31.SecureVec
		for b.Loop() {
			if out, err = (Backend{}).Fractions(b.Context(), f); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(f.Pairs<<log), "ns/fraction")
		den := alpha.MulElem(columns[5][9]).AddElem(columns[4][9]).Sub(z)
		if out[1].At(9) != den.Inv() {
			b.Error("not the fraction")
		}
	})
}
