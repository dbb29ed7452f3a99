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
// products of one of index l and one of index h*2^k: polynomials are cut into pieces
// that are evaluated with the same small basis, and the results combined with a
// large one.
func (Backend) EvalAt(ctx context.Context, polys []backend.Poly) ([]m31.QM31, error) {
	groups := make(map[evalKey]*evalGroup)
	var order []*evalGroup
	for i, p := range polys {
		k := evalKey{p.Point, circle.Log2(len(p.Coeffs))}
		if groups[k] == nil {
			groups[k] = newEvalGroup(k)
			order = append(order, groups[k])
		}
		groups[k].members = append(groups[k].members, i)
	}
	out := make([]m31.QM31, len(polys))
	for _, g := range order {
		if err := g.run(ctx, polys, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// evalKey is what polynomials have in common that are evaluated together.
type evalKey struct {
	point circle.SecurePoint
	log   int
}

type evalGroup struct {
	members []int
	low     m31.SecureVec // values of the first basis polynomials
	high    []m31.QM31    // of every 2^evalLog-th one
}

func newEvalGroup(k evalKey) *evalGroup {
	low, high := circle.SplitBasis(k.point, k.log, min(k.log, evalLog))
	g := &evalGroup{low: m31.NewSecureVec(len(low)), high: high}
	for i, x := range low {
		g.low.Set(i, x)
	}
	return g
}

// run evaluates piece by piece: the pieces of all polynomials together, for the sake
// of the basis.
func (g *evalGroup) run(ctx context.Context, polys []backend.Poly, out []m31.QM31) error {
	n := g.low.Len()
	var mu sync.Mutex
	return parallel.For(ctx, len(g.high), 1+len(g.high)/64, func(lo, hi int) {
		sums, total := make([]m31.QM31, len(g.members)), make([]m31.QM31, len(g.members))
		pieces := make([][]m31.Elem, len(g.members))
		for h := lo; h < hi; h++ {
			for j, i := range g.members {
				pieces[j] = polys[i].Coeffs[h*n : (h+1)*n]
			}
			clear(sums)
			dot(sums, pieces, g.low)
			for j, s := range sums {
				total[j] = total[j].Add(s.Mul(g.high[h]))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for j, i := range g.members {
			out[i] = out[i].Add(total[j])
		}
	})
}
