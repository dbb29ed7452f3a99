// Package m31 implements the Mersenne-31 prime field, its quadratic extension
// CM31 and the quartic extension QM31 over which Stwo's Circle STARKs are
// sound, and arithmetic on vectors of them.
//
// M31 is the integers modulo p = 2^31 - 1. CM31 is M31[i]/(i^2 + 1). QM31 is
// CM31[u]/(u^2 - 2 - i), the "secure field" of about 2^124 elements.
//
// Elements are always canonical: an [Elem] is below p. Values from outside
// must come through [New], [FromInt64] or a check with [Elem.IsCanonical].
// Arithmetic is not constant-time; proofs hold no secrets.
package m31

import "math/bits"

// P is the field's modulus, 2^31 - 1.
const P = 1<<31 - 1

// Elem is an element of M31 in canonical form, 0 <= e < P.
type Elem uint32

// New returns v modulo P.
func New(v uint64) Elem { return reduce64(v) }

// FromInt64 returns v modulo P, so that small negative numbers are P - |v|.
func FromInt64(v int64) Elem {
	v %= P
	if v < 0 {
		v += P
	}
	return Elem(v)
}

// reduce64 reduces any 64-bit value. Two folds bring it below 2^31 + 8, a
// third subtraction makes it canonical.
func reduce64(v uint64) Elem {
	v = v&P + v>>31
	v = v&P + v>>31
	if v >= P {
		v -= P
	}
	return Elem(v)
}

// IsCanonical reports whether e is below P.
func (e Elem) IsCanonical() bool { return e < P }

// Centered returns the representative of e in (-P/2, P/2].
func (e Elem) Centered() int64 {
	if e > P/2 {
		return int64(e) - P
	}
	return int64(e)
}

// Add returns e + f.
func (e Elem) Add(f Elem) Elem {
	s := uint32(e) + uint32(f) // < 2^32 - 3
	// min(s, s - P): the subtraction wraps to a huge value when s < P.
	return Elem(min(s, s-P))
}

// Sub returns e - f.
func (e Elem) Sub(f Elem) Elem {
	d := uint32(e) - uint32(f)
	return Elem(min(d, d+P))
}

// Neg returns -e.
func (e Elem) Neg() Elem {
	return Elem(0).Sub(e)
}

// Double returns 2e.
func (e Elem) Double() Elem { return e.Add(e) }

// Mul returns e * f.
func (e Elem) Mul(f Elem) Elem {
	p := uint64(e) * uint64(f) // <= (P-1)^2 < 2^62
	s := uint32(p&P) + uint32(p>>31)
	return Elem(min(s, s-P))
}

// Square returns e^2.
func (e Elem) Square() Elem { return e.Mul(e) }

// Pow returns e^n by square and multiply; e^0 is 1 also for zero.
func (e Elem) Pow(n uint64) Elem {
	r := Elem(1)
	for i := bits.Len64(n) - 1; i >= 0; i-- {
		r = r.Square()
		if n>>i&1 == 1 {
			r = r.Mul(e)
		}
	}
	return r
}

// Inv returns 1/e, and 0 for zero.
func (e Elem) Inv() Elem {
	// e^(P-2) with P - 2 = 2^31 - 3, by an addition chain of 37 multiplications.
	sqn := func(x Elem, n int) Elem {
		for range n {
			x = x.Square()
		}
		return x
	}
	t0 := sqn(e, 2).Mul(e)    // 5
	t1 := t0.Square().Mul(t0) // 15
	t2 := sqn(t1, 3).Mul(t0)  // 125
	t3 := t2.Square().Mul(t0) // 255
	t4 := sqn(t3, 8).Mul(t3)  // 2^16 - 1
	t5 := sqn(t4, 8).Mul(t3)  // 2^24 - 1
	return sqn(t5, 7).Mul(t2) // (2^24 - 1)*2^7 + 125 = 2^31 - 3
}

// CM31 is A + B*i with i^2 = -1.
type CM31 struct{ A, B Elem }

// Add returns x + y.
func (x CM31) Add(y CM31) CM31 { return CM31{x.A.Add(y.A), x.B.Add(y.B)} }

// Sub returns x - y.
func (x CM31) Sub(y CM31) CM31 { return CM31{x.A.Sub(y.A), x.B.Sub(y.B)} }

// Neg returns -x.
func (x CM31) Neg() CM31 { return CM31{x.A.Neg(), x.B.Neg()} }

// Mul returns x * y.
func (x CM31) Mul(y CM31) CM31 {
	const pp = uint64(P) * P // keeps the difference of products non-negative
	a, b, c, d := uint64(x.A), uint64(x.B), uint64(y.A), uint64(y.B)
	return CM31{reduce64(a*c + pp - b*d), reduce64(a*d + b*c)} // both < 2^63
}

