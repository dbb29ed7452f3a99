package m31

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

// InvertAll replaces every element by its inverse with one field inversion
// (Montgomery's trick) and a scratch vector of the same length. Zeros stay
// zero.
func InvertAll(v, scratch Vec) {
	acc := Elem(1)
	for i, e := range v {
		scratch[i] = acc
		if e != 0 {
			acc = acc.Mul(e)
		}
	}
	acc = acc.Inv()
	for i := len(v) - 1; i >= 0; i-- {
		if e := v[i]; e != 0 {
			v[i] = acc.Mul(scratch[i])
			acc = acc.Mul(e)
		}
	}
}

// InvertAllCM31 is InvertAll for CM31.
func InvertAllCM31(v, scratch []CM31) {
	acc := CM31{1, 0}
	for i, e := range v {
		scratch[i] = acc
		if e != (CM31{}) {
			acc = acc.Mul(e)
		}
	}
	acc = acc.Inv()
	for i := len(v) - 1; i >= 0; i-- {
		if e := v[i]; e != (CM31{}) {
			v[i] = acc.Mul(scratch[i])
			acc = acc.Mul(e)
		}
	}
}

// InvertAllQM31 is InvertAll for QM31.
func InvertAllQM31(v, scratch []QM31) {
	acc := One
	for i, e := range v {
		scratch[i] = acc
		if !e.IsZero() {
			acc = acc.Mul(e)
		}
	}
	acc = acc.Inv()
	for i := len(v) - 1; i >= 0; i-- {
		if e := v[i]; !e.IsZero() {
			v[i] = acc.Mul(scratch[i])
			acc = acc.Mul(e)
		}
	}
}
