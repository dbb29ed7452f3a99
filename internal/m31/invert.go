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
