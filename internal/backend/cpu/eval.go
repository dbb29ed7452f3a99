package cpu

import (
	"context"
	"sync"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// evalLog is the logarithm of the coefficients that are summed up at a time. The
// basis of that size stays in the second-level cache.
const evalLog = 11

// EvalAt implements backend.Backend. The basis polynomials of index h*2^k+l are
// products of one of index l and one of index h*2^k: coefficients are cut into pieces
// that are combined with the same small basis, and the results with a large one.
// Evaluations are cut into pieces with weights of their own.
func (Backend) EvalAt(ctx context.Context, polys []backend.Poly) ([]m31.QM31, error) {
	groups := make(map[evalKey]*evalGroup)
	var order []*evalGroup
	for i, p := range polys {
		k, column := evalKey{p.Point, circle.Log2(len(p.Coeffs)), false}, p.Coeffs
		if p.Values != nil {
			k, column = evalKey{p.Point, circle.Log2(len(p.Values)), true}, p.Values
		}
		g := groups[k]
		if g == nil {
			g = newEvalGroup(k)
			groups[k] = g
			order = append(order, g)
		}
		g.members, g.columns = append(g.members, i), append(g.columns, column)
	}
	out := make([]m31.QM31, len(polys))
	for _, g := range order {
		if err := g.run(ctx, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// evalKey is what polynomials have in common that are evaluated together.
type evalKey struct {
	point  circle.SecurePoint
	log    int
	values bool
}

type evalGroup struct {
	evalKey
	members []int // places in the result
	columns [][]m31.Elem
	low     m31.SecureVec // values of the first basis polynomials
	high    []m31.QM31    // of every 2^evalLog-th one
}

func newEvalGroup(k evalKey) *evalGroup {
	g := &evalGroup{evalKey: k}
	if k.values {
		return g
	}
	low, high := circle.SplitBasis(k.point, k.log, min(k.log, evalLog))
	g.low, g.high = m31.NewSecureVec(len(low)), high
	for i, x := range low {
		g.low.Set(i, x)
	}
	return g
}

// run evaluates piece by piece: the pieces of all polynomials together, for the sake
// of the basis.
func (g *evalGroup) run(ctx context.Context, out []m31.QM31) error {
	n := 1 << min(g.log, evalLog)
	count := 1 << g.log / n
	var mu sync.Mutex
	return parallel.With(ctx, count, 1+count/64, func() *evalScratch { return g.newScratch(n) }, func(s *evalScratch, lo, hi int) {
		clear(s.total)
		for h := lo; h < hi; h++ {
			for j, c := range g.columns {
				s.pieces[j] = c[h*n : (h+1)*n]
			}
			if g.values {
				circle.Weights(s.factors, s.scratch, g.point, g.log, h*n)
			}
			clear(s.sums)
			dot(s.sums, s.pieces, s.factors)
			for j, x := range s.sums {
				if !g.values {
					x = x.Mul(g.high[h])
				}
				s.total[j] = s.total[j].Add(x)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for j, i := range g.members {
			out[i] = out[i].Add(s.total[j])
		}
	})
}

// evalScratch is the working memory of one goroutine.
type evalScratch struct {
	sums, total []m31.QM31 // of a piece and of all, by polynomial
	pieces      [][]m31.Elem
	factors     m31.SecureVec
	scratch     m31.SecureVec
}

func (g *evalGroup) newScratch(n int) *evalScratch {
	members := len(g.members)
	s := &evalScratch{sums: make([]m31.QM31, members), total: make([]m31.QM31, members), pieces: make([][]m31.Elem, members), factors: g.low}
	if g.values {
		s.factors, s.scratch = m31.NewSecureVec(n), m31.NewSecureVec(n)
	}
	return s
}
