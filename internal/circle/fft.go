package circle

import (
	"math/bits"
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

var (
	twiddleMu    sync.Mutex
	twiddleCache [LogOrder]*Twiddles
	lineCache    [LogOrder]struct{ x, inv []m31.Elem }
)

// TwiddlesOf returns the twiddles of size 2^k, 1 <= k <= 30, computing them at
// the first use. It is safe for concurrent use.
func TwiddlesOf(k int) *Twiddles {
	twiddleMu.Lock()
	defer twiddleMu.Unlock()
	if t := twiddleCache[k]; t != nil {
		return t
	}
	t := &Twiddles{LogSize: k}
	ys := make([]m31.Elem, 1<<(k-1))
	for i, p := range HalfOdds(k - 1).Points() {
		ys[Reverse(i, k-1)] = p.Y
	}
	t.Layer = append(t.Layer, ys)
	t.Inverse = append(t.Inverse, inverted(ys))
	for l := 1; l < k; l++ {
		x, inv := lineTwiddles(k - l)
		t.Layer = append(t.Layer, x)
		t.Inverse = append(t.Inverse, inv)
	}
	twiddleCache[k] = t
	return t
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
	twiddleMu.Lock()
	defer twiddleMu.Unlock()
	return lineTwiddles(k)
}

func lineTwiddles(k int) (x, inv []m31.Elem) {
	c := &lineCache[k]
	if c.x == nil {
		// The second half of the line domain is the negative of the first.
		half := HalfOdds(k)
		half.LogSize = k - 1
		x := make([]m31.Elem, 1<<(k-1))
		for i, p := range half.Points() {
			x[Reverse(i, k-1)] = p.X
		}
		c.x, c.inv = x, inverted(x)
	}
	return c.x, c.inv
}

func inverted(v []m31.Elem) []m31.Elem {
	out := append([]m31.Elem(nil), v...)
	m31.InvertAll(out, make([]m31.Elem, len(v)))
	return out
}

// Interpolate replaces the evaluations v (storage order, power-of-two length of
// at least 2) by the coefficients of the circle polynomial. Coefficient n
// belongs to the product of y, x, 2x^2-1, ... over the set bits of n, lowest
// first.
func Interpolate(v []m31.Elem) {
	k := Log2(len(v))
	t := TwiddlesOf(k)
	for l := 0; l < k; l++ {
		InverseLayer(v, t.Inverse[l], l)
	}
	Scale(v, m31.New(uint64(len(v))).Inv())
}

// Scale multiplies every element of v by c.
func Scale(v []m31.Elem, c m31.Elem) {
	for i, e := range v {
		v[i] = e.Mul(c)
	}
}

// InverseLayer applies one layer of the inverse FFT to v: (a, b) becomes
// (a+b, (a-b)*t) for the pairs at distance 2^l.
func InverseLayer(v, t []m31.Elem, l int) {
	d := 1 << l
	for i := range len(v) >> (l + 1) {
		tw := t[i]
		lo := v[i*2*d : i*2*d+d]
		hi := v[i*2*d+d : i*2*d+2*d]
		hi = hi[:len(lo)]
		for j, a := range lo {
			b := hi[j]
			lo[j] = a.Add(b)
			hi[j] = a.Sub(b).Mul(tw)
		}
	}
}

// Evaluate writes the evaluations of the polynomial with the given coefficients
// on the canonic domain of size len(dst) in storage order. len(dst) is a power
// of two and at least len(coeffs). dst must not overlap coeffs unless they are
// the same slice.
func Evaluate(dst, coeffs []m31.Elem) {
	k := Log2(len(dst))
	t := TwiddlesOf(k)
	start := ExtendCoefficients(dst, coeffs)
	for l := start - 1; l >= 0; l-- {
		ForwardLayer(dst, t.Layer[l], l)
	}
}

// ExtendCoefficients fills dst with copies of coeffs, which is what the layers
// of the FFT above log2(len(coeffs)) do to zero-padded coefficients, and
// returns the number of layers that remain.
func ExtendCoefficients(dst, coeffs []m31.Elem) int {
	n := len(coeffs)
	for off := 0; off < len(dst); off += n {
		copy(dst[off:off+n], coeffs)
	}
	return Log2(n)
}

// ForwardLayer applies one layer of the FFT to v: (a, b) becomes
// (a + b*t, a - b*t) for the pairs at distance 2^l.
func ForwardLayer(v, t []m31.Elem, l int) {
	d := 1 << l
	for i := range len(v) >> (l + 1) {
		tw := t[i]
		lo := v[i*2*d : i*2*d+d]
		hi := v[i*2*d+d : i*2*d+2*d]
		hi = hi[:len(lo)]
		for j, a := range lo {
			b := hi[j].Mul(tw)
			lo[j] = a.Add(b)
			hi[j] = a.Sub(b)
		}
	}
}

// Log2 returns k with 2^k = n; n must be a power of two.
func Log2(n int) int { return bits.TrailingZeros(uint(n)) }

// Basis returns the values at p of the 2^k basis polynomials of a circle
// polynomial of size 2^k, in coefficient order.
func Basis(p SecurePoint, k int) []m31.QM31 {
	all, _ := SplitBasis(p, k, k)
	return all
}

// SplitBasis returns the values of Basis as products: that of index h*2^split + l is
// low[l] * high[h].
func SplitBasis(p SecurePoint, k, split int) (low, high []m31.QM31) {
	factors := make([]m31.QM31, 0, k+2)
	factors = append(factors, p.Y, p.X)
	for len(factors) < k {
		factors = append(factors, DoubleXSecure(factors[len(factors)-1], 1))
	}
	return products(factors[:split]), products(factors[split:k])
}

// products returns the products of all subsets of the factors; bit i of an index says
// whether factor i is in.
func products(factors []m31.QM31) []m31.QM31 {
	out := make([]m31.QM31, 1, 1<<len(factors))
	out[0] = m31.One
	for _, f := range factors {
		for _, x := range out {
			out = append(out, x.Mul(f))
		}
	}
	return out
}

// EvalAt returns the value at p of the polynomial with the given coefficients.
func EvalAt(coeffs []m31.Elem, p SecurePoint) m31.QM31 {
	return Dot(coeffs, Basis(p, Log2(len(coeffs))))
}

// Dot returns the sum of a[i]*b[i].
func Dot(a []m31.Elem, b []m31.QM31) m31.QM31 {
	// Each product is below 2^62; folded once it is below 2^32, so that 2^31
	// terms fit a 64-bit accumulator.
	var s0, s1, s2, s3 uint64
	b = b[:len(a)]
	for i, e := range a {
		x := uint64(e)
		c := &b[i]
		p0, p1 := x*uint64(c.A.A), x*uint64(c.A.B)
		p2, p3 := x*uint64(c.B.A), x*uint64(c.B.B)
		s0 += p0&m31.P + p0>>31
		s1 += p1&m31.P + p1>>31
		s2 += p2&m31.P + p2>>31
		s3 += p3&m31.P + p3>>31
	}
	return m31.Q(m31.New(s0), m31.New(s1), m31.New(s2), m31.New(s3))
}

// InterpolateLine replaces evaluations on the line domain (storage order) by
// coefficients. Coefficient n belongs to the product of x, 2x^2-1, ... over the
// set bits of n, lowest first; Stwo stores them with the bits of n reversed.
func InterpolateLine(v []m31.QM31) {
	k := Log2(len(v))
	for l := 0; l < k; l++ {
		_, inv := LineTwiddlesOf(k - l)
		d := 1 << l
		for i := range len(v) >> (l + 1) {
			for j := i * 2 * d; j < i*2*d+d; j++ {
				a, b := v[j], v[j+d]
				v[j] = a.Add(b)
				v[j+d] = a.Sub(b).MulElem(inv[i])
			}
		}
	}
	scale := m31.New(uint64(len(v))).Inv()
	for i := range v {
		v[i] = v[i].MulElem(scale)
	}
}

// EvalLine evaluates a line polynomial with coefficients in Stwo's bit-reversed
// order at x.
func EvalLine(coeffs []m31.QM31, x m31.QM31) m31.QM31 {
	k := Log2(len(coeffs))
	factors := make([]m31.QM31, k)
	for l := range factors {
		factors[l] = x
		x = DoubleXSecure(x, 1)
	}
	// The lowest bit of the index belongs to the highest factor.
	acc := append([]m31.QM31(nil), coeffs...)
	for l := k - 1; l >= 0; l-- {
		for i := range len(acc) / 2 {
			acc[i] = acc[2*i].Add(factors[l].Mul(acc[2*i+1]))
		}
		acc = acc[:len(acc)/2]
	}
	return acc[0]
}
