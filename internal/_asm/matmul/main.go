// Matmul generates the kernels of exact products of int8 matrices.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	tile("tileVNNI", 512, 12, func(acc, a, b VecVirtual) { VPDPBUSD(a, b, acc) },
		"bytes of b are unsigned, those of a are signed")
	tile("tileAVX2", 256, 6, func(acc, a, b VecVirtual) {
		p := YMM()
		VPMADDWD(a, b, p)
		VPADDD(p, acc, acc)
	}, "words hold two signed numbers of 16 bits")
	Generate()
}

// tile emits a function that multiplies rows of A by two vectors of columns of B.
// Step i of the k steps reads the words a[i*rows:(i+1)*rows] and, for all columns,
// b[i*cols:(i+1)*cols]; add adds the dot products of words to the sums.
func tile(name string, bits, rows int, add func(acc, a, b VecVirtual), what string) {
	TEXT(name, NOSPLIT, "func(dst *int32, a, b *uint32, k int)")
	Pragma("noescape")
	Comment(what)
	vec := func() VecVirtual {
		if bits == 512 {
			return ZMM()
		}
		return YMM()
	}
	size := bits / 8
	dst, a, b, k := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("k"), GP64())
	acc := make([][2]VecVirtual, rows)
	for r := range acc {
		for j := range 2 {
			acc[r][j] = vec()
			if bits == 512 {
				VPXORD(acc[r][j], acc[r][j], acc[r][j])
			} else {
				VPXOR(acc[r][j], acc[r][j], acc[r][j])
			}
		}
	}
	move := func(from, to Op) {
		if bits == 512 {
			VMOVDQU32(from, to)
		} else {
			VMOVDQU(from, to)
		}
	}
	Label("loop")
	var y [2]VecVirtual
	for j := range y {
		y[j] = vec()
		move(Mem{Base: b, Disp: j * size}, y[j])
	}
	for r := range acc {
		x := vec()
		VPBROADCASTD(Mem{Base: a, Disp: 4 * r}, x)
		for j := range y {
			add(acc[r][j], x, y[j])
		}
	}
	ADDQ(U32(uint32(4*rows)), a)
	ADDQ(U32(uint32(2*size)), b)
	DECQ(k)
	JNZ(LabelRef("loop"))
	for r := range acc {
		for j := range 2 {
			move(acc[r][j], Mem{Base: dst, Disp: (2*r + j) * size})
		}
	}
	VZEROUPPER()
	RET()
}
