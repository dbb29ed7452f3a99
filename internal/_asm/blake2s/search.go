package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The block of parameters of a search, in words.
const (
	searchState = 0  // 16 words of v after the calls of G that do not depend on the nonce
	searchMsg   = 16 // 10 words of the message; word 8, the nonce, is unused
	searchMask  = 26 // bits of the first word of the digest that must be zero
	searchKeep  = 27 // the first word w becomes s = w&keep + w>>31&carry, then the
	searchCarry = 28 // smaller of s and s-p: the residue modulo p, or w itself
	searchP     = 29
)

const searchDoc = "func(p *[32]uint32, nonce uint32, groups int) int"

// word returns word i of the parameters at p.
func word(p Register, i int) Mem { return Mem{Base: p, Disp: 4 * i} }

// tries emits the compression of a search. Calls of G in the first round that do
// not depend on the nonce, word 8, are left out, and so are those of the last round
// that the first word of the digest does not depend on.
func (s *state) tries() {
	s.skip = func(g [4]int) bool { return g[0] != 0 }
	s.quarter(diagonals, sigma[0][8:])
	s.skip = nil
	for r := 1; r < 9; r++ {
		s.round(r)
	}
	s.quarter(columns, sigma[9][:8])
	s.skip = func(g [4]int) bool { return g[0] == 1 || g[0] == 3 }
	s.quarter(diagonals, sigma[9][8:])
}

func search512() {
	TEXT("searchAVX512", NOSPLIT, searchDoc)
	Pragma("noescape")
	Doc("searchAVX512 tries 32 nonces a group and returns the index of the first good one, or -1.")
	p, n := Load(Param("p"), GP64()), Load(Param("groups"), GP64())
	first := Load(Param("nonce"), GP32())
	s, at := newTwins(), vectors(64, 3) // the nonces of both states, and their step
	VPBROADCASTD(first, zmm[0])
	VPADDD(lanes, zmm[0], zmm[0])
	VMOVDQA32(zmm[0], at(0))
	t := GP32()
	MOVL(U32(16), t)
	VPBROADCASTD(t, zmm[1])
	VPADDD(zmm[0], zmm[1], zmm[0])
	VMOVDQA32(zmm[0], at(1))
	VPADDD(zmm[1], zmm[1], zmm[1])
	VMOVDQA32(zmm[1], at(2))
	for k, s := range s.both() {
		s.add = func(i int, v VecPhysical) {
			switch {
			case i == 8:
				VPADDD(at(k), v, v)
			case i < 10:
				VPADDD_BCST(word(p, searchMsg+i), v, v)
			}
		}
	}
	index, found, high := GP64(), GP32(), GP32()
	XORQ(index, index)
	Label("loop")
	for _, s := range s.both() {
		for i := range s.v {
			VPBROADCASTD(word(p, searchState+i), s.v[i])
		}
	}
	s.tries()
	for i, s := range s.both() {
		h, c := s.v[0], s.v[1]
		VPTERNLOGD_BCST(U8(0x96), starts, s.v[8], h)
		VPSRLD(U8(31), h, c)
		VPANDD_BCST(word(p, searchCarry), c, c)
		VPANDD_BCST(word(p, searchKeep), h, h)
		VPADDD(c, h, h)
		VPSUBD_BCST(word(p, searchP), h, c)
		VPMINUD(c, h, h)
		VPBROADCASTD(word(p, searchMask), c)
		k := K()
		VPTESTNMD(c, h, k)
		KMOVW(k, []GPVirtual{found, high}[i])
	}
	SHLL(U8(16), high)
	ORL(high, found)
	JNZ(LabelRef("found"))
	for k := range 2 {
		VMOVDQA32(at(2), zmm[0])
		VPADDD(at(k), zmm[0], zmm[0])
		VMOVDQA32(zmm[0], at(k))
	}
	ADDQ(U8(32), index)
	DECQ(n)
	JNZ(LabelRef("loop"))
	MOVQ(I32(-1), index)
	JMP(LabelRef("end"))
	Label("found")
	BSFL(found, found)
	ADDQ(found.As64(), index)
	Label("end")
	VZEROUPPER()
	Store(index, ReturnIndex(0))
	RET()
}

func search256() {
	TEXT("searchAVX2", NOSPLIT, searchDoc)
	Pragma("noescape")
	Doc("searchAVX2 tries 8 nonces a group and returns the index of the first good one, or -1.")
	p, n := Load(Param("p"), GP64()), Load(Param("groups"), GP64())
	first := Load(Param("nonce"), GP32())
	at := vectors(32, 4+10)
	s := newState(256, at)
	m := func(i int) Mem { return at(4 + i) }
	t := s.tmp
	for i := range 10 {
		if i != 8 {
			VPBROADCASTD(word(p, searchMsg+i), t[0])
			VMOVDQU(t[0], m(i))
		}
	}
	VMOVD(first, t[0].AsX())
	VPBROADCASTD(t[0].AsX(), t[0])
	VPADDD(lanes, t[0], t[0])
	VMOVDQU(t[0], m(8))
	s.add = func(i int, v VecPhysical) {
		if i < 10 {
			VPADDD(m(i), v, v)
		}
	}
	index, found := GP64(), GP32()
	XORQ(index, index)
	Label("loop")
	for i := range s.v {
		s.broadcast(word(p, searchState+i), i)
	}
	s.tries()
	VPBROADCASTD(starts, t[0])
	VPXOR(t[0], s.v[0], s.v[0])
	VPXOR(s.spill(8), s.v[0], s.v[0])
	VPSRLD(U8(31), s.v[0], t[0])
	for i, w := range []int{searchCarry, searchKeep, searchP} {
		VPBROADCASTD(word(p, w), t[1+i])
	}
	VPAND(t[1], t[0], t[0])
	VPAND(t[2], s.v[0], s.v[0])
	VPADDD(t[0], s.v[0], s.v[0])
	VPSUBD(t[3], s.v[0], t[0])
	VPMINUD(t[0], s.v[0], s.v[0])
	VPBROADCASTD(word(p, searchMask), t[1])
	VPAND(t[1], s.v[0], s.v[0])
	VPXOR(t[2], t[2], t[2])
	VPCMPEQD(t[2], s.v[0], s.v[0])
	VMOVMSKPS(s.v[0], found)
	TESTL(found, found)
	JNZ(LabelRef("found"))
	MOVL(U32(8), found)
	VMOVD(found, t[0].AsX())
	VPBROADCASTD(t[0].AsX(), t[0])
	VPADDD(m(8), t[0], t[0])
	VMOVDQU(t[0], m(8))
	ADDQ(U8(8), index)
	DECQ(n)
	JNZ(LabelRef("loop"))
	MOVQ(I32(-1), index)
	JMP(LabelRef("end"))
	Label("found")
	BSFL(found, found)
	ADDQ(found.As64(), index)
	Label("end")
	VZEROUPPER()
	Store(index, ReturnIndex(0))
	RET()
}
