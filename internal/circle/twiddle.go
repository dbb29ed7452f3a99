package circle

import (
	"sync"

	"github.com/bitsage/bitsage/internal/m31"
)

// Twiddles holds the factors of the circle FFT of size 2^LogSize. Layer l pairs
// slots at distance 2^l; block i of layer l uses Layer[l][i]. Layer 0 folds by
// y, layer 1 by x, layer l by the (l-1)-fold double of x. Inverse holds the
// reciprocals. Twiddles are immutable and shared.
type Twiddles struct {
	LogSize int
	Layer   [][]m31.Elem
	Inverse [][]m31.Elem
}

// factorHeap holds the factors of all layers but the lowest, of the FFTs of all
// sizes: the 2^d factors of the layer in which blocks are 2^d times shorter than
// the column begin at place 2^d. The factors for the halves of the block at place h
// are at 2h and 2h+1.
type factorHeap struct {
	levels       int
	x, inverse   []m31.Elem
	x2, inverse2 []uint32 // doubles, for the kernels
}

var factors struct {
	sync.Mutex
	factorHeap
	of [LogOrder]*Twiddles
}

// TwiddlesOf returns the twiddles of size 2^k, 1 <= k <= 30, computing them at
// the first use. It is safe for concurrent use.
func TwiddlesOf(k int) *Twiddles {
	factors.Lock()
	defer factors.Unlock()
	h := growFactors(k - 1)
	if t := factors.of[k]; t != nil {
		return t
	}
	t := &Twiddles{LogSize: k}
	if k == 1 {
		y := HalfOdds(0).Initial.Point().Y
		t.Layer, t.Inverse = [][]m31.Elem{{y}}, [][]m31.Elem{{y.Inv()}}
	} else {
		t.Layer, t.Inverse = [][]m31.Elem{lowest(h.x[1<<(k-2):][:1<<(k-2)])}, [][]m31.Elem{lowest(h.inverse[1<<(k-2):][:1<<(k-2)])}
	}
	for d := k - 2; d >= 0; d-- {
		t.Layer = append(t.Layer, h.x[1<<d:2<<d])
		t.Inverse = append(t.Inverse, h.inverse[1<<d:2<<d])
	}
	factors.of[k] = t
	return t
}

// lowest derives the factors of layer 0 from those of layer 1, or their
// reciprocals. Slots come in fours of points that differ in sign only, and the
// neighbour of such a four is turned by a quarter: its x is the other's y.
func lowest(above []m31.Elem) []m31.Elem {
	out := make([]m31.Elem, 0, 2*len(above))
	if len(above) == 1 {
		return append(out, above[0].Neg(), above[0])
	}
	for i := 0; i < len(above); i += 2 {
		x, y := above[i], above[i+1]
		out = append(out, y, y.Neg(), x.Neg(), x)
	}
	return out
}

// Point returns the point at a storage slot of the canonic domain of size
// 2^t.LogSize, as StoragePoint does, from the tables.
func (t *Twiddles) Point(slot int) Point {
	if t.LogSize == 1 {
		return StoragePoint(slot, 1)
	}
	// Slots come in conjugate pairs; neighbouring pairs have opposite x.
	p := Point{t.Layer[1][slot>>2], t.Layer[0][slot>>1]}
	if slot&2 != 0 {
		p.X = p.X.Neg()
	}
	if slot&1 != 0 {
		p.Y = p.Y.Neg()
	}
	return p
}

// LineTwiddlesOf returns the coordinates by which the line domain of size 2^k
// folds (one per storage pair) and their inverses, k >= 1.
func LineTwiddlesOf(k int) (x, inv []m31.Elem) {
	h := factorsOf(k)
	return h.x[1<<(k-1) : 1<<k], h.inverse[1<<(k-1) : 1<<k]
}

// factorsOf returns a heap of at least the given number of levels.
func factorsOf(levels int) factorHeap {
	factors.Lock()
	defer factors.Unlock()
	return growFactors(levels)
}

func growFactors(levels int) factorHeap {
	if levels <= factors.levels {
		return factors.factorHeap
	}
	old, n := factors.factorHeap, 1<<levels
	h := factorHeap{levels, make([]m31.Elem, n), make([]m31.Elem, n), make([]uint32, n), make([]uint32, n)}
	known := copy(h.x, old.x)
	copy(h.inverse, old.inverse)
	h.x[0] = 1 // no factor, but with an inverse
	scratch := make([]m31.Elem, n)
	halfLine(h.x[n/2:], scratch[n/2:], levels)
	for i := n/2 - 1; i >= max(known, 1); i-- {
		h.x[i] = DoubleX(h.x[2*i])
	}
	copy(h.inverse[known:], h.x[known:])
	m31.Invert(h.inverse[known:], scratch[known:])
	for i, x := range h.x {
		h.x2[i], h.inverse2[i] = 2*uint32(x), 2*uint32(h.inverse[i])
	}
	factors.factorHeap = h
	clear(factors.of[:]) // they refer to the old heap
	return h
}

// halfLine writes the coordinates of points of HalfOdds(k) whose x coordinates are, in
// storage order, one of each pair x, -x of the line domain of size 2^k.
func halfLine(x, y []m31.Elem, k int) {
	c := HalfOdds(k)
	p := c.Initial.Point()
	x[0], y[0] = p.X, p.Y
	tmp := make([]m31.Elem, len(x)/2)
	// Doubling in bit-reversed order: every prefix is followed by itself shifted.
	for b := range k - 1 {
		n := 1 << b
		shift := c.Step.Mul(1 << (k - 2 - b)).Point()
		m31.MulConst(x[n:2*n], x[:n], shift.X)
		m31.MulConst(tmp[:n], y[:n], shift.Y)
		m31.Sub(x[n:2*n], x[n:2*n], tmp[:n])
		m31.MulConst(y[n:2*n], x[:n], shift.Y)
		m31.MulConst(tmp[:n], y[:n], shift.X)
		m31.Add(y[n:2*n], y[n:2*n], tmp[:n])
	}
}
