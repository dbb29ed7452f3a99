package circle

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
)

// seeded returns a random generator. A failing test prints the seed, and
// BITSAGE_SEED repeats it.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if s := os.Getenv("BITSAGE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with BITSAGE_SEED=%d go test -run '^%s$' ./internal/circle", seed, t.Name())
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

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
