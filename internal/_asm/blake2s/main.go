// Blake2s generates compressions of Blake2s on 16 lanes with AVX-512 and on 8 with
// AVX2: every register holds one word of as many states.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

var iv = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

// param is the first word of the parameter block: one digest of 32 bytes, no key.
const param = 0x01010020

// start returns word i of the state before the first block.
func start(i int) uint32 {
	if i == 0 {
		return iv[0] ^ param
	}
	return iv[i]
}

var sigma = [10][16]int{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}

var (
	columns   = [4][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}}
	diagonals = [4][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}}
)

// state is where a function keeps the 16 words v of a compression and where its
// message is. Words 8 to 11 lie in memory with AVX2, whose 16 registers would
// leave none to work with.
type state struct {
	bits  int
	v     [16]VecPhysical
	tmp   [4]VecPhysical             // AVX2 only
	spill func(i int) Mem            // AVX2 only: where word i is
	add   func(i int, v VecPhysical) // adds word i of the message to v
	skip  func(g [4]int) bool        // leaves calls of G out
	twin  *state                     // AVX-512 only: 16 lanes more, worked on in between
}

// half is one half of G with the given words of the message, for all calls of a half
// round, step by step, so that neighbouring instructions do not wait for each other.
func (s *state) half(calls [][4]int, words []int, r1, r2 int) {
	each := func(f func(s *state, j int, g [4]int)) {
		for _, t := range s.both() {
			for j, g := range calls {
				f(t, j, g)
			}
		}
	}
	each(func(s *state, j int, g [4]int) { s.add(words[j], s.v[g[0]]) })
	each(func(s *state, j int, g [4]int) { VPADDD(s.v[g[1]], s.v[g[0]], s.v[g[0]]) })
	each(func(s *state, j int, g [4]int) { s.xor(s.v[g[0]], s.v[g[3]]) })
	each(func(s *state, j int, g [4]int) { s.rotate(r1, s.v[g[3]], nil) })
	if s.bits == 512 {
		each(func(s *state, j int, g [4]int) { VPADDD(s.v[g[3]], s.v[g[2]], s.v[g[2]]) })
		each(func(s *state, j int, g [4]int) { s.xor(s.v[g[2]], s.v[g[1]]) })
	} else {
		each(func(s *state, j int, g [4]int) { VPADDD(s.spill(g[2]), s.v[g[3]], s.tmp[j]) })
		each(func(s *state, j int, g [4]int) { VMOVDQU(s.tmp[j], s.spill(g[2])) })
		each(func(s *state, j int, g [4]int) { s.xor(s.tmp[j], s.v[g[1]]) })
	}
	each(func(s *state, j int, g [4]int) { s.rotate(r2, s.v[g[1]], s.tmp[j]) })
}

func (s *state) xor(a, b VecPhysical) {
	if s.bits == 512 {
		VPXORD(a, b, b)
	} else {
		VPXOR(a, b, b)
	}
}

func (s *state) rotate(n int, x, tmp VecPhysical) {
	switch {
	case s.bits == 512:
		VPRORD(U8(n), x, x)
	case n == 16 || n == 8:
		VPSHUFB(rotation(n), x, x)
	default:
		VPSRLD(U8(n), x, tmp)
		VPSLLD(U8(32-n), x, x)
		VPOR(tmp, x, x)
	}
}

// quarter is a half round: G on the columns or on the diagonals of v.
func (s *state) quarter(gs [4][4]int, words []int) {
	var calls [][4]int
	var first, second []int
	for j, g := range gs {
		if s.skip == nil || !s.skip(g) {
			calls, first, second = append(calls, g), append(first, words[2*j]), append(second, words[2*j+1])
		}
	}
	s.half(calls, first, 16, 12)
	s.half(calls, second, 8, 7)
}

func (s *state) round(r int) {
	s.quarter(columns, sigma[r][:8])
	s.quarter(diagonals, sigma[r][8:])
}

var (
	zmm = [32]VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31}
	ymm = [16]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
)

