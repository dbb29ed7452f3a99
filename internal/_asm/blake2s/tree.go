package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	compressDoc = "func(state, from *uint32, step int, msg *[16]*uint32, groups int, bytes, final uint32)"
	digestsDoc  = "func(dst *byte, state *uint32, groups int, reduced bool)"
	nodesDoc    = "func(dst, src *byte, groups int, reduced bool)"
	prefetch    = 512 // bytes ahead of the message
)

// broadcastTail sets v[8:] for a block after which the given number of bytes has
// been hashed; final is all ones for the last block of a message, else zero.
func (s *state) broadcastTail(bytes, final Register) {
	for i := range 8 {
		switch {
		case i == 4 || i == 6:
			t := GP32()
			MOVL(U32(iv[i]), t)
			if i == 4 {
				XORL(bytes, t)
			} else {
				XORL(final, t)
			}
			s.broadcastRegister(t, s.v[8+i])
		default:
			s.broadcast(ivs.Offset(4*i), 8+i)
		}
	}
}

func (s *state) broadcastRegister(t GPVirtual, v VecPhysical) {
	if s.bits == 512 {
		VPBROADCASTD(t, v)
		return
	}
	VMOVD(t, v.AsX())
	VPBROADCASTD(v.AsX(), v)
}

// compress512 runs one block of 16 messages a group. Word i of the state of a group
// is the vector i of the group's eight; the state before is read at from, which
// advances by step bytes a group; word i of the message lies at msg[i], which advances
// by a vector a group.
func compress512() {
	TEXT("compressAVX512", NOSPLIT, compressDoc)
	Pragma("noescape")
	h, from, step := Load(Param("state"), GP64()), Load(Param("from"), GP64()), Load(Param("step"), GP64())
	msg, n := Load(Param("msg"), GP64()), Load(Param("groups"), GP64())
	bytes, final := Load(Param("bytes"), GP32()), Load(Param("final"), GP32())
	s := newState(512, nil)
	m := s.readRegisters()
	off := GP64()
	XORQ(off, off)
	Label("loop")
	for i := range m {
		p := GP64()
		MOVQ(Mem{Base: msg, Disp: 8 * i}, p)
		VMOVDQU32(Mem{Base: p, Index: off, Scale: 1}, m[i])
		PREFETCHT0(Mem{Base: p, Index: off, Scale: 1, Disp: prefetch})
	}
	for i := range 8 {
		VMOVDQU32(Mem{Base: from, Disp: 64 * i}, s.v[i])
	}
	s.broadcastTail(bytes, final)
	for r := range 10 {
		s.round(r)
	}
	for i := range 8 {
		VPTERNLOGD(U8(0x96), Mem{Base: from, Disp: 64 * i}, s.v[8+i], s.v[i])
		VMOVDQU32(s.v[i], Mem{Base: h, Disp: 64 * i})
	}
	ADDQ(U32(512), h)
	ADDQ(step, from)
	ADDQ(U8(64), off)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// readRegisters keeps the message in Z16 to Z31.
func (s *state) readRegisters() []VecPhysical {
	m := zmm[16:]
	s.add = func(i int, v VecPhysical) { VPADDD(m[i], v, v) }
	return m
}

// compress256 is compress512 on 8 lanes.
func compress256() {
	TEXT("compressAVX2", NOSPLIT, compressDoc)
	Pragma("noescape")
	h, from, step := Load(Param("state"), GP64()), Load(Param("from"), GP64()), Load(Param("step"), GP64())
	msg, n := Load(Param("msg"), GP64()), Load(Param("groups"), GP64())
	bytes, final := Load(Param("bytes"), GP32()), Load(Param("final"), GP32())
	at := vectors(32, 4+16)
	s := newState(256, at)
	m := func(i int) Mem { return at(4 + i) }
	s.add = func(i int, v VecPhysical) { VPADDD(m(i), v, v) }
	off := GP64()
	XORQ(off, off)
	Label("loop")
	for i := range 16 {
		p := GP64()
		MOVQ(Mem{Base: msg, Disp: 8 * i}, p)
		VMOVDQU(Mem{Base: p, Index: off, Scale: 1}, s.tmp[i%4])
		PREFETCHT0(Mem{Base: p, Index: off, Scale: 1, Disp: prefetch})
		VMOVDQA(s.tmp[i%4], m(i))
	}
	for i := range 8 {
		VMOVDQU(Mem{Base: from, Disp: 32 * i}, s.v[i])
	}
	s.broadcastTail(bytes, final)
	for r := range 10 {
		s.round(r)
	}
	for i := range 8 {
		s.xorHalf(i)
		VPXOR(Mem{Base: from, Disp: 32 * i}, s.v[i], s.v[i])
		VMOVDQU(s.v[i], Mem{Base: h, Disp: 32 * i})
	}
	ADDQ(U32(256), h)
	ADDQ(step, from)
	ADDQ(U8(32), off)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// xorHalf adds v[i+8] to v[i]. AVX2 only.
func (s *state) xorHalf(i int) {
	if s.v[8+i] == nil {
		VPXOR(s.spill(8+i), s.v[i], s.v[i])
	} else {
		VPXOR(s.v[8+i], s.v[i], s.v[i])
	}
}

// reduce takes the words of v[:8] modulo p, unless the function's parameter says
// not to. It changes v[12] and v[13].
func (s *state) reduce() {
	reduced := Load(Param("reduced"), GP8())
	TESTB(reduced, reduced)
	JZ(LabelRef("reduced"))
	c, p, t := GP32(), s.v[12], s.v[13]
	MOVL(U32(0x7fffffff), c)
	s.broadcastRegister(c, p)
	for _, w := range s.v[:8] {
		// A word is hi*2^31 + lo, and lo + hi is at most p + 1.
		VPSRLD(U8(31), w, t)
		if s.bits == 512 {
			VPANDD(p, w, w)
		} else {
			VPAND(p, w, w)
		}
		VPADDD(t, w, w)
		VPSUBD(p, w, t)
		VPMINUD(t, w, w)
	}
	Label("reduced")
}

// quads transposes the 4x4 blocks of words of four vectors, in place, each block in
// its 128 bits.
func quads(x []VecPhysical, t []VecPhysical) {
	VPUNPCKLDQ(x[1], x[0], t[0])
	VPUNPCKHDQ(x[1], x[0], t[1])
	VPUNPCKLDQ(x[3], x[2], t[2])
	VPUNPCKHDQ(x[3], x[2], t[3])
	VPUNPCKLQDQ(t[2], t[0], x[0])
	VPUNPCKHQDQ(t[2], t[0], x[1])
	VPUNPCKLQDQ(t[3], t[1], x[2])
	VPUNPCKHQDQ(t[3], t[1], x[3])
}

// storeDigests512 stores v[:8] as 16 digests. It changes all registers of v.
func (s *state) storeDigests512(dst Register) {
	lo, hi, t := s.v[8], s.v[9], s.v[10:14]
	VMOVDQU64(pairsLow, lo)
	VMOVDQU64(pairsHigh, hi)
	quads(s.v[0:4], t)
	quads(s.v[4:8], t)
	for j := range 4 {
		// Block b of v[j] and of v[4+j] are the halves of digest 4b + j.
		a, b := t[0], t[1]
		VMOVDQA64(lo, a)
		VPERMI2Q(s.v[4+j], s.v[j], a)
		VMOVDQA64(hi, b)
		VPERMI2Q(s.v[4+j], s.v[j], b)
		row := func(b int) Mem { return Mem{Base: dst, Disp: 32 * (4*b + j)} }
		VMOVDQU64(a.AsY(), row(0))
		VEXTRACTI64X4(U8(1), a, row(1))
		VMOVDQU64(b.AsY(), row(2))
		VEXTRACTI64X4(U8(1), b, row(3))
	}
}

// storeDigests256 stores v[:8] as 8 digests. It changes all other registers.
func (s *state) storeDigests256(dst Register) {
	t := ymm[12:]
	quads(s.v[0:4], t)
	quads(s.v[4:8], t)
	for j := range 4 {
		row := func(b int) Mem { return Mem{Base: dst, Disp: 32 * (4*b + j)} }
		VPERM2I128(U8(0x20), s.v[4+j], s.v[j], t[0])
		VPERM2I128(U8(0x31), s.v[4+j], s.v[j], t[1])
		VMOVDQU(t[0], row(0))
		VMOVDQU(t[1], row(1))
	}
}

// digests emits the conversion of states to digests.
func digests(bits int, name string) {
	TEXT(name, NOSPLIT, digestsDoc)
	Pragma("noescape")
	dst, h, n := Load(Param("dst"), GP64()), Load(Param("state"), GP64()), Load(Param("groups"), GP64())
	s := newState(bits, nil)
	Label("loop")
	for i := range 8 {
		if bits == 512 {
			VMOVDQU32(Mem{Base: h, Disp: 64 * i}, s.v[i])
		} else {
			VMOVDQU(Mem{Base: h, Disp: 32 * i}, s.v[i])
		}
	}
	s.reduce()
	if bits == 512 {
		s.storeDigests512(dst)
	} else {
		s.storeDigests256(dst)
	}
	ADDQ(U32(uint32(bits)), h)
	ADDQ(U32(uint32(bits)), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// nodes512 hashes 16 nodes a group from twice as many digests.
func nodes512() {
	TEXT("nodesAVX512", NOSPLIT, nodesDoc)
	Pragma("noescape")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("groups"), GP64())
	s := newState(512, nil)
	// The message of node i is vector i of the group; word 4b + j of all messages
	// ends up in m[4*b+j].
	m, t := s.readRegisters(), zmm[:16]
	Label("loop")
	for i := range m {
		VMOVDQU32(Mem{Base: src, Disp: 64 * i}, m[i])
		PREFETCHT0(Mem{Base: src, Disp: 1024 + 64*i})
	}
	for i := 0; i < 16; i += 4 {
		quads(m[i:i+4], t[i:i+4])
	}
	// Block b of m[4*a+j] is word 4b + j of the messages 4a to 4a + 3: transpose
	// blocks over a.
	const even, odd = 0x88, 0xdd
	for j := range 4 {
		x := [4]VecPhysical{m[j], m[4+j], m[8+j], m[12+j]}
		VSHUFI32X4(U8(even), x[1], x[0], t[0])
		VSHUFI32X4(U8(even), x[3], x[2], t[1])
		VSHUFI32X4(U8(odd), x[1], x[0], t[2])
		VSHUFI32X4(U8(odd), x[3], x[2], t[3])
		VSHUFI32X4(U8(even), t[1], t[0], x[0])
		VSHUFI32X4(U8(even), t[3], t[2], x[1])
		VSHUFI32X4(U8(odd), t[1], t[0], x[2])
		VSHUFI32X4(U8(odd), t[3], t[2], x[3])
	}
	for i := range 8 {
		s.broadcast(starts.Offset(4*i), i)
		s.broadcast(nodeTails.Offset(4*i), 8+i)
	}
	for r := range 10 {
		s.round(r)
	}
	for i := range 8 {
		VPTERNLOGD_BCST(U8(0x96), starts.Offset(4*i), s.v[8+i], s.v[i])
	}
	s.reduce()
	s.storeDigests512(dst)
	ADDQ(U32(1024), src)
	ADDQ(U32(512), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// nodes256 is nodes512 on 8 lanes.
func nodes256() {
	TEXT("nodesAVX2", NOSPLIT, nodesDoc)
	Pragma("noescape")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("groups"), GP64())
	at := vectors(32, 4+16)
	s := newState(256, at)
	m := func(i int) Mem { return at(4 + i) }
	s.add = func(i int, v VecPhysical) { VPADDD(m(i), v, v) }
	Label("loop")
	for half := range 2 {
		x, t := ymm[:8], ymm[8:]
		for i := range x {
			VMOVDQU(Mem{Base: src, Disp: 64*i + 32*half}, x[i])
		}
		quads(x[:4], t)
		quads(x[4:], t)
		for j := range 4 {
			VPERM2I128(U8(0x20), x[4+j], x[j], t[0])
			VPERM2I128(U8(0x31), x[4+j], x[j], t[1])
			VMOVDQA(t[0], m(8*half+j))
			VMOVDQA(t[1], m(8*half+4+j))
		}
	}
	for i := range 8 {
		s.broadcast(starts.Offset(4*i), i)
		s.broadcast(nodeTails.Offset(4*i), 8+i)
	}
	for r := range 10 {
		s.round(r)
	}
	for i := range 8 {
		s.xorHalf(i)
		VPBROADCASTD(starts.Offset(4*i), s.tmp[i%4])
		VPXOR(s.tmp[i%4], s.v[i], s.v[i])
	}
	s.reduce()
	s.storeDigests256(dst)
	ADDQ(U32(512), src)
	ADDQ(U32(256), dst)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// split emits the separation of words with even and with odd indices.
func split(name string, bits int) {
	TEXT(name, NOSPLIT, "func(even, odd, src *uint32, vectors int)")
	Pragma("noescape")
	even, odd, src := Load(Param("even"), GP64()), Load(Param("odd"), GP64()), Load(Param("src"), GP64())
	n := Load(Param("vectors"), GP64())
	step := bits / 8
	Label("loop")
	if bits == 512 {
		for i, dst := range []Register{even, odd} {
			t := zmm[i]
			VMOVDQU32(Mem{Base: src}, zmm[2])
			VMOVDQU32([]Mem{evens, odds}[i], t)
			VPERMI2D(Mem{Base: src, Disp: step}, zmm[2], t)
			VMOVDQU32(t, Mem{Base: dst})
		}
	} else {
		VMOVDQU(Mem{Base: src}, ymm[0])
		for i, dst := range []Register{even, odd} {
			// The quarters of the result are in the order 0, 2, 1, 3.
			VSHUFPS(U8(0x88+0x55*i), Mem{Base: src, Disp: step}, ymm[0], ymm[1])
			VPERMQ(U8(0xd8), ymm[1], ymm[1])
			VMOVDQU(ymm[1], Mem{Base: dst})
		}
	}
	ADDQ(U32(uint32(2*step)), src)
	ADDQ(U32(uint32(step)), even)
	ADDQ(U32(uint32(step)), odd)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
