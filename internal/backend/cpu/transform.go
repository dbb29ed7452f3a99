package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// columnWork is how many elements a goroutine transforms at a time, at least: a few ten
// microseconds' work.
const columnWork = 1 << 14

// columns calls f for each of the columns dst, in parallel.
func columns(ctx context.Context, dst [][]m31.Elem, f func(i int)) error {
	longest := 1
	for _, d := range dst {
		longest = max(longest, len(d))
	}
	return parallel.For(ctx, len(dst), columnWork/longest, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			f(i)
		}
	})
}

// Interpolate implements backend.Backend. Columns run in parallel.
func (Backend) Interpolate(ctx context.Context, dst, values [][]m31.Elem) error {
	return columns(ctx, dst, func(i int) { circle.Interpolate(dst[i], values[i]) })
}

// Evaluate implements backend.Backend. Columns run in parallel.
func (Backend) Evaluate(ctx context.Context, dst, coeffs [][]m31.Elem) error {
	return columns(ctx, dst, func(i int) { circle.Evaluate(dst[i], coeffs[i]) })
}

// Extend implements backend.Backend. Columns run in parallel.
func (Backend) Extend(ctx context.Context, dst, values [][]m31.Elem, part backend.Part) error {
	return columns(ctx, dst, func(i int) {
		circle.ExtendPart(dst[i], values[i], circle.Log2(len(dst[i]))+part.Log, part.Index*len(dst[i]))
	})
}
