// Package impltest runs a test with every implementation of the kernels.
package impltest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/impl"
)

// TestingT is a test whose end can be waited for.
type TestingT interface {
	require.TestingT
	Cleanup(f func())
}

// Each runs f once per set of instructions that this machine has, plain Go first.
// The environment variable BITSAGE_REQUIRE lists sets, separated by commas, without
// which the test fails: avx2, avx512, vnni. Tests that use Each must not run in
// parallel with others of their package.
func Each(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	avx2, avx512, vnni := impl.AVX2, impl.AVX512, impl.VNNI
	t.Cleanup(func() { impl.AVX2, impl.AVX512, impl.VNNI = avx2, avx512, vnni })
	var ran []string
	run := func(name string, have, a2, a512, v bool) {
		if !have {
			return
		}
		ran = append(ran, name)
		impl.AVX2, impl.AVX512, impl.VNNI = a2, a512, v
		t.Run(name, f)
	}
	run("generic", true, false, false, false)
	run("avx2", avx2, true, false, false)
	run("avx512", avx512, true, true, false)
	run("vnni", vnni, true, true, true)
	for name := range strings.SplitSeq(os.Getenv("BITSAGE_REQUIRE"), ",") {
		if name != "" && !slices.Contains(ran, name) {
			t.Errorf("BITSAGE_REQUIRE wants %q, which this machine or build does not have", name)
		}
	}
}

// Bench runs f once per set of instructions that this machine has, VNNI left out,
// under the given name.
func Bench(b *testing.B, name string, f func(b *testing.B)) {
	bench(b, name, f, "generic", "avx2", "avx512")
}

// BenchBytes is Bench for products of bytes, which use VNNI and else AVX2.
func BenchBytes(b *testing.B, name string, f func(b *testing.B)) {
	bench(b, name, f, "generic", "avx2", "vnni")
}

func bench(b *testing.B, name string, f func(b *testing.B), sets ...string) {
	avx2, avx512, vnni := impl.AVX2, impl.AVX512, impl.VNNI
	b.Cleanup(func() { impl.AVX2, impl.AVX512, impl.VNNI = avx2, avx512, vnni })
	have := map[string]bool{"generic": true, "avx2": avx2, "avx512": avx512, "vnni": vnni}
	for _, set := range sets {
		if have[set] {
			impl.AVX2, impl.AVX512, impl.VNNI = set != "generic", set == "avx512" || set == "vnni", set == "vnni"
			b.Run(name+"/"+set, f)
		}
	}
}
