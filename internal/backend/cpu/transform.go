package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

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