// newState gives v its registers: Z0 to Z15, or Y0 to Y11 and the first four
// vectors in memory at at.
func newState(bits int, at func(i int) Mem) *state {
	s := &state{bits: bits}
	if bits == 512 {
		copy(s.v[:], zmm[:16])
		return s
	}
	copy(s.v[:8], ymm[:8])
	copy(s.v[12:], ymm[8:12])
	copy(s.tmp[:], ymm[12:])
	s.spill = func(i int) Mem { return at(i - 8) }
	return s
}

// broadcast sets word i of v to a word in memory, in all lanes.
func (s *state) broadcast(m Mem, i int) {
	if s.v[i] != nil {
		VPBROADCASTD(m, s.v[i])
		return
	}
	VPBROADCASTD(m, s.tmp[0])
	VMOVDQU(s.tmp[0], s.spill(i))
}

// newTwins returns the states of 32 lanes, whose words fill all registers. One state
// alone leaves the processor waiting for results, but also room for its message.
func newTwins() *state {
	s := newState(512, nil)
	s.twin = &state{bits: 512}
	copy(s.twin.v[:], zmm[16:])
	return s
}

// both returns a state and its twin.
func (s *state) both() []*state {
	if s.twin == nil {
		return []*state{s}
	}
	return []*state{s, s.twin}
}

// vectors reserves n vectors of the given number of bytes on the stack, aligned.
func vectors(size, n int) func(i int) Mem {
	frame, base := AllocLocal(size*(n+1)), GP64()
	LEAQ(frame.Offset(size-1), base)
	ANDQ(I32(int32(-size)), base)
	return func(i int) Mem { return Mem{Base: base, Disp: size * i} }
}

// Constants in memory.
var (
	rotate16, rotate8 Mem // operands of VPSHUFB that rotate words to the right
	lanes             Mem // 0, 1, ..., 15
	starts            Mem // the state before the first block
	ivs, nodeTails    Mem // v[8:] before the number of bytes and the flag, and for nodes
	pairsLow          Mem // the operands of VPERMI2Q that pair the lower and the
	pairsHigh         Mem // upper blocks of two vectors
	evens, odds       Mem // the operands of VPERMI2D that take every second word
)

func rotation(n int) Mem {
	if n == 16 {
		return rotate16
	}
	return rotate8
}

// declare puts words into memory.
func declare(name string, n int, word func(i int) uint32) Mem {
	m := GLOBL(name, attr.RODATA|attr.NOPTR)
	for i := range n {
		DATA(4*i, U32(word(i)))
	}
	return m
}

func main() {
	ConstraintExpr("!purego")
	rotate16 = declare("rotate16", 8, func(i int) uint32 { return 0x01000302 + uint32(i%4)*0x04040404 })
	rotate8 = declare("rotate8", 8, func(i int) uint32 { return 0x00030201 + uint32(i%4)*0x04040404 })
	lanes = declare("lanes", 16, func(i int) uint32 { return uint32(i) })
	starts = declare("starts", 8, start)
	ivs = declare("ivs", 8, func(i int) uint32 { return iv[i] })
	nodeTails = declare("nodeTails", 8, func(i int) uint32 {
		switch i {
		case 4:
			return iv[i] ^ 64 // bytes
		case 6:
			return ^iv[i]
		}
		return iv[i]
	})
	pairs := func(first int) func(i int) uint32 {
		return func(i int) uint32 {
			q := i / 2 // lane of 64 bits
			return uint32(1-i%2) * uint32(2*(first+q/4)+q%2+q/2%2*8)
		}
	}
	pairsLow = declare("pairsLow", 16, pairs(0))
	pairsHigh = declare("pairsHigh", 16, pairs(2))
	evens = declare("evens", 16, func(i int) uint32 { return uint32(2 * i) })
	odds = declare("odds", 16, func(i int) uint32 { return uint32(2*i + 1) })
	search512()
	search256()
	compress512()
	compress256()
	digests(512, "digestsAVX512")
	digests(256, "digestsAVX2")
	nodes512()
	nodes256()
	split("splitAVX512", 512)
	split("splitAVX2", 256)
	Generate()
}
