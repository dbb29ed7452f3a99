package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// Interpolate implements backend.Backend. Columns run in parallel.
func (Backend) Interpolate(ctx context.Context, dst, values [][]m31.Elem) error {
	return parallel.For(ctx, len(values), 1, func(i, _ int) { circle.Interpolate(dst[i], values[i]) })
}

// Evaluate implements backend.Backend. Columns run in parallel.
func (Backend) Evaluate(ctx context.Context, dst, coeffs [][]m31.Elem) error {
	return parallel.For(ctx, len(coeffs), 1, func(i, _ int) { circle.Evaluate(dst[i], coeffs[i]) })
}

// Extend implements backend.Backend. Columns run in parallel.
func (Backend) Extend(ctx context.Context, dst, values [][]m31.Elem) error {
	return parallel.For(ctx, len(values), 1, func(i, _ int) { circle.Extend(dst[i], values[i]) })
}
