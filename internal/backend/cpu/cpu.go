// Package cpu is the backend that runs on the processor's cores, in plain Go.
package cpu

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Backend implements [backend.Backend]. The zero value is ready to use.
type Backend struct{}

var _ backend.Backend = Backend{}

// Name returns "cpu".
func (Backend) Name() string { return "cpu" }

// rowBlock is the number of rows handled at a time where work goes by rows: a
// few dozen lanes of it fit the first-level cache.
const rowBlock = 512

// Interpolate implements backend.Backend. Columns run in parallel.
func (Backend) Interpolate(ctx context.Context, columns [][]m31.Elem) error {
	return parallel.For(ctx, len(columns), 1, func(lo, _ int) {
		v := columns[lo]
		k := circle.Log2(len(v))
		t := circle.TwiddlesOf(k)
		for l := 0; l < k && ctx.Err() == nil; l++ {
			circle.InverseLayer(v, t.Inverse[l], l)
		}
		circle.Scale(v, m31.New(uint64(len(v))).Inv())
	})
}

// Evaluate implements backend.Backend. Columns run in parallel.
func (Backend) Evaluate(ctx context.Context, dst, coeffs [][]m31.Elem) error {
	return parallel.For(ctx, len(coeffs), 1, func(i, _ int) {
		v := dst[i]
		t := circle.TwiddlesOf(circle.Log2(len(v)))
		for l := circle.ExtendCoefficients(v, coeffs[i]) - 1; l >= 0 && ctx.Err() == nil; l-- {
			circle.ForwardLayer(v, t.Layer[l], l)
		}
	})
}

// Merkle implements backend.Backend.
func (Backend) Merkle(ctx context.Context, h stark.Hasher, columns [][]m31.Elem, logHeight int) ([][]stark.Hash, error) {
	logs := make([]int, len(columns))
	for i, c := range columns {
		logs[i] = circle.Log2(len(c))
	}
	order := stark.SizeOrder(logs)
	n := len(columns)
	leaves := make([]stark.Hash, 1<<logHeight)
	err := parallel.For(ctx, len(leaves), 64, func(lo, hi int) {
		// Transpose a block of rows, one column at a time.
		rows := make([]m31.Elem, n*(hi-lo))
		for i, c := range order {
			col, shift := columns[c], logHeight-logs[c]
			for p := lo; p < hi; p++ {
				q := p
				if shift > 0 {
					q = circle.LiftIndex(p, shift)
				}
				rows[(p-lo)*n+i] = col[q]
			}
		}
		for p := lo; p < hi; p++ {
			leaves[p] = h.Leaf(rows[(p-lo)*n : (p-lo+1)*n])
		}
	})
	if err != nil {
		return nil, err
	}
	return merkleLayers(ctx, h, leaves)
}

// MerklePacked implements backend.Backend.
func (Backend) MerklePacked(ctx context.Context, h stark.Hasher, column m31.SecureVec, packing int) ([][]stark.Hash, error) {
	per := 1 << packing
	leaves := make([]stark.Hash, column.Len()/per)
	err := parallel.For(ctx, len(leaves), 1024, func(lo, hi int) {
		row := make([]m31.Elem, 4*per)
		for j := lo; j < hi; j++ {
			for k := range per {
				for c := range 4 {
					row[4*k+c] = column[c][j*per+k]
				}
			}
			leaves[j] = h.Leaf(row)
		}
	})
	if err != nil {
		return nil, err
	}
	return merkleLayers(ctx, h, leaves)
}

func merkleLayers(ctx context.Context, h stark.Hasher, leaves []stark.Hash) ([][]stark.Hash, error) {
	k := circle.Log2(len(leaves))
	layers := make([][]stark.Hash, k+1)
	layers[k] = leaves
	for l := k - 1; l >= 0; l-- {
		below, layer := layers[l+1], make([]stark.Hash, 1<<l)
		err := parallel.For(ctx, len(layer), 1024, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				layer[i] = h.Node(&below[2*i], &below[2*i+1])
			}
		})
		if err != nil {
			return nil, err
		}
		layers[l] = layer
	}
	return layers, nil
}

// EvalAt implements backend.Backend. The basis of a point and size is computed
// once and shared by all polynomials.
func (Backend) EvalAt(ctx context.Context, polys []backend.Poly) ([]m31.QM31, error) {
	type key struct {
		p circle.SecurePoint
		k int
	}
	bases := make(map[key]func() []m31.QM31)
	of := func(p backend.Poly) key { return key{p.Point, circle.Log2(len(p.Coeffs))} }
	for _, p := range polys {
		if k := of(p); bases[k] == nil {
			bases[k] = sync.OnceValue(func() []m31.QM31 { return circle.Basis(k.p, k.k) })
		}
	}
	out := make([]m31.QM31, len(polys))
	err := parallel.For(ctx, len(polys), 1, func(i, _ int) {
		out[i] = circle.Dot(polys[i].Coeffs, bases[of(polys[i])]())
	})
	return out, err
}

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

// FoldCircle implements backend.Backend.
func (Backend) FoldCircle(ctx context.Context, column m31.SecureVec, alpha m31.QM31) (m31.SecureVec, error) {
	t := circle.TwiddlesOf(circle.Log2(column.Len()))
	return fold(ctx, column, alpha, t.Inverse[0])
}

// FoldLine implements backend.Backend.
func (Backend) FoldLine(ctx context.Context, column m31.SecureVec, alpha m31.QM31) (m31.SecureVec, error) {
	_, inv := circle.LineTwiddlesOf(circle.Log2(column.Len()))
	return fold(ctx, column, alpha, inv)
}

func fold(ctx context.Context, v m31.SecureVec, alpha m31.QM31, inv []m31.Elem) (m31.SecureVec, error) {
	out := m31.NewSecureVec(v.Len() / 2)
	err := parallel.For(ctx, out.Len(), 4*rowBlock, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out.Set(i, stark.FoldPair(v.At(2*i), v.At(2*i+1), alpha, inv[i]))
		}
	})
	return out, err
}

// Grind implements backend.Backend. Ranges of nonces are claimed in order and
// every worker stops at the first range beyond the best solution so far, so that
// no smaller nonce is left untried.
func (Backend) Grind(ctx context.Context, check func(uint64) bool) (uint64, error) {
	const chunk = 1 << 10
	var next, best atomic.Uint64
	best.Store(math.MaxUint64)
	workers := runtime.GOMAXPROCS(0)
	err := parallel.For(ctx, workers, 1, func(int, int) {
		for ctx.Err() == nil {
			lo := next.Add(chunk) - chunk
			if lo > best.Load() {
				return
			}
			for n := lo; n < lo+chunk; n++ {
				if check(n) {
					lowerTo(&best, n)
					return
				}
			}
		}
	})
	return best.Load(), err
}

func lowerTo(a *atomic.Uint64, v uint64) {
	for old := a.Load(); v < old && !a.CompareAndSwap(old, v); old = a.Load() {
	}
}
