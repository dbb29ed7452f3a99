//go:build !purego

package circle

import "github.com/bitsage/bitsage/internal/impl"

type pass = func(dst, src *uint32, length int, table *uint32, h int)

var (
	avx512 = kernels{
		leaf:        8,
		forward:     []pass{nil, forward1AVX512, forward2AVX512, forward3AVX512, forward4AVX512},
		inverse:     []pass{nil, inverse1AVX512, inverse2AVX512, inverse3AVX512, inverse4AVX512},
		forwardLeaf: forwardLeafAVX512,
		inverseLeaf: inverseLeafAVX512,
	}
	avx2 = kernels{
		leaf:        6,
		forward:     []pass{nil, forward1AVX2, forward2AVX2, forward3AVX2},
		inverse:     []pass{nil, inverse1AVX2, inverse2AVX2, inverse3AVX2},
		forwardLeaf: forwardLeafAVX2,
		inverseLeaf: inverseLeafAVX2,
	}
)

// kernelsOf returns the kernels for transforms of size 2^k, or nil.
func kernelsOf(k int) *kernels {
	switch {
	case impl.AVX512 && k >= avx512.leaf:
		return &avx512
	case impl.AVX2 && k >= avx2.leaf:
		return &avx2
	}
	return nil
}
