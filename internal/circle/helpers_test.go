package circle

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
)

func randColumn(r *rand.Rand, k int) []m31.Elem {
	v := make([]m31.Elem, 1<<k)
	for i := range v {
		v[i] = m31.Elem(r.Uint32N(m31.P))
	}
	return v
}

func randQM31(r *rand.Rand) m31.QM31 {
	v := randColumn(r, 2)
	return m31.Q(v[0], v[1], v[2], v[3])
}

func randIndex(r *rand.Rand) Index { return Index(r.Uint32()) & indexMask }

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func equalSlices[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
