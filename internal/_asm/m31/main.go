// M31 generates the kernels on vectors of elements of M31 and of QM31. Their
// operands may be P as well as 0; results are canonical if operands are.
package main

import (
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/bitsage/bitsage/internal/_asm/field"
)

func main() {
	ConstraintExpr("!purego")
	for _, bits := range []int{256, 512} {
		kernels(bits)
	}
	Generate()
}

func kernels(bits int) {
	lanes := func(name, args string, f func(v *field.ISA, x []VecVirtual, k VecVirtual) VecVirtual) {
		laneKernel(bits, name, args, f)
	}
	type vecs = []VecVirtual
	lanes("add", "a b", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual { return v.Add(x[0], x[1]) })
	lanes("sub", "a b", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual { return v.Sub(x[0], x[1]) })
	lanes("mul", "a b", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual { return v.Mul(x[0], x[1]) })
	lanes("mulAdd", "a b c", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual { return v.Add(v.Mul(x[0], x[1]), x[2]) })
	lanes("subMul", "a b c", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual { return v.Sub(x[2], v.Mul(x[0], x[1])) })
	lanes("neg", "a", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual {
		d := v.New() // P - a, which is P for 0
		VPSUBD(x[0], v.P(), d)
		return v.Reduce(d)
	})
	lanes("addConst", "a k", func(v *field.ISA, x vecs, k VecVirtual) VecVirtual { return v.Add(x[0], k) })
	lanes("mulConst", "a k", func(v *field.ISA, x vecs, k VecVirtual) VecVirtual { return v.MulDoubled(x[0], k, k) })
	lanes("alternate", "a b", func(v *field.ISA, x vecs, _ VecVirtual) VecVirtual { return v.Alternate(x[0], x[1]) })
	secureMul(bits)
	addProducts(bits)
}

