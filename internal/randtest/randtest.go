// Package randtest gives tests random numbers that a failure lets repeat.
package randtest

import (
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/stretchr/testify/require"
)

// TestingT is a test whose end can be waited for.
type TestingT interface {
	require.TestingT
	Name() string
	Failed() bool
	Logf(format string, args ...any)
	Cleanup(f func())
}

// New returns a random generator. A failing test prints its seed, and the
// environment variable BITSAGE_SEED repeats it.
func New(t TestingT) *rand.Rand {
	seed := rand.Uint64()
	if s := os.Getenv("BITSAGE_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "BITSAGE_SEED")
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with BITSAGE_SEED=%d go test -run '^%s$'", seed, t.Name())
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}
