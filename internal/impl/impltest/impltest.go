// Package impltest runs a test with every implementation of the kernels.
package impltest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/impl"
)

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
	avx2, avx512 := impl.AVX2, impl.AVX512
	b.Cleanup(func() { impl.AVX2, impl.AVX512 = avx2, avx512 })
	for i, have := range []bool{true, avx2, avx512} {
		if have {
			impl.AVX2, impl.AVX512 = i > 0, i > 1
			b.Run(name+"/"+impl.Name(), f)
		}
	}
}
