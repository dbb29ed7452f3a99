package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// FoldCircle implements backend.Backend.
func (Backend) FoldCircle(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error {
	t := circle.TwiddlesOf(circle.Log2(column.Len()))
	return fold(ctx, dst, column, alpha, t.Inverse[0])
}

// FoldLine implements backend.Backend.
func (Backend) FoldLine(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error {
	_, inv := circle.LineTwiddlesOf(circle.Log2(column.Len()))
	return fold(ctx, dst, column, alpha, inv)
}

func fold(ctx context.Context, dst, v m31.SecureVec, alpha m31.QM31, inv []m31.Elem) error {
	return parallel.For(ctx, dst.Len(), 16*rowBlock, func(lo, hi int) {
		for i := lo + foldVector(dst.Slice(lo, hi), v.Slice(2*lo, 2*hi), alpha, inv[lo:hi]); i < hi; i++ {
			dst.Set(i, stark.FoldPair(v.At(2*i), v.At(2*i+1), alpha, inv[i]))
		}
	})
}
