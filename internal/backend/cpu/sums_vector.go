//go:build amd64 && !purego

package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/impl"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// sumKernels are the kernels of one width of vectors, in 32-bit lanes.
type sumKernels struct {
	lanes   int
	reduce  func(dst *uint32, acc *uint64, stride, groups int)
	dot     func(sums *uint64, x, y, b0, b1, b2, b3 *uint32, n int)
	fold    func(d0, d1, d2, d3, s0, s1, s2, s3, inv *uint32, matrix *[16]uint64, steps int)
	product func(dst *uint64, a, b *uint32, steps int)
}

var (
	sumsAVX512 = sumKernels{16, reduceAVX512, dotAVX512, foldAVX512, productAVX512}
	sumsAVX2   = sumKernels{8, reduceAVX2, dotAVX2, foldAVX2, productAVX2}
)

func sumVectors() *sumKernels {
	switch {
	case impl.AVX512:
		return &sumsAVX512
	case impl.AVX2:
		return &sumsAVX2
	}
	return nil
}

// dotVector does the elements that come in whole pairs of vectors and returns their
// number. Two columns share the loads of b.
func dotVector(sums []m31.QM31, columns [][]m31.Elem, b m31.SecureVec) int {
	v := sumVectors()
	if v == nil || len(columns) == 0 {
		return 0
	}
	steps := len(columns[0]) / (2 * v.lanes)
	if steps == 0 {
		return 0
	}
	n := steps * 2 * v.lanes
	var lanes [8 * 8]uint64
	for i := 0; i < len(columns); i += 2 {
		clear(lanes[:])
		x, y := columns[i][:n], columns[min(i+1, len(columns)-1)][:n]
		v.dot(&lanes[0], (*uint32)(&x[0]), (*uint32)(&y[0]),
			(*uint32)(&b[0][:n][0]), (*uint32)(&b[1][:n][0]), (*uint32)(&b[2][:n][0]), (*uint32)(&b[3][:n][0]), steps)
		half := v.lanes / 2
		for j := range min(2, len(columns)-i) {
			var sum [4]uint64
			for k := range sum {
				for _, s := range lanes[(4*j+k)*half:][:half] {
					sum[k] += uint64(m31.New(s))
				}
			}
			sums[i+j] = sums[i+j].Add(reduced(&sum))
		}
	}
	return n
}

// foldVector folds the pairs that come in whole vectors and returns their number.
func foldVector(dst, src m31.SecureVec, alpha m31.QM31, inv []m31.Elem) int {
	v := sumVectors()
	if v == nil {
		return 0
	}
	per := v.lanes / 2
	steps := len(inv) / per
	if steps == 0 {
		return 0
	}
	n := steps * per
	var matrix [16]uint64 // products of alpha with the units, as columns
	for j, unit := range []m31.QM31{m31.Q(1, 0, 0, 0), m31.Q(0, 1, 0, 0), m31.Q(0, 0, 1, 0), m31.Q(0, 0, 0, 1)} {
		for k, x := range alpha.Mul(unit).Coords() {
			matrix[4*k+j] = uint64(x)
		}
	}
	d := func(k int) *uint32 { return (*uint32)(&dst[k][:n][0]) }
	s := func(k int) *uint32 { return (*uint32)(&src[k][:2*n][0]) }
	v.fold(d(0), d(1), d(2), d(3), s(0), s(1), s(2), s(3), (*uint32)(&inv[0]), &matrix, steps)
	return n
}

// productRows is the number of rows that the kernel product takes.
const productRows = 4

// matMulVector multiplies matrices over the field by tiles of C whose sums stay in
// registers, if there are kernels. Sums of four products are folded to less than 2^34: k can be
// 2^31.
func matMulVector(ctx context.Context, c, a, b []m31.Elem, m, k, n int) (bool, error) {
	v := sumVectors()
	if v == nil || k == 0 { // the kernel makes at least one step
		return false, nil
	}
	steps := (k + 3) / 4
	blocks := (m + productRows - 1) / productRows
	rows := make([]uint32, blocks*steps*4*productRows)
	if err := parallel.For(ctx, m, productRows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			dst := rows[lo*steps*4+i-lo:]
			for r, x := range a[i*k : (i+1)*k] {
				dst[r*productRows] = uint32(x)
			}
		}
	}); err != nil {
		return true, err
	}
	return true, parallel.For(ctx, n, v.lanes, func(lo, hi int) {
		panel := make([]m31.Elem, 4*steps*v.lanes)
		for r := range k {
			copy(panel[r*v.lanes:], b[r*n+lo:r*n+hi])
		}
		var sums [productRows * 16]uint64
		row := make([]m31.Elem, v.lanes)
		for i := 0; i < m && ctx.Err() == nil; i += productRows {
			v.product(&sums[0], &rows[i*steps*4], (*uint32)(&panel[0]), steps)
			for r := range min(productRows, m-i) {
				v.reduce((*uint32)(&row[0]), &sums[r*v.lanes], 0, 1)
				copy(c[(i+r)*n+lo:(i+r)*n+hi], row)
			}
		}
	})
}
