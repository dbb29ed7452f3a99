package circle

import "github.com/bitsage/bitsage/internal/m31"

func interpolateGeneric(dst, values []m31.Elem) {
	k := Log2(len(values))
	t := TwiddlesOf(k)
	copy(dst, values)
	for l := range k {
		inverseLayer(dst, t.Inverse[l], l)
	}
	scale := m31.New(uint64(len(dst))).Inv()
	for i, e := range dst {
		dst[i] = e.Mul(scale)
	}
}

// evaluateGeneric writes the slots from first on of a domain of size 2^log. It begins with
// copies of the coefficients, which is what the layers above log2(len(coeffs)) do to
// coefficients with zeros appended. coeffs may be the beginning of dst.
func evaluateGeneric(dst, coeffs []m31.Elem, log, first int) {
	for off := 0; off < len(dst); off += len(coeffs) {
		copy(dst[off:], coeffs)
	}
	t := TwiddlesOf(log)
	for l := Log2(len(coeffs)) - 1; l >= 0; l-- {
		forwardLayer(dst, t.Layer[l][first>>(l+1):], l)
	}
}

// inverseLayer applies one layer of the inverse FFT to v: (a, b) becomes
// (a+b, (a-b)*t) for the pairs at distance 2^l.
func inverseLayer(v, t []m31.Elem, l int) {
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

// forwardLayer applies one layer of the FFT to v: (a, b) becomes
// (a + b*t, a - b*t) for the pairs at distance 2^l.
func forwardLayer(v, t []m31.Elem, l int) {
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
