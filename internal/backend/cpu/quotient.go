package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// Quotients implements backend.Backend.
func (Backend) Quotients(ctx context.Context, q *backend.Quotients) (m31.SecureVec, error) {
	out := m31.NewSecureVec(1 << q.Log)
	err := parallel.For(ctx, out.Len(), rowBlock, func(lo, hi int) {
		quotientBlock(q, out, lo, hi)
	})
	return out, err
}

// quotientBlock computes the rows lo to hi of the quotient column.
func quotientBlock(q *backend.Quotients, out m31.SecureVec, lo, hi int) {
	n := hi - lo
	points := make([]circle.Point, n)
	t := circle.TwiddlesOf(q.Log)
	for i := range points {
		points[i] = t.Point(lo + i)
	}
	den, scratch := make([]m31.CM31, n), make([]m31.CM31, n)
	acc := make([][4]uint64, n)
	for _, b := range q.Batches {
		for i, p := range points {
			den[i] = b.Denominator(p)
		}
		m31.InvertAllCM31(den, scratch)
		clear(acc)
		for _, t := range b.Terms {
			col := q.Trees[t.Tree][t.Column]
			shift := q.Log - circle.Log2(len(col))
			c := [4]uint64{uint64(t.Coeff.A.A), uint64(t.Coeff.A.B), uint64(t.Coeff.B.A), uint64(t.Coeff.B.B)}
			for i := range acc {
				p := lo + i
				if shift > 0 {
					p = circle.LiftIndex(p, shift)
				}
				accumulate(&acc[i], uint64(col[p]), &c)
			}
		}
		for i, p := range points {
			s := m31.Q(m31.New(acc[i][0]), m31.New(acc[i][1]), m31.New(acc[i][2]), m31.New(acc[i][3]))
			out.Set(lo+i, out.At(lo+i).Add(b.Finish(s, p, den[i])))
		}
	}
}

// accumulate adds e*c to the lazily reduced acc: a folded product is below 2^32,
// so that 2^32 of them fit.
func accumulate(acc *[4]uint64, e uint64, c *[4]uint64) {
	for j := range acc {
		p := e * c[j]
		acc[j] += p&m31.P + p>>31
	}
}
