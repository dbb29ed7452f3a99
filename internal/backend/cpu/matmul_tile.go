package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/parallel"
)

//go:generate go run -C ../../_asm ./matmul -out ../backend/cpu/matmul_amd64.s -stubs ../backend/cpu/matmul_amd64.go -pkg cpu

// tile multiplies matrices by tiles of C whose sums stay in registers. Both factors
// are laid out in words of 32 bits that hold neighbours along k.
type tile struct {
	rows, cols int
	bytes      bool // words hold four bytes, those of B with 128 added; else two numbers of 16 bits
	mul        func(dst *int32, a, b *uint32, k int)
}

// maxTile bounds the entries of a tile.
const maxTile = 12 * 32

func (t *tile) matMul(ctx context.Context, c []int32, a, b []int8, m, k, n int) error {
	blocks, panels, words := (m+t.rows-1)/t.rows, (n+t.cols-1)/t.cols, t.words(k)
	rows, sums := make([]uint32, blocks*words*t.rows), make([]int32, m)
	if err := parallel.For(ctx, blocks, 1, func(i, _ int) {
		t.packRows(rows[i*words*t.rows:], sums, a, i*t.rows, k)
	}); err != nil {
		return err
	}
	return parallel.For(ctx, panels, 1, func(p, _ int) {
		first := p * t.cols
		width := min(t.cols, n-first)
		panel := make([]uint32, words*t.cols)
		t.packColumns(panel, b, first, width, k, n)
		var dst [maxTile]int32
		for i := 0; i < blocks && ctx.Err() == nil; i++ {
			t.mul(&dst[0], &rows[i*words*t.rows], &panel[0], words)
			for r := i * t.rows; r < min((i+1)*t.rows, m); r++ {
				out, sum := c[r*n+first:][:width], sums[r]
				for j, v := range dst[(r-i*t.rows)*t.cols:][:width] {
					out[j] = v - sum
				}
			}
		}
	})
}

// group is how many numbers a word holds.
func (t *tile) group() int {
	if t.bytes {
		return 4
	}
	return 2
}

// words is how many words k numbers take.
func (t *tile) words(k int) int { return (k + t.group() - 1) / t.group() }

// shift is the distance in bits of the numbers in a word.
func (t *tile) shift() int { return 32 / t.group() }

// packRows lays out the rows of A that a tile needs, and writes what the 128 added
// to B adds to their products.
func (t *tile) packRows(dst []uint32, sums []int32, a []int8, first, k int) {
	g, bits := t.group(), t.shift()
	mask := uint32(1)<<bits - 1
	for r := range min(t.rows, len(sums)-first) {
		var sum int32
		for i, v := range a[(first+r)*k : (first+r+1)*k] {
			dst[i/g*t.rows+r] |= uint32(v) & mask << (i % g * bits)
			sum += int32(v)
		}
		if t.bytes {
			sums[first+r] = sum << 7
		}
	}
}

// packColumns lays out columns of B.
func (t *tile) packColumns(dst []uint32, b []int8, first, width, k, n int) {
	g, bits := t.group(), t.shift()
	mask := uint32(1)<<bits - 1
	for i := range k {
		word := dst[i/g*t.cols:][:width]
		for j, v := range b[i*n+first:][:width] {
			word[j] |= uint32(v) & mask << (i % g * bits)
		}
	}
	if t.bytes {
		for i := range dst {
			dst[i] ^= 0x80808080
		}
	}
}
