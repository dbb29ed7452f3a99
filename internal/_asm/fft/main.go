// Fft generates the kernels of the circle FFT.
//
// Factors come doubled, in one table that is a binary heap: those of a block's two
// halves stand at twice its place and the place after, so that a kernel that runs
// several layers finds all of them from the place h of its first block.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/bitsage/bitsage/internal/_asm/field"
)

func main() {
	ConstraintExpr("!purego")
	even, odd := pick("even", 0), pick("odd", 1)
	for _, bits := range []int{512, 256} {
		most := 4 // layers whose rows fit the registers
		if bits == 256 {
			most = 3
		}
		for layers := 1; layers <= most; layers++ {
			pass(bits, layers, forward)
			pass(bits, layers, inverse)
		}
		leaf(bits, forward, even, odd)
		leaf(bits, inverse, even, odd)
	}
	Generate()
}

// pick emits the places of every second element of a pair of vectors.
func pick(name string, first int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(2*i+first)))
	}
	return m
}

// direction says how a kernel combines pairs.
type direction bool

const (
	forward direction = false // a + b*t, a - b*t
	inverse direction = true  // a + b, (a - b)*t
)

func (d direction) String() string {
	if d == inverse {
		return "inverse"
	}
	return "forward"
}

// factor is a vector of doubled factors for [field.ISA.MulDoubled].
type factor struct{ even, odd VecVirtual }

// pair replaces x[i] and x[j].
func (d direction) pair(v *field.ISA, x []VecVirtual, i, j int, t factor) {
	a, b := x[i], x[j]
	if d == inverse {
		x[i] = v.Add(a, b)
		x[j] = v.MulDoubled(v.Sub(a, b), t.even, t.odd)
		return
	}
	b = v.MulDoubled(b, t.even, t.odd)
	x[i], x[j] = v.Add(a, b), v.Sub(a, b)
}

// negated is pair with the factor -t.
func (d direction) negated(v *field.ISA, x []VecVirtual, i, j int, t factor) {
	a, b := x[i], x[j]
	if d == inverse {
		x[i] = v.Add(a, b)
		x[j] = v.MulDoubled(v.Sub(b, a), t.even, t.odd)
		return
	}
	b = v.MulDoubled(b, t.even, t.odd)
	x[i], x[j] = v.Sub(a, b), v.Add(a, b)
}

// heap addresses factors: at(l, i) is the one l levels below the place h, i-th from
// the left.
type heap struct{ table, h, h4, h16, h64 GPVirtual }

func (p *heap) at(level, i int) Mem {
	base := []GPVirtual{p.h, p.h, p.h4, p.h4, p.h16, p.h16, p.h64}[level]
	return Mem{Base: p.table, Index: base, Scale: 4 << (level % 2), Disp: 4 * i}
}

// times returns c*a.
func times(a GPVirtual, c uint8) GPVirtual {
	r := GP64()
	MOVQ(a, r)
	SHLQ(U8(c), r)
	return r
}

// layersOf runs the layers between the rows x.
func (d direction) layersOf(v *field.ISA, x []VecVirtual, p *heap) {
	n := 0
	for 1<<n < len(x) {
		n++
	}
	for step := range n {
		level := step // the distance of a pair's rows is len(x) >> (level+1)
		if d == inverse {
			level = n - 1 - step
		}
		dist := len(x) >> (level + 1)
		for block := range 1 << level {
			t := v.New()
			VPBROADCASTD(p.at(level, block), t)
			for i := range dist {
				d.pair(v, x, 2*block*dist+i, (2*block+1)*dist+i, factor{t, t})
			}
		}
	}
}

