package circle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
)

const benchLog = 16

// benchColumn returns fixed random coefficients and their evaluations.
func benchColumn() (coeffs, values []m31.Elem) {
	coeffs = randColumn(rand.New(rand.NewPCG(1, 2)), benchLog)
	values = make([]m31.Elem, len(coeffs))
	Evaluate(values, coeffs)
	return coeffs, values
}

func BenchmarkInterpolate(b *testing.B) {
	coeffs, values := benchColumn()
	v := make([]m31.Elem, len(values))
	b.SetBytes(4 << benchLog)
	for b.Loop() {
		copy(v, values)
		Interpolate(v)
	}
	if !slices.Equal(v, coeffs) {
		b.Fatal("wrong coefficients")
	}
}

func BenchmarkEvaluate(b *testing.B) {
	coeffs, _ := benchColumn()
	v := make([]m31.Elem, len(coeffs))
	b.SetBytes(4 << benchLog)
	for b.Loop() {
		Evaluate(v, coeffs)
	}
	for _, i := range []int{0, 1, 12345, len(v) - 1} {
		if want := evalNaive(coeffs, StoragePoint(i, benchLog)); v[i] != want {
			b.Fatalf("value %d is %d, want %d", i, v[i], want)
		}
	}
}
