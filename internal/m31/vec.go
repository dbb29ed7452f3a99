package m31

//go:generate go run -C ../_asm ./m31 -out ../m31/vec_amd64.s -stubs ../m31/vec_amd64.go -pkg m31

// Vec is a column of field elements. Operations on vectors require equal
// lengths; dst may be one of the operands.
type Vec = []Elem

// SecureVec is a column of QM31 by coordinates: element i is
// Q(v[0][i], v[1][i], v[2][i], v[3][i]).
type SecureVec [4]Vec

// NewSecureVec returns a zero column of n elements in one allocation.
func NewSecureVec(n int) SecureVec {
	buf := make([]Elem, 4*n)
	return SecureVec{buf[:n:n], buf[n : 2*n : 2*n], buf[2*n : 3*n : 3*n], buf[3*n:]}
}

// Len returns the number of elements.
func (v SecureVec) Len() int { return len(v[0]) }

// At returns element i.
func (v SecureVec) At(i int) QM31 { return Q(v[0][i], v[1][i], v[2][i], v[3][i]) }

// Set sets element i.
func (v SecureVec) Set(i int, x QM31) {
	v[0][i], v[1][i], v[2][i], v[3][i] = x.A.A, x.A.B, x.B.A, x.B.B
}

// Slice returns the elements lo to hi, sharing memory.
func (v SecureVec) Slice(lo, hi int) SecureVec {
	return SecureVec{v[0][lo:hi], v[1][lo:hi], v[2][lo:hi], v[3][lo:hi]}
}

// The functions below work on vectors element by element. Operands are at least as
// long as dst, of which none may overlap it but one that starts where it starts.

// Add writes a + b to dst.
func Add(dst, a, b Vec) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := addVector(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i].Add(b[i])
	}
}

// Sub writes a - b to dst.
func Sub(dst, a, b Vec) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := subVector(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i].Sub(b[i])
	}
}

// Mul writes a * b to dst.
func Mul(dst, a, b Vec) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := mulVector(dst, a, b); i < len(dst); i++ {
		dst[i] = a[i].Mul(b[i])
	}
}

// MulAdd writes a*b + c to dst.
func MulAdd(dst, a, b, c Vec) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	for i := mulAddVector(dst, a, b, c); i < len(dst); i++ {
		dst[i] = a[i].Mul(b[i]).Add(c[i])
	}
}

// SubMul writes c - a*b to dst.
func SubMul(dst, a, b, c Vec) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	for i := subMulVector(dst, a, b, c); i < len(dst); i++ {
		dst[i] = c[i].Sub(a[i].Mul(b[i]))
	}
}

// Neg writes -a to dst.
func Neg(dst, a Vec) {
	a = a[:len(dst)]
	for i := negVector(dst, a); i < len(dst); i++ {
		dst[i] = a[i].Neg()
	}
}

// AddConst writes a + k to dst.
func AddConst(dst, a Vec, k Elem) {
	a = a[:len(dst)]
	for i := addConstVector(dst, a, k); i < len(dst); i++ {
		dst[i] = a[i].Add(k)
	}
}

// MulConst writes a * k to dst.
func MulConst(dst, a Vec, k Elem) {
	a = a[:len(dst)]
	for i := mulConstVector(dst, a, k); i < len(dst); i++ {
		dst[i] = a[i].Mul(k)
	}
}

// Sum returns the sum of the elements, of which there are fewer than 2^33.
func Sum(v Vec) Elem {
	var sum uint64
	for _, e := range v {
		sum += uint64(e)
	}
	return reduce64(sum)
}

// Fill sets all elements of dst to k.
func Fill(dst Vec, k Elem) {
	if len(dst) == 0 {
		return
	}
	dst[0] = k
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// Alternate takes the elements of even index from a and those of odd index from b.
func Alternate(dst, a, b Vec) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := alternateVector(dst, a, b); i < len(dst); i++ {
		if i%2 == 0 {
			dst[i] = a[i]
		} else {
			dst[i] = b[i]
		}
	}
}

// Fill sets all elements to k.
func (v SecureVec) Fill(k QM31) {
	for i, e := range k.Coords() {
		Fill(v[i], e)
	}
}

// Mul sets v to a * b. A coordinate of v may be one of a or b.
func (v SecureVec) Mul(a, b SecureVec) {
	n := v.Len()
	v, a, b = v.Slice(0, n), a.Slice(0, n), b.Slice(0, n)
	for i := secureMulVector(v, a, b); i < n; i++ {
		v.Set(i, a.At(i).Mul(b.At(i)))
	}
}

// AddProducts adds to v the products of columns, which it may not overlap, with
// constants.
func (v SecureVec) AddProducts(columns []Vec, coeffs []QM31) {
	v.AddProductsAhead(columns, coeffs, nil)
}

// AddProductsAhead is AddProducts. As it computes more than it reads, it begins to
// read other vectors into the cache, at most as many as there are columns.
func (v SecureVec) AddProductsAhead(columns []Vec, coeffs []QM31, ahead []Vec) {
	coeffs = coeffs[:len(columns)]
	for i := addProductsVector(v, columns, coeffs, ahead); i < v.Len(); i++ {
		// A folded product is below 2^32: 2^31 of them fit.
		var sum [4]uint64
		for j, c := range columns {
			for k, x := range coeffs[j].Coords() {
				p := uint64(c[i]) * uint64(x)
				sum[k] += p&P + p>>31
			}
		}
		for k, s := range sum {
			v[k][i] = v[k][i].Add(reduce64(s))
		}
	}
}
