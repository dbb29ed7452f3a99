package matmul

import (
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

func BenchmarkInteraction(b *testing.B) {
	s := Shape{M: 1024, K: 1024, N: 1024}
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) [][]m31.Elem {
		cols := s.columns(n)
		for _, c := range cols {
			for i := range c {
				c[i] = m31.Elem(rng.Uint32N(m31.P))
			}
		}
		return cols
	}
	input, result := random(2*W+2), random(W)
	gamma := m31.Q(1, 2, 3, 4)
	var cols [][]m31.Elem
	var err error
	for b.Loop() {
		if cols, err = s.Interaction(gamma, input, result, Sequential); err != nil {
			b.Fatal(err)
		}
	}
	log := s.LogRows()
	var v m31.QM31 // the polynomial of all results, by Horner's rule
	for r := range 1 << log {
		for _, c := range result {
			v = v.Mul(gamma).AddElem(c[circle.RowToStorage(r, log)])
		}
	}
	if got := m31.SecureVec(cols[8:]).At(circle.RowToStorage(1<<log-1, log)); got != v {
		b.Errorf("%v, want %v", got, v)
	}
}
