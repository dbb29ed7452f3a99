package m31

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/randtest"
)

// laneOps are the operations on vectors, with what they do to single elements.
var laneOps = []struct {
	name   string
	vector func(dst, a, b, c Vec)
	elem   func(i int, a, b, c Elem) Elem
}{
	{"Add", func(d, a, b, _ Vec) { Add(d, a, b) }, func(_ int, a, b, _ Elem) Elem { return a.Add(b) }},
	{"Sub", func(d, a, b, _ Vec) { Sub(d, a, b) }, func(_ int, a, b, _ Elem) Elem { return a.Sub(b) }},
	{"Mul", func(d, a, b, _ Vec) { Mul(d, a, b) }, func(_ int, a, b, _ Elem) Elem { return a.Mul(b) }},
	{"MulAdd", MulAdd, func(_ int, a, b, c Elem) Elem { return a.Mul(b).Add(c) }},
	{"SubMul", SubMul, func(_ int, a, b, c Elem) Elem { return c.Sub(a.Mul(b)) }},
	{"Neg", func(d, a, _, _ Vec) { Neg(d, a) }, func(_ int, a, _, _ Elem) Elem { return a.Neg() }},
	{"AddConst", func(d, a, _, _ Vec) { AddConst(d, a, P-1) }, func(_ int, a, _, _ Elem) Elem { return a.Add(P - 1) }},
	{"MulConst", func(d, a, _, _ Vec) { MulConst(d, a, P-2) }, func(_ int, a, _, _ Elem) Elem { return a.Mul(P - 2) }},
	{"Fill", func(d, _, _, _ Vec) { Fill(d, 7) }, func(int, Elem, Elem, Elem) Elem { return 7 }},
	{"Alternate", func(d, a, b, _ Vec) { Alternate(d, a, b) }, func(i int, a, b, _ Elem) Elem {
		if i%2 == 0 {
			return a
		}
		return b
	}},
}

// guarded copies v to where reading behind it crashes.
func guarded(t testing.TB, v Vec) Vec {
	g := impltest.Guarded[Elem](t, len(v))
	copy(g, v)
	return g
}

// mixed returns n elements of which half are at the edges of the field.
func mixed(r *rand.Rand, n int) Vec {
	v := make(Vec, n)
	for i := range v {
		v[i] = randElem(r)
		if r.IntN(2) == 0 {
			v[i] = edge[r.IntN(len(edge))]
		}
	}
	return v
}

func mixedSecure(r *rand.Rand, n int) SecureVec {
	return SecureVec{mixed(r, n), mixed(r, n), mixed(r, n), mixed(r, n)}
}

func TestSecureVec(t *testing.T) {
	r := randtest.New(t)
	const n = 7
	v := NewSecureVec(n)
	equal(t, "length", v.Len(), n)
	want := make([]QM31, n)
	for i := range want {
		equal(t, "zero value", v.At(i), QM31{})
		want[i] = randQM31(r)
		v.Set(i, want[i])
	}
	for i, x := range want {
		equal(t, "element", v.At(i), x)
		for c, e := range x.Coords() {
			equal(t, "coordinate", v[c][i], e)
		}
	}
	part := v.Slice(2, 5)
	equal(t, "length of part", part.Len(), 3)
	part.Set(0, One)
	equal(t, "shared memory", v.At(2), One)
	for c := range v {
		equal(t, "capacity", cap(v[c]), n) // an append cannot reach the next coordinate
	}
	equal(t, "empty", NewSecureVec(0).Len(), 0)
}

// TestLanes runs all lengths around those of vectors, at the end of a page and with
// dst among the operands.
func TestLanes(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		r := randtest.New(t)
		for n := range 70 {
			a, b, c, dst := guarded(t, mixed(r, n)), guarded(t, mixed(r, n)), guarded(t, mixed(r, n)), guarded(t, mixed(r, n))
			for _, op := range laneOps {
				want := make(Vec, n)
				for i := range want {
					want[i] = op.elem(i, a[i], b[i], c[i])
				}
				op.vector(dst, a, b, c)
				checkLanes(t, op.name, dst, want)
				for i := range 3 {
					in := [3]Vec{a, b, c}
					in[i] = slices.Clone(in[i])
					op.vector(in[i], in[0], in[1], in[2])
					checkLanes(t, fmt.Sprint(op.name, " in place of operand ", i), in[i], want)
				}
			}
		}
	})
}

func checkLanes(t *testing.T, what string, got, want Vec) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s of %d elements: %v, want %v", what, len(want), got, want)
	}
}

// TestLaneEdges runs all pairs of edge elements, and P, the other zero, through
// every lane.
func TestLaneEdges(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		all := append([]Elem{P}, edge...)
		for _, x := range all {
			for _, y := range all {
				a, b, dst := make(Vec, 33), make(Vec, 33), make(Vec, 33)
				Fill(a, x)
				Fill(b, y)
				for _, op := range laneOps[:5] { // of those that compute with two operands
					op.vector(dst, a, b, b)
					want := op.elem(0, x%P, y%P, y%P)
					for i, e := range dst {
						if e%P != want || e > P {
							t.Fatalf("%s of %d and %d: %d in lane %d, want %d", op.name, x, y, e, i, want)
						}
					}
				}
			}
		}
	})
}

