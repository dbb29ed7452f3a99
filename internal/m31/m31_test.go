package m31

import (
	"math"
	"testing"

	"github.com/bitsage/bitsage/internal/randtest"
)

// TestElemOracle compares every operation with plain 64-bit arithmetic.
func TestElemOracle(t *testing.T) {
	all := elems(randtest.New(t), 200)
	for _, a := range all {
		for _, b := range all {
			x, y := uint64(a), uint64(b)
			equal(t, "a+b", a.Add(b), Elem((x+y)%P))
			equal(t, "a-b", a.Sub(b), Elem((x+P-y)%P))
			equal(t, "a*b", a.Mul(b), Elem(x*y%P))
			if t.Failed() {
				t.Fatalf("a = %d, b = %d", a, b)
			}
		}
		equal(t, "-a", a.Neg(), Elem((P-uint64(a))%P))
		equal(t, "2a", a.Double(), Elem(2*uint64(a)%P))
		equal(t, "a*a", a.Square(), a.Mul(a))
	}
}

func TestNew(t *testing.T) {
	r := randtest.New(t)
	in := []uint64{0, 1, P - 1, P, P + 1, 2*P - 1, 2 * P, 2*P + 1, 1 << 31, 1 << 32, 1 << 62, (P - 1) * (P - 1), 1 << 63, math.MaxUint64 - 1, math.MaxUint64}
	for k := range 63 {
		in = append(in, uint64(P)<<k, uint64(P)<<k-1, uint64(P)<<k+1)
	}
	for range 1000 {
		in = append(in, r.Uint64())
	}
	for _, v := range in {
		if got := New(v); got != Elem(v%P) {
			t.Errorf("New(%d) = %d, want %d", v, got, v%P)
		}
	}
}

func TestFromInt64(t *testing.T) {
	for _, c := range []struct {
		in   int64
		want Elem
	}{
		{0, 0}, {1, 1}, {-1, P - 1}, {P, 0}, {-P, 0}, {P - 1, P - 1}, {1 - P, 1}, {-P - 1, P - 1},
		{math.MaxInt64, 1}, {math.MinInt64, P - 2}, // 2^63 = 2 modulo p
	} {
		equal(t, "FromInt64", FromInt64(c.in), c.want)
	}
}

func TestCentered(t *testing.T) {
	for _, c := range []struct {
		in   Elem
		want int64
	}{{0, 0}, {1, 1}, {P - 1, -1}, {P / 2, P / 2}, {P/2 + 1, -(P / 2)}} {
		equal(t, "Centered", c.in.Centered(), c.want)
	}
	for _, e := range elems(randtest.New(t), 100) {
		equal(t, "round trip", FromInt64(e.Centered()), e)
	}
}

func TestIsCanonical(t *testing.T) {
	for _, c := range []struct {
		e    Elem
		want bool
	}{{0, true}, {P - 1, true}, {P, false}, {P + 1, false}, {math.MaxUint32, false}} {
		equal(t, "Elem", c.e.IsCanonical(), c.want)
		for i := range 4 {
			var q quad
			q[i] = c.e
			equal(t, "QM31", q.value().IsCanonical(), c.want)
		}
	}
}

// field is what the three fields have in common.
type field[T any] interface {
	comparable
	Add(T) T
	Sub(T) T
	Neg() T
	Mul(T) T
	Inv() T
}

func TestFieldLaws(t *testing.T) {
	r := randtest.New(t)
	t.Run("M31", func(t *testing.T) { testLaws(t, 1, elems(r, 30)) })
	t.Run("CM31", func(t *testing.T) { testLaws(t, CM31{1, 0}, cm31s(r, 10)) })
	t.Run("QM31", func(t *testing.T) { testLaws(t, One, qm31s(r, 20)) })
}

func testLaws[T field[T]](t *testing.T, one T, all []T) {
	var zero T
	for _, a := range all {
		testUnaryLaws(t, one, a)
		for _, b := range all {
			equal(t, "a+b", a.Add(b), b.Add(a))
			equal(t, "a*b", a.Mul(b), b.Mul(a))
			equal(t, "a-b", a.Sub(b), a.Add(b.Neg()))
			equal(t, "zero divisors", a.Mul(b) == zero, a == zero || b == zero)
			for _, c := range all {
				equal(t, "(a+b)+c", a.Add(b).Add(c), a.Add(b.Add(c)))
				equal(t, "(ab)c", a.Mul(b).Mul(c), a.Mul(b.Mul(c)))
				equal(t, "a(b+c)", a.Mul(b.Add(c)), a.Mul(b).Add(a.Mul(c)))
			}
			if t.Failed() {
				t.Fatalf("a = %v, b = %v", a, b)
			}
		}
	}
}

func testUnaryLaws[T field[T]](t *testing.T, one, a T) {
	var zero T
	equal(t, "a+0", a.Add(zero), a)
	equal(t, "a*1", a.Mul(one), a)
	equal(t, "a*0", a.Mul(zero), zero)
	equal(t, "a-a", a.Sub(a), zero)
	equal(t, "-(-a)", a.Neg().Neg(), a)
	want := one
	if a == zero {
		want = zero // by definition
	}
	equal(t, "a/a", a.Mul(a.Inv()), want)
	equal(t, "1/(1/a)", a.Inv().Inv(), a)
}

