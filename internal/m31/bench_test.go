package m31

import (
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
)

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

// BenchmarkLanes times the kernels on vectors that stay in the first-level cache, by
// implementation.
func BenchmarkLanes(b *testing.B) {
	const n = 512
	r := rand.New(rand.NewPCG(1, 2))
	x, y, z, dst := mixed(r, n), mixed(r, n), mixed(r, n), make(Vec, n)
	for _, op := range laneOps {
		impltest.Bench(b, op.name, func(b *testing.B) {
			for b.Loop() {
				op.vector(dst, x, y, z)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/elem")
			for i, e := range dst {
				equal(b, "element", e, op.elem(i, x[i], y[i], z[i]))
			}
		})
	}
}

func BenchmarkSecureLanes(b *testing.B) {
	const n, count = 256, 32
	r := rand.New(rand.NewPCG(3, 4))
	v, w, p := mixedSecure(r, n), mixedSecure(r, n), NewSecureVec(n)
	impltest.Bench(b, "Mul", func(b *testing.B) {
		for b.Loop() {
			p.Mul(v, w)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/elem")
		equal(b, "product", p.At(n-1), v.At(n-1).Mul(w.At(n-1)))
	})
	columns, coeffs := make([]Vec, count), make([]QM31, count)
	for i := range columns {
		columns[i], coeffs[i] = mixed(r, n), randQM31(r)
	}
	impltest.Bench(b, "AddProducts", func(b *testing.B) {
		for b.Loop() {
			p.Fill(QM31{})
			p.AddProducts(columns, coeffs)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(n*count), "ns/elem")
		var want QM31
		for i, c := range columns {
			want = want.Add(coeffs[i].MulElem(c[n-1]))
		}
		equal(b, "sum", p.At(n-1), want)
	})
}