func TestSecureLanes(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		r := randtest.New(t)
		for n := range 70 {
			var a, b, dst SecureVec
			for k := range a {
				a[k], b[k], dst[k] = guarded(t, mixed(r, n)), guarded(t, mixed(r, n)), guarded(t, mixed(r, n))
			}
			want := NewSecureVec(n)
			for i := range n {
				want.Set(i, a.At(i).Mul(b.At(i)))
			}
			dst.Mul(a, b)
			checkSecure(t, "product", dst, want)
			b.Mul(a, b)
			checkSecure(t, "product in place of the second", b, want)
			a.Mul(a, a)
			for i := range n {
				want.Set(i, dst.At(i))
			}
			k := randQM31(r)
			dst.Fill(k)
			for i := range n {
				want.Set(i, k)
			}
			checkSecure(t, "constant", dst, want)
		}
	})
}

func checkSecure(t *testing.T, what string, got, want SecureVec) {
	t.Helper()
	for k := range got {
		checkLanes(t, fmt.Sprint(what, ", coordinate ", k), got[k], want[k])
	}
}

// TestSecureEdges multiplies elements of edge coordinates, where the sums of
// products are closest to what they may be.
func TestSecureEdges(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		all := edgeQM31s()
		n := len(all)
		a, b, dst := NewSecureVec(n), NewSecureVec(n), NewSecureVec(n)
		for shift := 0; shift < n; shift += 5 {
			for i, x := range all {
				a.Set(i, x)
				b.Set(i, all[(i+shift)%n])
			}
			dst.Mul(a, b)
			for i, x := range all {
				if want := x.Mul(all[(i+shift)%n]); dst.At(i) != want {
					t.Fatalf("%v * %v = %v, want %v", x, all[(i+shift)%n], dst.At(i), want)
				}
			}
		}
	})
}

// TestAddProducts takes all lengths and more columns than fit sums that are not
// folded.
func TestAddProducts(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		r := randtest.New(t)
		for n := range 70 {
			for _, count := range []int{0, 1, 2, 3, 4, 5, 6, 7, 31, 32, 33, 100} {
				columns, coeffs := make([]Vec, count), make([]QM31, count)
				large := r.IntN(2) == 0 // all products near 2^62
				for j := range columns {
					columns[j], coeffs[j] = mixed(r, n), randQM31(r)
					if large {
						Fill(columns[j], P-1)
						coeffs[j] = Q(P-1, P-1, P-1, P-1)
					}
				}
				if count > 0 {
					columns[0] = guarded(t, columns[0])
				}
				v := mixedSecure(r, n)
				v[3] = guarded(t, v[3])
				want := NewSecureVec(n)
				for i := range n {
					x := v.At(i)
					for j, c := range columns {
						x = x.Add(coeffs[j].MulElem(c[i]))
					}
					want.Set(i, x)
				}
				again := NewSecureVec(n)
				for k := range again {
					copy(again[k], v[k])
				}
				v.AddProducts(columns, coeffs)
				checkSecure(t, fmt.Sprint(count, " products"), v, want)
				again.AddProductsAhead(columns, coeffs, []Vec{nil, guarded(t, make(Vec, 1))})
				checkSecure(t, fmt.Sprint(count, " products, reading ahead"), again, want)
			}
		}
	})
}

func TestSum(t *testing.T) {
	r := randtest.New(t)
	for n := range 70 {
		v := mixed(r, n)
		var want Elem
		for _, e := range v {
			want = want.Add(e)
		}
		equal(t, "sum", Sum(v), want)
	}
}

// FuzzLanes compares kernels with arithmetic on single elements.
func FuzzLanes(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\x7f\xfe\xff\xff\x7f"), uint8(40))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, uint8(64))
	f.Fuzz(func(t *testing.T, data []byte, length uint8) {
		n := int(length)
		next := func() Elem {
			var e uint32
			for i := range 4 {
				if len(data) > 0 {
					e |= uint32(data[0]) << (8 * i)
					data = append(data[1:], data[0]+byte(i))
				}
			}
			return New(uint64(e))
		}
		v := [9]Vec{}
		for i := range v {
			v[i] = make(Vec, n)
			for j := range v[i] {
				v[i][j] = next()
			}
		}
		dst := make(Vec, n)
		for _, op := range laneOps {
			op.vector(dst, v[0], v[1], v[2])
			for i, e := range dst {
				if want := op.elem(i, v[0][i], v[1][i], v[2][i]); e != want {
					t.Fatalf("%s: %d, want %d", op.name, e, want)
				}
			}
		}
		a, b, p := SecureVec(v[0:4]), SecureVec(v[4:8]), NewSecureVec(n)
		p.Mul(a, b)
		k := Q(next(), next(), next(), next())
		sum := NewSecureVec(n)
		sum.AddProducts(v[8:], []QM31{k})
		for i := range n {
			equal(t, "secure product", p.At(i), a.At(i).Mul(b.At(i)))
			equal(t, "product with a constant", sum.At(i), k.MulElem(v[8][i]))
		}
	})
}
