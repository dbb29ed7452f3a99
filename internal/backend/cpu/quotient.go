package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Quotients implements backend.Backend.
func (Backend) Quotients(ctx context.Context, dst m31.SecureVec, q *backend.Quotients) error {
	batches := make([]quotientBatch, len(q.Batches))
	for i, b := range q.Batches {
		batches[i] = newQuotientBatch(q, b)
	}
	n := dst.Len()
	scratch := func() *quotientBlock { return newQuotientBlock(q.Log, min(rowBlock, n)) }
	return parallel.With(ctx, n, 8*rowBlock, scratch, func(b *quotientBlock, lo, hi int) {
		for ; lo < hi; lo += rowBlock {
			b.move(dst, lo)
			for i := range batches {
				b.add(&batches[i])
			}
		}
	})
}

// quotientBatch is a batch as sums of products: at a point (x, y) its contribution is
//
//	(sum(coeffs * columns) + slope*y + constant) / (den[0] + den[1]*x + den[2]*y)
type quotientBatch struct {
	columns         [][]m31.Elem
	coeffs          []m31.QM31
	slope, constant m31.QM31
	den             [3]m31.CM31
}

func newQuotientBatch(q *backend.Quotients, b *stark.Batch) quotientBatch {
	out := quotientBatch{slope: b.A.Neg(), constant: b.B.Neg()}
	for _, t := range b.Terms {
		out.columns = append(out.columns, q.Trees[t.Tree][t.Column])
		out.coeffs = append(out.coeffs, b.C.Mul(t.Coeff))
	}
	// The denominator is an affine function: its values at three points tell it.
	at := func(x, y m31.Elem) m31.CM31 { return b.Denominator(circle.Point{X: x, Y: y}) }
	out.den[0] = at(0, 0)
	out.den[1], out.den[2] = at(1, 0).Sub(out.den[0]), at(0, 1).Sub(out.den[0])
	return out
}

// quotientBlock is a range of rows of a quotient column.
type quotientBlock struct {
	log, lo int
	out     m31.SecureVec
	x, y    []m31.Elem // of the rows' points

	// Scratch.
	sum      m31.SecureVec
	den, inv [2]m31.Vec
	norm     m31.Vec
	columns  [][]m31.Elem
	coeffs   []m31.QM31
	lifted   []m31.Elem
}

func newQuotientBlock(log, n int) *quotientBlock {
	buf := make([]m31.Elem, 11*n)
	take := func() m31.Vec {
		v := buf[:n:n]
		buf = buf[n:]
		return v
	}
	b := &quotientBlock{log: log, x: take(), y: take()}
	for i := range b.sum {
		b.sum[i] = take()
	}
	b.den, b.inv, b.norm = [2]m31.Vec{take(), take()}, [2]m31.Vec{take(), take()}, take()
	return b
}

// move takes the block to the rows from lo on.
func (b *quotientBlock) move(out m31.SecureVec, lo int) {
	b.lo, b.out = lo, out.Slice(lo, lo+len(b.x))
	b.out.Fill(m31.QM31{})
	t := circle.TwiddlesOf(b.log)
	for i := range b.x {
		p := t.Point(lo + i)
		b.x[i], b.y[i] = p.X, p.Y
	}
}

// add adds a batch's contribution.
func (b *quotientBlock) add(q *quotientBatch) {
	b.invert(q)
	b.columns, b.coeffs, b.lifted = append(b.columns[:0], b.y), append(b.coeffs[:0], q.slope), b.lifted[:0]
	for _, c := range q.columns {
		b.columns = append(b.columns, b.rows(c))
	}
	b.coeffs = append(b.coeffs, q.coeffs...)
	b.sum.Fill(q.constant)
	b.sum.AddProducts(b.columns, b.coeffs)
	re, im := b.inv[0], b.inv[1]
	for i := 0; i < 4; i += 2 {
		m31.MulAdd(b.out[i], b.sum[i], re, b.out[i])
		m31.SubMul(b.out[i], b.sum[i+1], im, b.out[i])
		m31.MulAdd(b.out[i+1], b.sum[i], im, b.out[i+1])
		m31.MulAdd(b.out[i+1], b.sum[i+1], re, b.out[i+1])
	}
}

// invert computes the inverses of the denominators: conjugates over norms.
func (b *quotientBlock) invert(q *quotientBatch) {
	tmp := b.norm
	for i, d := range b.den {
		k := [3]m31.Elem{q.den[0].A, q.den[1].A, q.den[2].A}
		if i == 1 {
			k = [3]m31.Elem{q.den[0].B, q.den[1].B, q.den[2].B}
		}
		m31.MulConst(d, b.x, k[1])
		m31.MulConst(tmp, b.y, k[2])
		m31.Add(d, d, tmp)
		m31.AddConst(d, d, k[0])
	}
	m31.Mul(b.norm, b.den[0], b.den[0])
	m31.MulAdd(b.norm, b.den[1], b.den[1], b.norm)
	m31.Invert(b.norm, b.inv[0])
	m31.Mul(b.inv[0], b.den[0], b.norm)
	m31.Mul(b.inv[1], b.den[1], b.norm)
	m31.Neg(b.inv[1], b.inv[1])
}

// rows returns the block's rows of a column.
func (b *quotientBlock) rows(col []m31.Elem) []m31.Elem {
	n, shift := len(b.x), b.log-circle.Log2(len(col))
	if shift == 0 {
		return col[b.lo : b.lo+n]
	}
	from := len(b.lifted)
	for p := b.lo; p < b.lo+n; p++ {
		b.lifted = append(b.lifted, col[circle.LiftIndex(p, shift)])
	}
	return b.lifted[from:]
}
