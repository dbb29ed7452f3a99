// Package field emits arithmetic in the Mersenne prime field, P = 2^31 - 1, on
// vectors of 32-bit lanes. Lanes hold values from 0 to P-1; so do all results.
package field

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// ISA emits code for vectors of one width. Make one per function: it holds
// constants in registers.
type ISA struct {
	Bits        int // 256 for AVX2, 512 for AVX-512
	p           VecVirtual
	evens, odds OpmaskVirtual // AVX-512 only
}

// New emits the constants that the other methods use.
func New(bits int) *ISA {
	v := &ISA{Bits: bits}
	t := GP32()
	MOVL(U32(0x7fffffff), t)
	v.p = v.Broadcast(t)
	if bits == 512 {
		k := GP32()
		MOVL(U32(0x5555), k)
		v.evens = K()
		KMOVW(k, v.evens)
		MOVL(U32(0xaaaa), k)
		v.odds = K()
		KMOVW(k, v.odds)
	}
	return v
}

// Name returns the suffix of function names.
func (v *ISA) Name() string {
	if v.Bits == 512 {
		return "AVX512"
	}
	return "AVX2"
}

// Lanes returns the number of lanes.
func (v *ISA) Lanes() int { return v.Bits / 32 }

// Bytes returns the size of a vector.
func (v *ISA) Bytes() int { return v.Bits / 8 }

// New returns a fresh register.
func (v *ISA) New() VecVirtual {
	if v.Bits == 512 {
		return ZMM()
	}
	return YMM()
}

// P returns the register that holds P in every lane.
func (v *ISA) P() VecVirtual { return v.p }

// Broadcast copies a 32-bit register to all lanes.
func (v *ISA) Broadcast(t GPVirtual) VecVirtual {
	r := v.New()
	if v.Bits == 512 {
		VPBROADCASTD(t, r)
		return r
	}
	x := XMM()
	VMOVD(t, x)
	VPBROADCASTD(x, r)
	return r
}

// Load reads a vector, which need not be aligned.
func (v *ISA) Load(m Mem) VecVirtual {
	r := v.New()
	if v.Bits == 512 {
		VMOVDQU32(m, r)
	} else {
		VMOVDQU(m, r)
	}
	return r
}

// Store writes a vector, which need not be aligned.
func (v *ISA) Store(r VecVirtual, m Mem) {
	if v.Bits == 512 {
		VMOVDQU32(r, m)
	} else {
		VMOVDQU(r, m)
	}
}

// Reduce returns s or s - P, whichever is in range, for s up to 2P - 1.
func (v *ISA) Reduce(s VecVirtual) VecVirtual {
	t := v.New()
	VPSUBD(v.p, s, t)
	VPMINUD(s, t, s)
	return s
}

// Add returns a + b.
func (v *ISA) Add(a, b VecVirtual) VecVirtual {
	s := v.New()
	VPADDD(a, b, s)
	return v.Reduce(s)
}

// Sub returns a - b.
func (v *ISA) Sub(a, b VecVirtual) VecVirtual {
	s, t := v.New(), v.New()
	VPSUBD(b, a, s)
	VPADDD(v.p, s, t)
	VPMINUD(s, t, s)
	return s
}

// Odds moves the odd lanes of a to the even ones.
func (v *ISA) Odds(a VecVirtual) VecVirtual {
	r := v.New()
	VMOVSHDUP(a, r)
	return r
}

// Mul returns a * b.
func (v *ISA) Mul(a, b VecVirtual) VecVirtual {
	a2, ao := v.New(), v.New()
	VPADDD(a, a, a2)
	VPSRLQ(U8(31), a, ao) // the odd lanes of 2a, in even places
	return v.MulDoubled(b, a2, ao)
}

// MulDoubled returns b * t, given the doubles of t: even holds those of the even
// lanes in even lanes, odd those of the odd lanes in even lanes. Where all lanes of
// t are equal, both are the same register.
func (v *ISA) MulDoubled(b, even, odd VecVirtual) VecVirtual {
	pe, po := v.New(), v.New()
	VPMULUDQ(even, b, pe)
	VPMULUDQ(odd, v.Odds(b), po)
	return v.merge(pe, po)
}

// merge reduces products of doubled factors: 2ab = hi*2^32 + 2*lo, and
// ab = hi*2^31 + lo, which is hi + lo modulo P.
func (v *ISA) merge(pe, po VecVirtual) VecVirtual {
	hi := v.New()
	if v.Bits == 512 {
		VMOVDQA64(po, hi)
		VMOVSHDUP(pe, v.evens, hi)
		VMOVSLDUP(po, v.odds, pe)
		VPSRLD(U8(1), pe, pe)
		return v.Add(pe, hi)
	}
	lo, t := v.New(), v.New()
	VMOVSHDUP(pe, t)
	VPBLENDD(U8(0xaa), po, t, hi)
	VMOVSLDUP(po, t)
	VPBLENDD(U8(0xaa), t, pe, lo)
	VPSRLD(U8(1), lo, lo)
	return v.Add(lo, hi)
}

// Alternate returns the even lanes of a and the odd lanes of b.
func (v *ISA) Alternate(a, b VecVirtual) VecVirtual {
	r := v.New()
	if v.Bits == 512 {
		VPBLENDMD(b, a, v.odds, r)
	} else {
		VPBLENDD(U8(0xaa), b, a, r)
	}
	return r
}
