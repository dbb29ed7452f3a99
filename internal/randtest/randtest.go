// Package randtest gives tests random numbers that a failure lets repeat.
package randtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// New returns a random generator. A failing test prints its seed, and the
// environment variable BITSAGE_SEED repeats it.
func New(t testing.TB) *rand.Rand {
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
			t.Logf("repeat with BITSAGE_SEED=%d go test -run '^%s$'", seed, t.Name())
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}
