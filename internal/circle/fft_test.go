package circle

import (
	"slices"
	"sync"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
)

// evalNaive evaluates a circle polynomial by its definition: bit 0 of a
// coefficient's index stands for y, bit 1 for x, bit 2 for 2x^2-1, and so on.
func evalNaive(coeffs []m31.Elem, p Point) m31.Elem {
	var sum m31.Elem
	for n, c := range coeffs {
		if n&1 == 1 {
			c = c.Mul(p.Y)
		}
		for x, rest := p.X, n>>1; rest != 0; x, rest = DoubleX(x), rest>>1 {
			if rest&1 == 1 {
				c = c.Mul(x)
			}
		}
		sum = sum.Add(c)
	}
	return sum
}

func TestFFTNaive(t *testing.T) {
	r := randtest.New(t)
	for k := 1; k <= 10; k++ {
		coeffs := randColumn(r, k)
		values := slices.Clone(coeffs)
		Evaluate(values, values) // in place
		for i, v := range values {
			equal(t, "value", v, evalNaive(coeffs, StoragePoint(i, k)))
		}
		Interpolate(values, values)
		equalSlices(t, "coefficients", values, coeffs)
	}
}

func TestFFTRoundTrip(t *testing.T) {
	r := randtest.New(t)
	for k := 1; k <= 14; k++ {
		values := randColumn(r, k)
		coeffs := slices.Clone(values)
		Interpolate(coeffs, coeffs)
		back := make([]m31.Elem, len(values))
		Evaluate(back, coeffs)
		equalSlices(t, "values", back, values)
	}
}

// TestFFTExtension compares the extension with the values of the same
// polynomial, and interpolates it to the coefficients with zeros appended.
func TestFFTExtension(t *testing.T) {
	r := randtest.New(t)
	for k := 1; k <= 6; k++ {
		for blowup := 1; blowup <= 3; blowup++ {
			coeffs := randColumn(r, k)
			values := make([]m31.Elem, len(coeffs)<<blowup)
			Evaluate(values, coeffs)
			for i, v := range values {
				equal(t, "value", v, evalNaive(coeffs, StoragePoint(i, k+blowup)))
			}
			Interpolate(values, values)
			equalSlices(t, "coefficients", values[:len(coeffs)], coeffs)
			equalSlices(t, "padding", values[len(coeffs):], make([]m31.Elem, len(values)-len(coeffs)))
		}
	}
}

// TestFFTEdges transforms columns of extreme elements.
func TestFFTEdges(t *testing.T) {
	for k := 1; k <= 8; k++ {
		for _, e := range []m31.Elem{0, 1, m31.P - 1} {
			v := slices.Repeat([]m31.Elem{e}, 1<<k)
			Interpolate(v, v)
			equal(t, "constant", v[0], e)
			equalSlices(t, "other coefficients", v[1:], make([]m31.Elem, len(v)-1))
			Evaluate(v, v)
			equalSlices(t, "values", v, slices.Repeat([]m31.Elem{e}, 1<<k))
		}
	}
}

func TestEvalAt(t *testing.T) {
	r := randtest.New(t)
	for k := 1; k <= 8; k++ {
		coeffs := randColumn(r, k)
		for range 10 {
			p := randIndex(r).Point()
			equal(t, "value", EvalAt(coeffs, p.Secure()), m31.FromElem(evalNaive(coeffs, p)))
		}
	}
	equal(t, "constant", EvalAt([]m31.Elem{5}, Generator.Secure()), m31.FromElem(5))
}

// TestWeights compares the weighted sum of values with the sum of coefficients times
// basis polynomials, for all splits.
func TestWeights(t *testing.T) {
	r := randtest.New(t)
	for k := 1; k <= 8; k++ {
		coeffs := randColumn(r, k)
		values := make([]m31.Elem, len(coeffs))
		Evaluate(values, coeffs)
		p := SecurePointAt(randQM31(r))
		for split := range k + 1 {
			var sum m31.QM31
			w, scratch := m31.NewSecureVec(1<<split), m31.NewSecureVec(1<<split)
			for first := 0; first < len(values); first += w.Len() {
				Weights(w, scratch, p, k, first)
				for i := range w.Len() {
					sum = sum.Add(w.At(i).MulElem(values[first+i]))
				}
			}
			equal(t, "value", sum, EvalAt(coeffs, p))
		}
	}
}

