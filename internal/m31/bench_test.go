package m31

import "testing"

// The benchmarks time a chain of dependent products.

func BenchmarkMul(b *testing.B) {
	const e = Elem(123456789)
	x, n := Elem(1), uint64(0)
	for b.Loop() {
		x = x.Mul(e)
		n++
	}
	if want := e.Pow(n); x != want {
		b.Fatalf("%d, want %d", x, want)
	}
}

func BenchmarkQM31Mul(b *testing.B) {
	e := Q(123456789, 987654321, P-1, 31)
	x, n := One, int64(0)
	for b.Loop() {
		x = x.Mul(e)
		n++
	}
	if want := e.Pow(n); x != want {
		b.Fatalf("%v, want %v", x, want)
	}
}

func BenchmarkInvertAll(b *testing.B) {
	v, scratch := make([]Elem, 1<<12), make([]Elem, 1<<12)
	for i := range v {
		v[i] = Elem(i)
	}
	n := 0
	for b.Loop() {
		InvertAll(v, scratch)
		n++
	}
	want := Elem(77)
	if n%2 == 1 {
		want = want.Inv()
	}
	if v[77] != want {
		b.Fatalf("%d, want %d", v[77], want)
	}
}
