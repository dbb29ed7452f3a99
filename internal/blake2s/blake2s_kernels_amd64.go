//go:build !purego

package blake2s

import "github.com/bitsage/bitsage/internal/impl"

var (
	avx512 = kernels{16, 32, searchAVX512, start(16), compressAVX512, digestsAVX512, nodesAVX512, splitAVX512}
	avx2   = kernels{8, 8, searchAVX2, start(8), compressAVX2, digestsAVX2, nodesAVX2, splitAVX2}
)

// vector returns the widest kernels in use, or nil.
func vector() *kernels {
	switch {
	case impl.AVX512:
		return &avx512
	case impl.AVX2:
		return &avx2
	}
	return nil
}

// start returns the state of a group before the first block.
func start(lanes int) []uint32 {
	state := make([]uint32, 8*lanes)
	for i := range state {
		state[i] = iv[i/lanes]
	}
	for i := range lanes {
		state[i] ^= param
	}
	return state
}
