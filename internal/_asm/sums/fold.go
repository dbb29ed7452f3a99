package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// fold emits a function that folds neighbours a, b of a secure column to
// (a + b) + alpha*(a - b)*inv. matrix holds the products of alpha with the units,
// row by row: the first coordinates of all four, and so on. A step makes as many
// results as a vector has 64-bit lanes.
func fold(v isa) {
	TEXT("fold"+v.name(), NOSPLIT, "func(d0, d1, d2, d3, s0, s1, s2, s3, inv *uint32, matrix *[16]uint64, steps int)")
	Pragma("noescape")
	var dst, src [4]Register
	for k := range dst {
		dst[k], src[k] = Load(Param(fmt.Sprint("d", k)), GP64()), Load(Param(fmt.Sprint("s", k)), GP64())
	}
	inv, matrix, steps := Load(Param("inv"), GP64()), Load(Param("matrix"), GP64()), Load(Param("steps"), GP64())
	mask := v.mask()
	factor := func(k, j int) VecVirtual {
		r := v.new()
		VPBROADCASTQ(Mem{Base: matrix, Disp: 8 * (4*k + j)}, r)
		return r
	}
	var held [4][4]VecVirtual
	var narrow VecVirtual
	if v.bits == 512 {
		for k := range held {
			for j := range held[k] {
				held[k][j] = factor(k, j)
			}
		}
	} else {
		narrow = YMM()
		VMOVDQU(evens(), narrow)
	}
	Label("loop")
	t := v.new()
	VPMOVZXDQ(Mem{Base: inv}, t)
	var sum, diff [4]VecVirtual
	for k := range src {
		a := v.load(Mem{Base: src[k]})
		b := v.odd(a)
		// Only even 32-bit lanes count: a + b - (odd lanes) and a - b + P.
		sum[k], diff[k] = v.new(), v.new()
		VPSLLQ(U8(32), a, a)
		VPSRLQ(U8(32), a, a)
		VPADDQ(a, b, sum[k])
		VPADDQ(mask, a, diff[k])
		VPSUBQ(b, diff[k], diff[k])
		VPMULUDQ(t, diff[k], diff[k]) // below 2^63
		v.canonical(diff[k], mask)
	}
	for k := range dst {
		for j := range diff { // four products and a sum below 2^32 stay below 2^64
			f := held[k][j]
			if v.bits == 256 {
				f = factor(k, j)
			}
			p := v.new()
			VPMULUDQ(diff[j], f, p)
			VPADDQ(p, sum[k], sum[k])
		}
		v.canonical(sum[k], mask)
		at := Mem{Base: dst[k]}
		if v.bits == 512 {
			VPMOVQD(sum[k], at)
		} else {
			VPERMD(sum[k], narrow, sum[k])
			VMOVDQU(sum[k].AsX(), at)
		}
		ADDQ(U32(uint32(v.bytes()/2)), dst[k])
		ADDQ(U32(uint32(v.bytes())), src[k])
	}
	ADDQ(U32(uint32(v.bytes()/2)), inv)
	DECQ(steps)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// canonical reduces 64-bit lanes.
func (v isa) canonical(x, mask VecVirtual) {
	t := v.new()
	for range 2 { // below 2^34, then at most P + 8
		v.and(x, mask, t)
		VPSRLQ(U8(31), x, x)
		VPADDQ(t, x, x)
	}
	VPSUBD(mask, x, t)
	VPMINUD(t, x, x)
}

// evens is the permutation that moves the even 32-bit lanes to the front.
func evens() Mem {
	m := GLOBL("evens", RODATA|NOPTR)
	for i, l := range []uint32{0, 2, 4, 6, 1, 3, 5, 7} {
		DATA(4*i, U32(l))
	}
	return m
}
