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
		newQuotientBlock(q, out, lo, hi).run()
	})
	return out, err
}

// quotientBlock computes the rows lo to hi of a quotient column.
type quotientBlock struct {
	*backend.Quotients
	out    m31.SecureVec
	lo     int
	points []circle.Point

	// Scratch.
	den, tmp []m31.CM31
	sum      m31.SecureVec
	acc      []uint64
	columns  [][]m31.Elem
	coeffs   []m31.QM31
	lifted   []m31.Elem
}

func newQuotientBlock(q *backend.Quotients, out m31.SecureVec, lo, hi int) *quotientBlock {
	n := hi - lo
	b := &quotientBlock{Quotients: q, out: out.Slice(lo, hi), lo: lo, points: make([]circle.Point, n),
		den: make([]m31.CM31, n), tmp: make([]m31.CM31, n), sum: m31.NewSecureVec(n), acc: make([]uint64, 8*n)}
	t := circle.TwiddlesOf(q.Log)
	for i := range b.points {
		b.points[i] = t.Point(lo + i)
	}
	return b
}

func (q *quotientBlock) run() {
	for _, b := range q.Batches {
		for i, p := range q.points {
			q.den[i] = b.Denominator(p)
		}
		m31.InvertAllCM31(q.den, q.tmp)
		q.columns, q.coeffs, q.lifted = q.columns[:0], q.coeffs[:0], q.lifted[:0]
		for _, t := range b.Terms {
			q.columns = append(q.columns, q.rows(q.Trees[t.Tree][t.Column]))
			q.coeffs = append(q.coeffs, t.Coeff)
		}
		combine(q.sum, q.columns, q.coeffs, q.acc)
		for i, p := range q.points {
			q.out.Set(i, q.out.At(i).Add(b.Finish(q.sum.At(i), p, q.den[i])))
		}
	}
}

// rows returns the block's rows of a column.
func (q *quotientBlock) rows(col []m31.Elem) []m31.Elem {
	n, shift := len(q.points), q.Log-circle.Log2(len(col))
	if shift == 0 {
		return col[q.lo : q.lo+n]
	}
	from := len(q.lifted)
	for p := q.lo; p < q.lo+n; p++ {
		q.lifted = append(q.lifted, col[circle.LiftIndex(p, shift)])
	}
	return q.lifted[from:]
}