// MulElem returns x * e.
func (x CM31) MulElem(e Elem) CM31 { return CM31{x.A.Mul(e), x.B.Mul(e)} }

// mulR returns x * (2 + i), the square of QM31's u.
func (x CM31) mulR() CM31 {
	return CM31{x.A.Double().Sub(x.B), x.B.Double().Add(x.A)}
}

// Inv returns 1/x, and 0 for zero.
func (x CM31) Inv() CM31 {
	n := reduce64(uint64(x.A)*uint64(x.A) + uint64(x.B)*uint64(x.B)).Inv()
	return CM31{x.A.Mul(n), x.B.Neg().Mul(n)}
}

// QM31 is A + B*u with u^2 = 2 + i. Its flat coordinates are those of 1, i, u
// and iu.
type QM31 struct{ A, B CM31 }

// Q returns the element with the given flat coordinates.
func Q(a, b, c, d Elem) QM31 { return QM31{CM31{a, b}, CM31{c, d}} }

// FromElem embeds e in QM31.
func FromElem(e Elem) QM31 { return QM31{CM31{e, 0}, CM31{}} }

// One is the multiplicative identity of QM31.
var One = FromElem(1)

// Coords returns the flat coordinates of x.
func (x QM31) Coords() [4]Elem { return [4]Elem{x.A.A, x.A.B, x.B.A, x.B.B} }

// IsZero reports whether x is zero.
func (x QM31) IsZero() bool { return x == QM31{} }

// IsCanonical reports whether all coordinates are below P.
func (x QM31) IsCanonical() bool {
	return x.A.A < P && x.A.B < P && x.B.A < P && x.B.B < P
}

// IsBase reports whether x lies in M31.
func (x QM31) IsBase() bool { return x == FromElem(x.A.A) }

// Add returns x + y.
func (x QM31) Add(y QM31) QM31 { return QM31{x.A.Add(y.A), x.B.Add(y.B)} }

// Sub returns x - y.
func (x QM31) Sub(y QM31) QM31 { return QM31{x.A.Sub(y.A), x.B.Sub(y.B)} }

// Neg returns -x.
func (x QM31) Neg() QM31 { return QM31{x.A.Neg(), x.B.Neg()} }

// Mul returns x * y.
func (x QM31) Mul(y QM31) QM31 {
	// Karatsuba over CM31: three products instead of four.
	ac, bd := x.A.Mul(y.A), x.B.Mul(y.B)
	cross := x.A.Add(x.B).Mul(y.A.Add(y.B)).Sub(ac).Sub(bd)
	return QM31{ac.Add(bd.mulR()), cross}
}

// Square returns x^2.
func (x QM31) Square() QM31 { return x.Mul(x) }

// MulCM31 returns x * y with y in CM31.
func (x QM31) MulCM31(y CM31) QM31 { return QM31{x.A.Mul(y), x.B.Mul(y)} }

// MulElem returns x * e.
func (x QM31) MulElem(e Elem) QM31 { return QM31{x.A.MulElem(e), x.B.MulElem(e)} }

// AddElem returns x + e.
func (x QM31) AddElem(e Elem) QM31 { x.A.A = x.A.A.Add(e); return x }

// Conj returns the conjugate of x over CM31, A - B*u.
func (x QM31) Conj() QM31 { return QM31{x.A, x.B.Neg()} }

// Inv returns 1/x, and 0 for zero.
func (x QM31) Inv() QM31 {
	// 1/(a + bu) = (a - bu)/(a^2 - (2+i) b^2).
	n := x.A.Mul(x.A).Sub(x.B.Mul(x.B).mulR()).Inv()
	return QM31{x.A.Mul(n), x.B.Neg().Mul(n)}
}

// Pow returns x^n; a negative n inverts.
func (x QM31) Pow(n int64) QM31 {
	if n < 0 {
		// -(n+1) cannot overflow, unlike -n.
		return x.Inv().powU(uint64(-(n + 1)) + 1)
	}
	return x.powU(uint64(n))
}

func (x QM31) powU(n uint64) QM31 {
	r := One
	for i := bits.Len64(n) - 1; i >= 0; i-- {
		r = r.Square()
		if n>>i&1 == 1 {
			r = r.Mul(x)
		}
	}
	return r
}

// FromPartials combines the values of four base polynomials at a secure point
// into the value of the secure polynomial: e0 + i*e1 + u*e2 + iu*e3.
func FromPartials(e0, e1, e2, e3 QM31) QM31 {
	i := CM31{0, 1}
	lo := e0.Add(e1.MulCM31(i))
	hi := e2.Add(e3.MulCM31(i))
	// u*(a + bu) = (2+i)b + a*u.
	return lo.Add(QM31{hi.B.mulR(), hi.A})
}