// TestLifting checks that evaluations of a polynomial, read at lifted indices,
// are those of the polynomial composed with doubling.
func TestLifting(t *testing.T) {
	r := randtest.New(t)
	const k, h = 4, 3
	coeffs := randColumn(r, k)
	values := make([]m31.Elem, 1<<k)
	Evaluate(values, coeffs)
	for p := range 1 << (k + h) {
		at := StoragePoint(p, k+h).Secure().Double(h)
		equal(t, "lifted value", m31.FromElem(values[LiftIndex(p, h)]), EvalAt(coeffs, at))
	}
}

func TestDot(t *testing.T) {
	r := randtest.New(t)
	top := m31.Q(m31.P-1, m31.P-1, m31.P-1, m31.P-1)
	for n := range 40 {
		a, b := randColumn(r, 6)[:n], make([]m31.QM31, n)
		var want m31.QM31
		for i := range a {
			if b[i] = randQM31(r); i%3 == 0 {
				a[i], b[i] = m31.P-1, top
			}
			want = want.Add(b[i].MulElem(a[i]))
		}
		equal(t, "dot product", Dot(a, b), want)
	}
	const n = 1 << 16 // the largest products, n times: (-1)(-1)n
	a, b := slices.Repeat([]m31.Elem{m31.P - 1}, n), slices.Repeat([]m31.QM31{top}, n)
	equal(t, "largest sum", Dot(a, b), m31.Q(n, n, n, n))
}

func TestTwiddles(t *testing.T) {
	for k := 1; k <= 10; k++ {
		tw := TwiddlesOf(k)
		equal(t, "log size", tw.LogSize, k)
		equal(t, "layers", len(tw.Layer), k)
		equal(t, "inverse layers", len(tw.Inverse), k)
		for l := range k {
			equal(t, "length", len(tw.Layer[l]), 1<<(k-1-l))
			for i, f := range tw.Layer[l] {
				// Block i of layer l begins at slot i*2^(l+1).
				p := StoragePoint(i<<(l+1), k)
				want := p.Y
				if l > 0 {
					want = DoubleXSecure(p.Secure().X, l-1).A.A
				}
				equal(t, "factor", f, want)
				equal(t, "inverse", tw.Inverse[l][i].Mul(f), 1)
			}
		}
	}
}

func TestTwiddlesPoint(t *testing.T) {
	for k := 1; k <= 10; k++ {
		for i := range 1 << k {
			equal(t, "point", TwiddlesOf(k).Point(i), StoragePoint(i, k))
		}
	}
}

func TestLineTwiddles(t *testing.T) {
	for k := 1; k <= 10; k++ {
		x, inv := LineTwiddlesOf(k)
		equal(t, "length", len(x), 1<<(k-1))
		for i := range x {
			equal(t, "coordinate", x[i], LineStorageX(2*i, k))
			equal(t, "opposite", x[i].Neg(), LineStorageX(2*i+1, k))
			equal(t, "inverse", x[i].Mul(inv[i]), 1)
		}
	}
}

// TestTwiddlesShared is for the race detector.
func TestTwiddlesShared(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for k := 1; k < 12; k++ {
				TwiddlesOf(k)
				LineTwiddlesOf(k)
			}
		})
	}
	wg.Wait()
	if a, b := TwiddlesOf(11), TwiddlesOf(11); a != b {
		t.Error("the twiddles are computed twice")
	}
}

func TestLine(t *testing.T) {
	r := randtest.New(t)
	for k := range 9 {
		values := make([]m31.QM31, 1<<k)
		for i := range values {
			values[i] = randQM31(r)
		}
		coeffs := slices.Clone(values)
		InterpolateLine(coeffs)
		reversed := make([]m31.QM31, len(coeffs))
		for i, c := range coeffs {
			reversed[Reverse(i, k)] = c
		}
		for i, v := range values {
			x := m31.FromElem(LineStorageX(i, k))
			equal(t, "value", EvalLine(reversed, x), v)
			equal(t, "value by definition", lineNaive(coeffs, x), v)
		}
	}
}

// lineNaive evaluates a line polynomial with coefficients in natural order: bit
// 0 of the index stands for x, bit 1 for 2x^2-1, and so on.
func lineNaive(coeffs []m31.QM31, x m31.QM31) m31.QM31 {
	var sum m31.QM31
	for n, c := range coeffs {
		for l := 0; n>>l != 0; l++ {
			if n>>l&1 == 1 {
				c = c.Mul(DoubleXSecure(x, l))
			}
		}
		sum = sum.Add(c)
	}
	return sum
}

func TestLog2(t *testing.T) {
	for k := range 31 {
		equal(t, "log", Log2(1<<k), k)
	}
}
