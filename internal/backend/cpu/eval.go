package cpu

import (
	"context"
	"sync"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

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
