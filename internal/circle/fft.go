package circle

import (
	"math/bits"

	"github.com/bitsage/bitsage/internal/m31"
)

// Interpolate writes to dst the coefficients of the circle polynomial with the given
// evaluations (storage order, power-of-two length of at least 2). Coefficient n
// belongs to the product of y, x, 2x^2-1, ... over the set bits of n, lowest first.
// dst has the same length; it is the same slice or does not overlap.
func Interpolate(dst, values []m31.Elem) {
	if v := kernelsOf(Log2(len(values))); v != nil {
		v.interpolate(dst, values)
	} else {
		interpolateGeneric(dst, values)
	}
}

// Evaluate writes the evaluations of the polynomial with the given coefficients
// on the canonic domain of size len(dst) in storage order. len(dst) is a power
// of two and at least len(coeffs). dst must not overlap coeffs unless they are
// the same slice.
func Evaluate(dst, coeffs []m31.Elem) {
	if v := kernelsOf(Log2(len(coeffs))); v != nil {
		v.evaluate(dst, coeffs, Log2(len(dst)), 0)
	} else {
		evaluateGeneric(dst, coeffs, Log2(len(dst)), 0)
	}
}

// Extend writes to dst the evaluations of the polynomial with the given evaluations
// on the canonic domain of size len(dst): Evaluate of Interpolate, without memory
// for the coefficients. dst does not overlap values.
func Extend(dst, values []m31.Elem) { ExtendPart(dst, values, Log2(len(dst)), 0) }

// ExtendPart writes to dst a part of what Extend would write for the domain of size
// 2^log: the slots from first on. len(dst) is a power of two that divides first, and at
// least len(values).
func ExtendPart(dst, values []m31.Elem, log, first int) {
	n := len(values)
	factorsOf(log - 1) // all at once
	last := dst[len(dst)-n:]
	Interpolate(last, values)
	if v := kernelsOf(Log2(n)); v != nil {
		v.evaluate(dst, last, log, first)
	} else {
		copy(dst, last) // evaluateGeneric reads its coefficients first
		evaluateGeneric(dst, dst[:n], log, first)
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

// Weights writes to dst how much each of its number of values of a column of size 2^k
// from slot first on weighs in the value of its polynomial at p, which is the sum of
// values times weights. The number is a power of two that divides first; scratch has
// as many elements.
func Weights(dst, scratch m31.SecureVec, p SecurePoint, k, first int) {
	// Layer l of the inverse FFT makes a+b and (a-b)*t of a pair, and the factor g of
	// the basis polynomials combines them to a*(1+g*t) + b*(1-g*t). The pairs of
	// layers above dst have one half that matters.
	t := TwiddlesOf(k)
	g := make([]m31.QM31, k)
	for l := range g {
		switch l {
		case 0:
			g[l] = p.Y
		case 1:
			g[l] = p.X
		default:
			g[l] = DoubleXSecure(g[l-1], 1)
		}
	}
	w := m31.FromElem(m31.New(1 << k).Inv())
	split := Log2(dst.Len())
	for l := k - 1; l >= split; l-- {
		u := w.Mul(g[l].MulElem(t.Inverse[l][first>>(l+1)]))
		if first>>l&1 == 0 {
			w = w.Add(u)
		} else {
			w = w.Sub(u)
		}
	}
	dst.Set(0, w)
	for l := split - 1; l >= 0; l-- {
		n := dst.Len() >> (l + 1)
		inv := t.Inverse[l][first>>(l+1):]
		v, u := scratch.Slice(0, n), scratch.Slice(n, 2*n)
		for c := range v {
			m31.Mul(v[c], dst[c], inv)
		}
		i, j := m31.Q(0, 1, 0, 0), m31.Q(0, 0, 1, 0)
		multiples := []m31.QM31{g[l], g[l].Mul(i), g[l].Mul(j), g[l].Mul(i).Mul(j)}
		u.Fill(m31.QM31{})
		u.AddProducts(v[:], multiples)
		for c := range v {
			m31.Add(v[c], dst[c], u[c])
			m31.Sub(u[c], dst[c], u[c])
			interleave(dst[c], v[c], u[c])
		}
	}
}

// interleave writes the elements of a and b in turn.
func interleave(dst, a, b []m31.Elem) {
	dst, b = dst[:2*len(a)], b[:len(a)]
	for i, x := range a {
		dst[2*i], dst[2*i+1] = x, b[i]
	}
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
