package m31

// Invert replaces all elements by their inverses, and zeros by zeros. Scratch is of the
// same length and does not overlap v.
func Invert(v, scratch Vec) {
	if !invert(v, scratch) {
		InvertAll(v, scratch)
	}
}

// invert inverts halves times each other and multiplies the results with the other
// halves: three products an element. It reports whether there was no zero; else it
// leaves v alone.
func invert(v, scratch Vec) bool {
	n := len(v)
	h := n / 2
	if n%2 == 1 || n <= 32 {
		for _, e := range v {
			if e == 0 {
				return false
			}
		}
		InvertAll(v, scratch)
		return true
	}
	a, b := v[:h], v[h:]
	p, rest := scratch[:h], scratch[h:n]
	Mul(p, a, b)
	if !invert(p, rest) {
		return false
	}
	Mul(rest, p, a)
	Mul(a, p, b)
	copy(b, rest)
	return true
}

// Invert replaces all elements by their inverses, and zeros by zeros. Scratch is of the
// same length.
func (v SecureVec) Invert(scratch SecureVec) {
	if !v.invert(scratch) {
		v.invertEach()
	}
}

// invert inverts halves times each other and multiplies the results with the other
// halves: three products an element. It reports whether there was no zero; else it
// leaves v alone.
func (v SecureVec) invert(scratch SecureVec) bool {
	n := v.Len()
	h := n / 2
	if n%2 == 1 || n <= 16 {
		product := One
		for i := range n {
			product = product.Mul(v.At(i))
		}
		if product.IsZero() {
			return false
		}
		v.invertEach()
		return true
	}
	a, b := v.Slice(0, h), v.Slice(h, n)
	p, rest := scratch.Slice(0, h), scratch.Slice(h, n)
	p.Mul(a, b)
	if !p.invert(rest) {
		return false
	}
	rest.Mul(p, a)
	a.Mul(p, b)
	for k := range b {
		copy(b[k], rest[k])
	}
	return true
}

// invertEach inverts a few elements at a time.
func (v SecureVec) invertEach() {
	var x, scratch [16]QM31
	for lo, n := 0, v.Len(); lo < n; lo += len(x) {
		some := x[:min(len(x), n-lo)]
		for i := range some {
			some[i] = v.At(lo + i)
		}
		InvertAllQM31(some, scratch[:])
		for i, e := range some {
			v.Set(lo+i, e)
		}
	}
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