// laneKernel emits a function over n vectors. args names the operands; k is a
// constant, of which f gets the double in all lanes.
func laneKernel(bits int, name, args string, f func(v *field.ISA, x []VecVirtual, k VecVirtual) VecVirtual) {
	suffix := map[int]string{256: "AVX2", 512: "AVX512"}[bits]
	columns := strings.Fields(args)
	constant := columns[len(columns)-1] == "k"
	sig := "dst, " + strings.Join(columns, ", ") + " *uint32, n int"
	if constant {
		columns = columns[:len(columns)-1]
		sig = "dst, " + strings.Join(columns, ", ") + " *uint32, k uint32, n int"
	}
	TEXT(name+suffix, NOSPLIT, "func("+sig+")")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	var from []Register
	for _, c := range columns {
		from = append(from, Load(Param(c), GP64()))
	}
	var k VecVirtual
	v := field.New(bits)
	if constant {
		t := GP32()
		Load(Param("k"), t)
		if name == "mulConst" {
			ADDL(t, t)
		}
		k = v.Broadcast(t)
	}
	n, at := Load(Param("n"), GP64()), GP64()
	XORQ(at, at)
	Label("loop")
	var x []VecVirtual
	for _, r := range from {
		x = append(x, v.Load(Mem{Base: r, Index: at, Scale: 1}))
	}
	v.Store(f(v, x, k), Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(U8(v.Bytes()), at)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// wide emits arithmetic on 64-bit lanes that hold sums of products.
type wide struct {
	*field.ISA
	mask VecVirtual // P in every lane
}

func newWide(v *field.ISA) wide {
	t, x, r := GP64(), XMM(), v.New()
	MOVQ(U64(1<<31-1), t)
	VMOVQ(t, x)
	VPBROADCASTQ(x, r)
	return wide{v, r}
}

// even returns the even lanes of x as 64-bit lanes. The upper half of a lane does
// not matter to a product, but it does to a sum.
func (w wide) even(x VecVirtual) VecVirtual { return w.and(x, w.mask) }

// odd returns the odd lanes of x as 64-bit lanes.
func (w wide) odd(x VecVirtual) VecVirtual {
	r := w.New()
	VPSRLQ(U8(32), x, r)
	return r
}

func (w wide) and(a, b VecVirtual) VecVirtual {
	r := w.New()
	if w.Bits == 512 {
		VPANDQ(a, b, r)
	} else {
		VPAND(a, b, r)
	}
	return r
}

// fold replaces x by x mod 2^31 + x >> 31, which is congruent to it modulo P.
func (w wide) fold(x VecVirtual) {
	t := w.and(x, w.mask)
	VPSRLQ(U8(31), x, x)
	VPADDQ(t, x, x)
}

// reduce returns the sums of the even and the odd lanes, modulo P, in 32-bit lanes.
func (w wide) reduce(even, odd VecVirtual) VecVirtual {
	for range 2 { // below 2^33 + 2^31, then at most P + 5
		w.fold(even)
		w.fold(odd)
	}
	VPSLLQ(U8(32), odd, odd)
	VPADDQ(odd, even, even)
	return w.Reduce(even)
}

// mul returns the products of 64-bit lanes, mulAdd adds them to sum.
func (w wide) mul(a VecVirtual, b Op) VecVirtual {
	p := w.New()
	VPMULUDQ(b, a, p)
	return p
}

func (w wide) mulAdd(sum, a VecVirtual, b Op) { VPADDQ(w.mul(a, b), sum, sum) }

// secureMul emits the product of secure vectors. With u^2 = 2 + i, the coordinates
// of (a0 + a1 i + u(a2 + a3 i)) (b0 + b1 i + u(b2 + b3 i)) are
//
//	a0 b0 - a1 b1 + 2r - t    r = a2 b2 - a3 b3
//	a0 b1 + a1 b0 + r + 2t    t = a2 b3 + a3 b2
//	a0 b2 - a1 b3 + a2 b0 - a3 b1
//	a0 b3 + a1 b2 + a2 b1 + a3 b0
//
// Products are at most P^2; four of them fit 64 bits. A difference takes the
// negative of a factor.
func secureMul(bits int) {
	TEXT("secureMul"+map[int]string{256: "AVX2", 512: "AVX512"}[bits], NOSPLIT, "func(dst, a, b *[4]*uint32, n int)")
	Pragma("noescape")
	load := func(name string) (r [4]Register) {
		list := Load(Param(name), GP64())
		for k := range r {
			r[k] = GP64()
			MOVQ(Mem{Base: list, Disp: 8 * k}, r[k])
		}
		return r
	}
	pa, pb := load("a"), load("b")
	list := Load(Param("dst"), GP64())
	n, at := Load(Param("n"), GP64()), GP64()
	w := newWide(field.New(bits))
	c := w.New() // 16P, above any folded sum of two products
	VPSLLQ(U8(4), w.mask, c)
	// The 16 registers of AVX2 hold neither b nor the sums of the first half.
	var odd, first Mem
	if bits == 256 {
		odd, first = AllocLocal(4*w.Bytes()), AllocLocal(4*w.Bytes())
	}
	XORQ(at, at)
	Label("loop")
	var sums [2][4]VecVirtual
	for half := range sums {
		var a [4]VecVirtual
		var b [4]Op
		for k := range a {
			a[k] = w.Load(Mem{Base: pa[k], Index: at, Scale: 1})
			m := Mem{Base: pb[k], Index: at, Scale: 1}
			switch {
			case bits == 512 && half == 0:
				b[k] = w.Load(m)
			case bits == 512:
				b[k] = w.odd(w.Load(m))
			case half == 0:
				b[k] = m
			default:
				b[k] = odd.Offset(k * w.Bytes())
				w.Store(w.odd(w.Load(m)), b[k].(Mem))
			}
			if half == 1 {
				VPSRLQ(U8(32), a[k], a[k])
			}
		}
		sums[half] = w.secure(a, b, c)
		if half == 0 && bits == 256 {
			for k, s := range sums[0] {
				w.Store(s, first.Offset(k*w.Bytes()))
			}
		}
	}
	for k := range sums[0] {
		if bits == 256 {
			sums[0][k] = w.Load(first.Offset(k * w.Bytes()))
		}
	}
	for k := range 4 {
		d := GP64()
		MOVQ(Mem{Base: list, Disp: 8 * k}, d)
		w.Store(w.reduce(sums[0][k], sums[1][k]), Mem{Base: d, Index: at, Scale: 1})
	}
	ADDQ(U8(w.Bytes()), at)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// secure returns the coordinates of a product, which are below 2^64.
func (w wide) secure(a [4]VecVirtual, b [4]Op, c VecVirtual) [4]VecVirtual {
	n1, n3 := w.New(), w.New()
	VPSUBD(a[1], w.mask, n1)
	VPSUBD(a[3], w.mask, n3)
	s3 := w.mul(a[0], b[3])
	w.mulAdd(s3, a[1], b[2])
	w.mulAdd(s3, a[2], b[1])
	w.mulAdd(s3, a[3], b[0])
	s2 := w.mul(a[0], b[2])
	w.mulAdd(s2, n1, b[3])
	w.mulAdd(s2, a[2], b[0])
	w.mulAdd(s2, n3, b[1])
	r := w.mul(a[2], b[2])
	w.mulAdd(r, n3, b[3])
	t := w.mul(a[2], b[3])
	w.mulAdd(t, a[3], b[2])
	w.fold(r)
	w.fold(t)
	s1 := w.mul(a[0], b[1])
	w.mulAdd(s1, a[1], b[0])
	s0 := w.mul(a[0], b[0])
	w.mulAdd(s0, n1, b[1])
	VPADDQ(r, s1, s1)
	VPADDQ(t, s1, s1)
	VPADDQ(t, s1, s1)
	VPADDQ(r, s0, s0)
	VPADDQ(r, s0, s0)
	VPSUBQ(t, c, t)
	VPADDQ(t, s0, s0)
	return [4]VecVirtual{s0, s1, s2, s3}
}

// addProducts emits a function that adds the products of columns with secure
// constants to a secure vector. A step takes one vector of every column (AVX2) or
// two (AVX-512), for which the sums of all coordinates stay in registers: they are
// folded after every three columns, to less than 2^34. Meanwhile it brings as many
// other columns into the second-level cache.
func addProducts(bits int) {
	TEXT("addProducts"+map[int]string{256: "AVX2", 512: "AVX512"}[bits], NOSPLIT,
		"func(dst *[4]*uint32, columns, ahead **uint32, coeffs *uint32, count, n int)")
	Pragma("noescape")
	dst, columns, coeffs := Load(Param("dst"), GP64()), Load(Param("columns"), GP64()), Load(Param("coeffs"), GP64())
	n := Load(Param("n"), GP64())
	at, col, co, left, ptr, next := GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	w := newWide(field.New(bits))
	vecs := bits / 256
	acc := make([][4][2]VecVirtual, vecs)
	XORQ(at, at)
	Label("loop")
	row := func(r Register, i int) Mem { return Mem{Base: r, Index: at, Scale: 1, Disp: i * w.Bytes()} }
	for k := range 4 {
		MOVQ(Mem{Base: dst, Disp: 8 * k}, ptr)
		for i := range acc {
			x := w.Load(row(ptr, i))
			acc[i][k] = [2]VecVirtual{w.even(x), w.odd(x)}
		}
	}
	column := func(c int) {
		MOVQ(Mem{Base: next, Disp: 8 * c}, ptr)
		for i := range acc {
			PREFETCHT1(row(ptr, i))
		}
		MOVQ(Mem{Base: col, Disp: 8 * c}, ptr)
		var x [][2]VecVirtual
		for i := range acc {
			e := w.Load(row(ptr, i))
			x = append(x, [2]VecVirtual{e, w.odd(e)})
		}
		for k := range 4 {
			f := w.New()
			VPBROADCASTD(Mem{Base: co, Disp: 16*c + 4*k}, f)
			for i := range acc {
				for half := range 2 {
					w.mulAdd(acc[i][k][half], x[i][half], f)
				}
			}
		}
	}
	fold := func() {
		for i := range acc {
			for k := range 4 {
				w.fold(acc[i][k][0])
				w.fold(acc[i][k][1])
			}
		}
	}
	MOVQ(columns, col)
	Load(Param("ahead"), next)
	MOVQ(coeffs, co)
	Load(Param("count"), left)
	const group = 3
	SUBQ(U8(group), left)
	JL(LabelRef("rest"))
	Label("three")
	for c := range group {
		column(c)
	}
	fold()
	ADDQ(U8(8*group), col)
	ADDQ(U8(8*group), next)
	ADDQ(U8(16*group), co)
	SUBQ(U8(group), left)
	JGE(LabelRef("three"))
	Label("rest")
	ADDQ(U8(group), left)
	JZ(LabelRef("reduce"))
	Label("one")
	column(0)
	ADDQ(U8(8), col)
	ADDQ(U8(8), next)
	ADDQ(U8(16), co)
	DECQ(left)
	JNZ(LabelRef("one"))
	Label("reduce")
	for k := range 4 {
		MOVQ(Mem{Base: dst, Disp: 8 * k}, ptr)
		for i := range acc {
			w.Store(w.reduce(acc[i][k][0], acc[i][k][1]), row(ptr, i))
		}
	}
	ADDQ(U8(vecs*w.Bytes()), at)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