func TestPow(t *testing.T) {
	for _, e := range elems(randtest.New(t), 20) {
		acc := Elem(1)
		for n := range uint64(20) {
			equal(t, "e^n", e.Pow(n), acc)
			acc = acc.Mul(e)
		}
		equal(t, "e^(P-2)", e.Pow(P-2), e.Inv())
		equal(t, "e^P", e.Pow(P), e)
	}
}

func TestPowQM31(t *testing.T) {
	for _, x := range qm31s(randtest.New(t), 10) {
		acc, inv := One, x.Inv()
		for n := range int64(10) {
			equal(t, "x^n", x.Pow(n), acc)
			equal(t, "x^-n", x.Pow(-n), inv.Pow(n))
			acc = acc.Mul(x)
		}
		half := inv.Pow(1 << 62)
		equal(t, "x^MinInt64", x.Pow(math.MinInt64), half.Mul(half))
		// The Frobenius map generates a group of order 4.
		equal(t, "x^(P^4)", x.Pow(P).Pow(P).Pow(P).Pow(P), x)
	}
}

// times is the multiplication table of the basis 1, i, u, iu.
var times = [4][4][4]int64{
	{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}},
	{{0, 1, 0, 0}, {-1, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, -1, 0}},
	{{0, 0, 1, 0}, {0, 0, 0, 1}, {2, 1, 0, 0}, {-1, 2, 0, 0}},
	{{0, 0, 0, 1}, {0, 0, -1, 0}, {-1, 2, 0, 0}, {-2, -1, 0, 0}},
}

// mulTable multiplies by the table.
func mulTable(x, y QM31) QM31 {
	var sum [4]uint64
	for i, a := range x.Coords() {
		for j, b := range y.Coords() {
			ab := uint64(a) * uint64(b) % P
			for k, c := range times[i][j] {
				sum[k] = (sum[k] + ab*uint64(c+P)) % P
			}
		}
	}
	return Q(Elem(sum[0]), Elem(sum[1]), Elem(sum[2]), Elem(sum[3]))
}

// TestQM31Oracle compares the products of all quadruples of edge elements, and
// the products with subfields, with the multiplication table.
func TestQM31Oracle(t *testing.T) {
	r := randtest.New(t)
	right := qm31s(r, 12)
	for _, x := range append(edgeQM31s(), qm31s(r, 100)...) {
		for _, y := range right {
			equal(t, "x*y", x.Mul(y), mulTable(x, y))
			equal(t, "x*A(y)", x.MulCM31(y.A), mulTable(x, QM31{A: y.A}))
			equal(t, "x*a", x.MulElem(y.A.A), mulTable(x, FromElem(y.A.A)))
			equal(t, "x+a", x.AddElem(y.A.A), x.Add(FromElem(y.A.A)))
			if t.Failed() {
				t.Fatalf("x = %v, y = %v", x, y)
			}
		}
		equal(t, "A(x)*a", x.A.MulElem(x.B.A), x.A.Mul(CM31{x.B.A, 0}))
		equal(t, "x^2", x.Square(), mulTable(x, x))
	}
}

func TestConj(t *testing.T) {
	all := qm31s(randtest.New(t), 30)
	for _, x := range all {
		equal(t, "conjugate twice", x.Conj().Conj(), x)
		equal(t, "norm in CM31", x.Mul(x.Conj()).B, CM31{})
		equal(t, "trace", x.Add(x.Conj()), QM31{A: x.A.Add(x.A)})
		equal(t, "Frobenius twice", x.Pow(P).Pow(P), x.Conj())
		for _, y := range all {
			equal(t, "multiplicative", x.Mul(y).Conj(), x.Conj().Mul(y.Conj()))
			equal(t, "additive", x.Add(y).Conj(), x.Conj().Add(y.Conj()))
		}
	}
}

func TestFromPartials(t *testing.T) {
	r := randtest.New(t)
	i, u, iu := Q(0, 1, 0, 0), Q(0, 0, 1, 0), Q(0, 0, 0, 1)
	all := append(edgeQM31s(), qm31s(r, 50)...)
	for range 2000 {
		var e [4]QM31
		for k := range e {
			e[k] = all[r.IntN(len(all))]
		}
		want := e[0].Add(mulTable(i, e[1])).Add(mulTable(u, e[2])).Add(mulTable(iu, e[3]))
		equal(t, "partials", FromPartials(e[0], e[1], e[2], e[3]), want)
	}
	for _, x := range all {
		c := x.Coords()
		got := FromPartials(FromElem(c[0]), FromElem(c[1]), FromElem(c[2]), FromElem(c[3]))
		equal(t, "of coordinates", got, x)
	}
}

func TestQM31Predicates(t *testing.T) {
	for _, x := range append(edgeQM31s(), qm31s(randtest.New(t), 10)...) {
		c := x.Coords()
		equal(t, "Q(Coords)", Q(c[0], c[1], c[2], c[3]), x)
		equal(t, "IsZero", x.IsZero(), c == [4]Elem{})
		equal(t, "IsBase", x.IsBase(), c[1] == 0 && c[2] == 0 && c[3] == 0)
		equal(t, "IsCanonical", x.IsCanonical(), true)
	}
}
