package blake2s

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Search returns the smallest nonce from start to end-1 that is a proof of work
// and whether there is one.
func Search(pow stark.Pow, start, end uint64) (nonce uint64, ok bool) {
	k := vector()
	if k == nil || pow.Kind == stark.Poseidon252 {
		return searchGeneric(pow, start, end)
	}
	for start < end {
		// The upper word of the nonce is the same in a whole call of the kernel.
		low := uint32(start)
		groups := int(min(end-start, 1<<32-uint64(low)) / uint64(k.searchLanes))
		if groups == 0 {
			stop := start + min(end-start, uint64(k.searchLanes))
			if nonce, ok := searchGeneric(pow, start, stop); ok {
				return nonce, true
			}
			start = stop
			continue
		}
		p := searchParams(&pow, uint32(start>>32))
		i := k.search(&p, low, groups)
		if i < 0 {
			start += uint64(groups * k.searchLanes)
			continue
		}
		// The kernel looks at the first word only.
		start += uint64(i)
		if pow.Check(start) {
			return start, true
		}
		start++
	}
	return 0, false
}

func searchGeneric(pow stark.Pow, start, end uint64) (uint64, bool) {
	for n := start; n < end; n++ {
		if pow.Check(n) {
			return n, true
		}
	}
	return 0, false
}

// searchParams lays out the constants of a search: v after the calls of G in which
// the lower word of the nonce, word 8 of the message, has no part; the message; the
// mask of the digest's first word, and what reduces that word.
func searchParams(pow *stark.Pow, high uint32) (p [32]uint32) {
	v, m := p[:16], p[16:26]
	copy(v, iv[:])
	copy(v[8:], iv[:])
	v[0] ^= param
	v[12] ^= 40 // bytes
	v[14] = ^v[14]
	for i := range 8 {
		m[i] = binary.LittleEndian.Uint32(pow.Seed[4*i:])
	}
	m[9] = high
	for i := range 4 {
		g(v, i, 4+i, 8+i, 12+i, m[2*i], m[2*i+1])
	}
	g(v, 1, 6, 11, 12, 0, 0)
	g(v, 2, 7, 8, 13, 0, 0)
	g(v, 3, 4, 9, 14, 0, 0)
	p[26] = uint32(uint64(1)<<min(max(pow.Bits, 0), 32) - 1)
	p[27] = math.MaxUint32
	if pow.Kind == stark.Blake2sM31 {
		p[27], p[28], p[29] = m31.P, 1, m31.P
	}
	return p
}

// g is the function G of RFC 7693, section 3.1.
func g(v []uint32, a, b, c, d int, x, y uint32) {
	v[a] += v[b] + x
	v[d] = bits.RotateLeft32(v[d]^v[a], -16)
	v[c] += v[d]
	v[b] = bits.RotateLeft32(v[b]^v[c], -12)
	v[a] += v[b] + y
	v[d] = bits.RotateLeft32(v[d]^v[a], -8)
	v[c] += v[d]
	v[b] = bits.RotateLeft32(v[b]^v[c], -7)
}
