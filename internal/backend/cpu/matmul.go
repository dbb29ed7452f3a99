package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// matmulRows is the number of rows of C computed between checks of the context.
const matmulRows = 4

// MatMulInt8 implements backend.Multiplier.
func (Backend) MatMulInt8(ctx context.Context, c []int32, a, b []int8, m, k, n int) error {
	if t := tiled(); t != nil && k > 0 { // kernels make at least one step
		return t.matMul(ctx, c, a, b, m, k, n)
	}
	return matMulGeneric(ctx, c, a, b, m, k, n)
}

// matMulGeneric lets two columns of B share a 64-bit word, so that one
// multiplication serves both: the sums stay below 2^31 in magnitude, and the lower
// one borrows from the upper exactly when it is negative.
func matMulGeneric(ctx context.Context, c []int32, a, b []int8, m, k, n int) error {
	half := (n + 1) / 2
	packed := make([]int64, k*half)
	for r := range k {
		row, dst := b[r*n:(r+1)*n], packed[r*half:(r+1)*half]
		for j, v := range row {
			dst[j/2] += int64(v) << (32 * (j & 1))
		}
	}
	return parallel.For(ctx, m, matmulRows, func(lo, hi int) {
		acc := make([]int64, half)
		for i := lo; i < hi; i++ {
			clear(acc)
			mulRow(acc, a[i*k:(i+1)*k], packed)
			for j := range n {
				v := acc[j/2]
				if j&1 == 1 {
					v = (v - int64(int32(v))) >> 32
				}
				c[i*n+j] = int32(v)
			}
		}
	})
}

// mulRow adds the product of a row of A and the packed B to acc, four rows of B
// at a time to spare accesses to acc.
func mulRow(acc []int64, row []int8, packed []int64) {
	n := len(acc)
	r := 0
	for ; r+4 <= len(row); r += 4 {
		x0, x1, x2, x3 := int64(row[r]), int64(row[r+1]), int64(row[r+2]), int64(row[r+3])
		b := packed[r*n : (r+4)*n]
		b0, b1, b2, b3 := b[:n], b[n:2*n], b[2*n:3*n], b[3*n:4*n]
		for j := range acc {
			acc[j] += x0*b0[j] + x1*b1[j] + x2*b2[j] + x3*b3[j]
		}
	}
	for ; r < len(row); r++ {
		x, b := int64(row[r]), packed[r*n:(r+1)*n]
		for j := range acc {
			acc[j] += x * b[j]
		}
	}
}

// MatMulM31 implements backend.Multiplier.
func (Backend) MatMulM31(ctx context.Context, c, a, b []m31.Elem, m, k, n int) error {
	if ok, err := matMulVector(ctx, c, a, b, m, k, n); ok {
		return err
	}
	return parallel.For(ctx, m, matmulRows, func(lo, hi int) {
		acc := make([]uint64, n)
		for i := lo; i < hi; i++ {
			clear(acc)
			for r, x := range a[i*k : (i+1)*k] {
				row := b[r*n : (r+1)*n]
				for j := range acc {
					// Folded once, a product is below 2^32: k <= 2^32 of them fit.
					p := uint64(x) * uint64(row[j])
					acc[j] += p&m31.P + p>>31
				}
			}
			for j, v := range acc {
				c[i*n+j] = m31.New(v)
			}
		}
	})
}
