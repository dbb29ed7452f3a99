// Sums generates the kernels that add up products of base field elements: those of
// evaluations at a point, of folding and of matrix products. Products are below 2^62, so that four of them fit a 64-bit lane, and are
// then folded: x mod 2^31 + x >> 31 is congruent to x modulo P and below 2^34.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	for _, bits := range []int{256, 512} {
		reduce(isa{bits})
		dot(isa{bits})
		fold(isa{bits})
		product(isa{bits})
	}
	Generate()
}

// isa is a width of vectors.
type isa struct{ bits int }

func (v isa) name() string { return map[int]string{256: "AVX2", 512: "AVX512"}[v.bits] }
func (v isa) bytes() int   { return v.bits / 8 }

func (v isa) new() VecVirtual {
	if v.bits == 512 {
		return ZMM()
	}
	return YMM()
}

func (v isa) load(m Mem) VecVirtual {
	r := v.new()
	v.move(m, r)
	return r
}

func (v isa) move(from, to Op) {
	if v.bits == 512 {
		VMOVDQU64(from, to)
	} else {
		VMOVDQU(from, to)
	}
}

func (v isa) and(a, b, dst VecVirtual) {
	if v.bits == 512 {
		VPANDQ(a, b, dst)
	} else {
		VPAND(a, b, dst)
	}
}

func (v isa) zero() VecVirtual {
	r := v.new()
	if v.bits == 512 {
		VPXORQ(r, r, r)
	} else {
		VPXOR(r, r, r)
	}
	return r
}

// mask returns P in every 64-bit lane.
func (v isa) mask() VecVirtual {
	t, x, r := GP64(), XMM(), v.new()
	MOVQ(U64(1<<31-1), t)
	VMOVQ(t, x)
	VPBROADCASTQ(x, r)
	return r
}

// fold adds the folded x, which it destroys, to acc.
func (v isa) fold(x, acc, mask VecVirtual) {
	t := v.new()
	v.and(x, mask, t)
	VPSRLQ(U8(31), x, x)
	VPADDQ(t, acc, acc)
	VPADDQ(x, acc, acc)
}

// odd moves the odd 32-bit lanes of a to the even ones.
func (v isa) odd(a VecVirtual) VecVirtual {
	r := v.new()
	VPSRLQ(U8(32), a, r)
	return r
}

// reduce emits a function that reduces groups of sums, all below 2^63, to dst. A group
// is as many sums as a vector has 32-bit lanes, those of even index first; stride is
// the distance of groups in acc in bytes.
func reduce(v isa) {
	TEXT("reduce"+v.name(), NOSPLIT, "func(dst *uint32, acc *uint64, stride, groups int)")
	Pragma("noescape")
	dst, acc := Load(Param("dst"), GP64()), Load(Param("acc"), GP64())
	stride, groups := Load(Param("stride"), GP64()), Load(Param("groups"), GP64())
	mask := v.mask()
	p := v.new() // P in every 32-bit lane
	VPSLLQ(U8(32), mask, p)
	VPADDQ(mask, p, p)
	Label("loop")
	var x [2]VecVirtual
	for half := range x {
		x[half] = v.load(Mem{Base: acc, Disp: half * v.bytes()})
		for range 2 { // below 2^34, then at most P + 8
			t := v.new()
			v.and(x[half], mask, t)
			VPSRLQ(U8(31), x[half], x[half])
			VPADDQ(t, x[half], x[half])
		}
	}
	VPSLLQ(U8(32), x[1], x[1])
	VPADDQ(x[0], x[1], x[1])
	VPSUBD(p, x[1], x[0])
	VPMINUD(x[0], x[1], x[1])
	v.move(x[1], Mem{Base: dst})
	ADDQ(U32(uint32(v.bytes())), dst)
	ADDQ(stride, acc)
	DECQ(groups)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// dot emits a function that adds the products of two columns with a secure vector
// to sums: four coordinates of 64-bit lanes a column. n is the number of steps; each
// takes two vectors of every column.
func dot(v isa) {
	TEXT("dot"+v.name(), NOSPLIT, "func(sums *uint64, x, y, b0, b1, b2, b3 *uint32, n int)")
	Pragma("noescape")
	sums := Load(Param("sums"), GP64())
	var col [2]Register
	col[0], col[1] = Load(Param("x"), GP64()), Load(Param("y"), GP64())
	var basis [4]Register
	for k := range basis {
		basis[k] = Load(Param(fmt.Sprint("b", k)), GP64())
	}
	n := Load(Param("n"), GP64())
	mask := v.mask()
	// On AVX2 the sums stay in memory, which is what its 16 registers allow.
	at := func(c, k int) Mem { return Mem{Base: sums, Disp: (4*c + k) * v.bytes()} }
	var acc [2][4]VecVirtual
	if v.bits == 512 {
		for c := range acc {
			for k := range acc[c] {
				acc[c][k] = v.load(at(c, k))
			}
		}
	}
	Label("loop")
	var x [2][4]VecVirtual // even and odd lanes of two vectors
	for c := range x {
		for i := range 2 {
			x[c][2*i] = v.load(Mem{Base: col[c], Disp: i * v.bytes()})
			x[c][2*i+1] = v.odd(x[c][2*i])
		}
	}
	for k := range basis {
		var sum [2]VecVirtual
		for i := range 2 {
			b := v.load(Mem{Base: basis[k], Disp: i * v.bytes()})
			for half := range 2 {
				if half == 1 {
					VPSRLQ(U8(32), b, b)
				}
				for c := range x {
					p := v.new()
					VPMULUDQ(x[c][2*i+half], b, p)
					if i+half == 0 {
						sum[c] = p
					} else {
						VPADDQ(p, sum[c], sum[c])
					}
				}
			}
		}
		for c := range x {
			if v.bits == 512 {
				v.fold(sum[c], acc[c][k], mask)
				continue
			}
			s := v.load(at(c, k))
			v.fold(sum[c], s, mask)
			v.move(s, at(c, k))
		}
	}
	for _, r := range append(col[:], basis[:]...) {
		ADDQ(U32(uint32(2*v.bytes())), r)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	if v.bits == 512 {
		for c := range acc {
			for k := range acc[c] {
				v.move(acc[c][k], at(c, k))
			}
		}
	}
	VZEROUPPER()
	RET()
}
