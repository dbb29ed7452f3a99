package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// productRows is the number of rows of a tile of a matrix product.
const productRows = 4

// product emits a function that multiplies four rows of A by a vector of columns of
// B. Each of the steps takes four numbers of every row, a[16*i+4*j+r] being number j
// of row r, and four rows of columns, all next to each other. dst is the sums of the
// rows as reduce takes them: the even columns, then the odd ones.
func product(v isa) {
	TEXT("product"+v.name(), NOSPLIT, "func(dst *uint64, a, b *uint32, steps int)")
	Pragma("noescape")
	dst, a := Load(Param("dst"), GP64()), Load(Param("a"), GP64())
	b, steps := Load(Param("b"), GP64()), Load(Param("steps"), GP64())
	mask := v.mask()
	var acc [productRows][2]VecVirtual
	for r := range acc {
		acc[r] = [2]VecVirtual{v.zero(), v.zero()}
	}
	Label("loop")
	for r := range acc {
		var sum [2]VecVirtual
		for j := range 4 {
			x := v.new()
			VPBROADCASTD(Mem{Base: a, Disp: 4 * (4*j + r)}, x)
			y := v.load(Mem{Base: b, Disp: j * v.bytes()})
			for half := range sum {
				if half == 1 {
					y = v.odd(y)
				}
				p := v.new()
				VPMULUDQ(x, y, p)
				if j == 0 {
					sum[half] = p
				} else {
					VPADDQ(p, sum[half], sum[half])
				}
			}
		}
		for half := range sum {
			v.fold(sum[half], acc[r][half], mask)
		}
	}
	ADDQ(U32(4*4*productRows), a)
	ADDQ(U32(uint32(4*v.bytes())), b)
	DECQ(steps)
	JNZ(LabelRef("loop"))
	for r := range acc {
		for half := range acc[r] {
			v.move(acc[r][half], Mem{Base: dst, Disp: (2*r + half) * v.bytes()})
		}
	}
	VZEROUPPER()
	RET()
}
