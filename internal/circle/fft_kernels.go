package circle

import "github.com/bitsage/bitsage/internal/m31"

//go:generate go run -C ../_asm ./fft -out ../circle/fft_amd64.s -stubs ../circle/fft_amd64.go -pkg circle

// kernels are the building blocks of transforms for one set of instructions. A
// transform goes over a block in passes of several layers with a large distance, and
// then treats the parts into which they split it one after the other, down to
// leaves: once a part fits a cache, all that follows happens there. Elements are
// reduced before and after every pass.
type kernels struct {
	leaf int // log2 of the elements of a leaf
	// forward[n] and inverse[n] run n layers over 2^n rows of length elements each,
	// from src to dst, which may be the same.
	forward, inverse []func(dst, src *uint32, length int, table *uint32, h int)
	// The others run all layers of count neighbouring leaves; h is the place of the
	// first one's highest factor. The inverse multiplies by 2^shift.
	forwardLeaf func(dst, src *uint32, table *uint32, h, count int)
	inverseLeaf func(dst, src *uint32, table *uint32, h, count, shift int)
}

func (f *kernels) interpolate(dst, values []m31.Elem) {
	k := Log2(len(values))
	h := factorsOf(k - 1)
	// 2^-k = 2^(31-k)
	f.inverseBlock(dst, values, h.inverse2, 1, LogOrder-k)
}

// evaluate writes the slots from first on of a domain of size 2^log.
func (f *kernels) evaluate(dst, coeffs []m31.Elem, log, first int) {
	n := len(coeffs)
	h, at := factorsOf(log-1), (1<<log+first)/n
	// The layers above the coefficients copy them. Where they lie in dst, their block
	// comes last.
	blocks, own := len(dst)/n, -1
	for i := range blocks {
		part := dst[i*n:][:n]
		if &part[0] == &coeffs[0] {
			own = i
			continue
		}
		f.forwardBlock(part, coeffs, h.x2, at+i)
	}
	if own >= 0 {
		f.forwardBlock(coeffs, coeffs, h.x2, at+own)
	}
}

// layers returns how many layers the pass over a block of size 2^k has.
func (f *kernels) layers(k int) int { return min(k-f.leaf, len(f.forward)-1) }

// forwardBlock transforms the block whose highest factor is at place h.
func (f *kernels) forwardBlock(dst, src []m31.Elem, table []uint32, h int) {
	k := Log2(len(dst))
	if k == f.leaf {
		f.forwardLeaf((*uint32)(&dst[0]), (*uint32)(&src[0]), &table[0], h, 1)
		return
	}
	r := f.layers(k)
	n := len(dst) >> r
	f.forward[r]((*uint32)(&dst[0]), (*uint32)(&src[0]), n, &table[0], h)
	if k-r == f.leaf {
		f.forwardLeaf((*uint32)(&dst[0]), (*uint32)(&dst[0]), &table[0], h<<r, 1<<r)
		return
	}
	for i := range 1 << r {
		part := dst[i*n:][:n]
		f.forwardBlock(part, part, table, h<<r+i)
	}
}

// inverseBlock undoes forwardBlock and multiplies by 2^shift and the block's length.
func (f *kernels) inverseBlock(dst, src []m31.Elem, table []uint32, h, shift int) {
	k := Log2(len(dst))
	if k == f.leaf {
		f.inverseLeaf((*uint32)(&dst[0]), (*uint32)(&src[0]), &table[0], h, 1, shift)
		return
	}
	r := f.layers(k)
	n := len(dst) >> r
	if k-r == f.leaf {
		f.inverseLeaf((*uint32)(&dst[0]), (*uint32)(&src[0]), &table[0], h<<r, 1<<r, shift)
	} else {
		for i := range 1 << r {
			f.inverseBlock(dst[i*n:][:n], src[i*n:][:n], table, h<<r+i, shift)
		}
	}
	f.inverse[r]((*uint32)(&dst[0]), (*uint32)(&dst[0]), n, &table[0], h)
}