// pass emits a kernel of several layers over a block of 2^layers rows of n elements
// each.
func pass(bits, layers int, d direction) {
	name := fmt.Sprintf("%v%d%s", d, layers, (&field.ISA{Bits: bits}).Name())
	TEXT(name, NOSPLIT, "func(dst, src *uint32, n int, table *uint32, h int)")
	Pragma("noescape")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	p := &heap{table: Load(Param("table"), GP64()).(GPVirtual), h: Load(Param("h"), GP64()).(GPVirtual)}
	v := field.New(bits)
	if layers > 2 {
		p.h4 = times(p.h, 2)
	}
	// Odd multiples of the distance of rows.
	stride := times(n.(GPVirtual), 2)
	multiple := map[int]GPVirtual{1: stride}
	for m := 3; m < min(8, 1<<layers); m += 2 {
		multiple[m] = GP64()
		if m == 7 {
			LEAQ(Mem{Base: multiple[5], Index: stride, Scale: 2}, multiple[m])
			continue
		}
		LEAQ(Mem{Base: stride, Index: stride, Scale: uint8(m - 1)}, multiple[m])
	}
	rows := func(base Register) func(int) Mem {
		high := GP64()
		if layers == 4 {
			LEAQ(Mem{Base: base, Index: stride, Scale: 8}, high)
		}
		return func(i int) Mem {
			m := Mem{Base: base}
			if i >= 8 {
				m.Base = high
			}
			if i %= 8; i > 0 {
				for m.Scale = 1; i%2 == 0; i /= 2 {
					m.Scale *= 2
				}
				m.Index = multiple[i]
			}
			return m
		}
	}
	at := GP64()
	XORQ(at, at)
	from, to := rows(src), rows(dst)
	bump := func(m func(int) Mem) {
		ADDQ(I32(v.Bytes()), m(0).Base)
		if layers == 4 {
			ADDQ(I32(v.Bytes()), m(8).Base)
		}
	}
	Label("loop")
	x := make([]VecVirtual, 1<<layers)
	for i := range x {
		x[i] = v.Load(from(i))
	}
	d.layersOf(v, x, p)
	for i := range x {
		v.Store(x[i], to(i))
	}
	bump(from)
	bump(to)
	SUBQ(I32(v.Lanes()), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// leaf emits a kernel of all layers of count neighbouring blocks, each a square of
// as many vectors as a vector has lanes. The inverse first rotates the elements by
// shift bits to the left, which multiplies them by 2^shift.
func leaf(bits int, d direction, evens, odds Mem) {
	name := fmt.Sprintf("%vLeaf%s", d, (&field.ISA{Bits: bits}).Name())
	sig := "func(dst, src *uint32, table *uint32, h, count int)"
	if d == inverse {
		sig = "func(dst, src *uint32, table *uint32, h, count, shift int)"
	}
	TEXT(name, NOSPLIT, sig)
	Pragma("noescape")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	p := &heap{table: Load(Param("table"), GP64()).(GPVirtual), h: Load(Param("h"), GP64()).(GPVirtual)}
	count := Load(Param("count"), GP64())
	v := field.New(bits)
	var left, right Register
	if d == inverse {
		left, right = Load(Param("shift"), GP64()), GP64()
		MOVQ(U32(31), right)
		SUBQ(left, right)
	}
	p.h4, p.h16, p.h64 = times(p.h, 2), times(p.h, 4), times(p.h, 6)
	Label("loop")
	x := make([]VecVirtual, v.Lanes())
	for i := range x {
		x[i] = v.Load(Mem{Base: src, Disp: i * v.Bytes()})
	}
	if d == inverse {
		rotate(v, x, left, right)
	}
	if d == forward {
		d.layersOf(v, x, p)
		transpose(v, x)
		d.lanes(v, x, p, evens, odds)
		transpose(v, x)
	} else {
		transpose(v, x)
		d.lanes(v, x, p, evens, odds)
		transpose(v, x)
		d.layersOf(v, x, p)
	}
	for i := range x {
		v.Store(x[i], Mem{Base: dst, Disp: i * v.Bytes()})
	}
	size := v.Lanes() * v.Bytes()
	ADDQ(I32(size), src)
	ADDQ(I32(size), dst)
	INCQ(p.h)
	ADDQ(I32(4), p.h4)
	ADDQ(I32(16), p.h16)
	ADDQ(I32(64), p.h64)
	DECQ(count)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// rotate shifts the elements of x to the left modulo 2^31 - 1.
func rotate(v *field.ISA, x []VecVirtual, left, right Register) {
	l, r := XMM(), XMM()
	VMOVQ(left, l)
	VMOVQ(right, r)
	for i := range x {
		hi, lo := v.New(), v.New()
		VPSLLD(l, x[i], hi)
		VPSRLD(r, x[i], lo)
		if x[i] = lo; v.Bits == 512 {
			VPTERNLOGD(U8(0xf8), v.P(), hi, lo) // lo | hi & P
			continue
		}
		VPAND(v.P(), hi, hi)
		VPOR(hi, lo, lo)
	}
}

// lanes runs the layers within a vector on a transposed block: lane r of x[j] is
// element j of the r-th vector. The factors of a layer are then every second (or
// every fourth) of their neighbours. Those of the lowest layer are no table of their
// own: where two neighbours of the layer above are x and y, they are y, -y, -x, x.
func (d direction) lanes(v *field.ISA, x []VecVirtual, p *heap, evens, odds Mem) {
	if v.Bits == 256 {
		// Layers 2, 1 and 0 with 8, 16 and 4 times 8 factors.
		both := func() (factor, factor) {
			a, b := v.Load(p.at(4, 0)), v.Load(p.at(4, 8))
			return split256(v, a, b)
		}
		if d == forward {
			d.between(v, x, 4, single(v, v.Load(p.at(3, 0))))
		}
		t0, t1 := both()
		d.lowest(v, x, t0, t1)
		if d == inverse {
			d.between(v, x, 4, single(v, v.Load(p.at(3, 0))))
		}
		return
	}
	load := func(level, i int) VecVirtual { return v.Load(p.at(level, 16*i)) }
	split := func(a, b VecVirtual) (VecVirtual, VecVirtual) {
		e, o := v.Load(evens), v.Load(odds)
		VPERMI2D(b, a, e)
		VPERMI2D(b, a, o)
		return e, o
	}
	upper := func() {
		d.between(v, x, 8, single(v, load(4, 0)))
	}
	second := func() {
		e, o := split(load(5, 0), load(5, 1))
		d.between(v, x[:8], 4, single(v, e))
		d.between(v, x[8:], 4, single(v, o))
	}
	lower := func() {
		e0, o0 := split(load(6, 0), load(6, 1))
		e1, o1 := split(load(6, 2), load(6, 3))
		t0, t2 := split(e0, e1)
		t1, t3 := split(o0, o1)
		d.lowest(v, x[:8], single(v, t0), single(v, t1))
		d.lowest(v, x[8:], single(v, t2), single(v, t3))
	}
	if d == forward {
		upper()
		second()
		lower()
	} else {
		lower()
		second()
		upper()
	}
}

// single prepares a vector of factors.
func single(v *field.ISA, t VecVirtual) factor { return factor{t, v.Odds(t)} }

// split256 returns the factors at even and at odd places.
func split256(v *field.ISA, a, b VecVirtual) (factor, factor) {
	e, o := v.New(), v.New()
	VSHUFPS(U8(0x88), b, a, e)
	VSHUFPS(U8(0xdd), b, a, o)
	VPERMQ(U8(0xd8), e, e)
	VPERMQ(U8(0xd8), o, o)
	return factor{e, nil}, factor{o, nil}
}

// between runs a layer between rows at a distance.
func (d direction) between(v *field.ISA, x []VecVirtual, dist int, t factor) {
	for i := range dist {
		d.pair(v, x, i, i+dist, t)
	}
}

// lowest runs the two lowest layers of eight elements; tx and ty are the factors of
// the upper one.
func (d direction) lowest(v *field.ISA, x []VecVirtual, tx, ty factor) {
	odd := func(t factor) factor {
		if t.odd == nil {
			return single(v, t.even)
		}
		return t
	}
	above := func() {
		t := odd(tx)
		d.between(v, x[:4], 2, t)
		t = odd(ty)
		d.between(v, x[4:], 2, t)
	}
	if d == forward {
		above()
	}
	t := odd(ty)
	d.pair(v, x, 0, 1, t)
	d.negated(v, x, 2, 3, t)
	t = odd(tx)
	d.negated(v, x, 4, 5, t)
	d.pair(v, x, 6, 7, t)
	if d == inverse {
		above()
	}
}

// transpose transposes the square of 32-bit lanes.
func transpose(v *field.ISA, x []VecVirtual) {
	// Squares of four by four within quarters of vectors.
	for g := 0; g < len(x); g += 4 {
		q := x[g : g+4]
		a, b := unpack(v, q[0], q[1], VPUNPCKLDQ, VPUNPCKHDQ)
		c, e := unpack(v, q[2], q[3], VPUNPCKLDQ, VPUNPCKHDQ)
		q[0], q[1] = unpack(v, a, c, VPUNPCKLQDQ, VPUNPCKHQDQ)
		q[2], q[3] = unpack(v, b, e, VPUNPCKLQDQ, VPUNPCKHQDQ)
	}
	for c := range 4 {
		if v.Bits == 256 {
			x[c], x[4+c] = shuffle(v, x[c], x[4+c], 0x20, 0x31)
			continue
		}
		a, b := shuffle(v, x[c], x[4+c], 0x88, 0xdd)
		e, f := shuffle(v, x[8+c], x[12+c], 0x88, 0xdd)
		x[c], x[8+c] = shuffle(v, a, e, 0x88, 0xdd)
		x[4+c], x[12+c] = shuffle(v, b, f, 0x88, 0xdd)
	}
}

func unpack(v *field.ISA, a, b VecVirtual, low, high func(...Op)) (lo, hi VecVirtual) {
	lo, hi = v.New(), v.New()
	low(b, a, lo)
	high(b, a, hi)
	return lo, hi
}

// shuffle combines quarters or halves of two vectors in two ways.
func shuffle(v *field.ISA, a, b VecVirtual, first, second uint8) (x, y VecVirtual) {
	x, y = v.New(), v.New()
	op := VPERM2I128
	if v.Bits == 512 {
		op = func(imm, b, a, dst Op) { VSHUFI32X4(imm, b, a, dst) }
	}
	op(U8(first), b, a, x)
	op(U8(second), b, a, y)
	return x, y
}
