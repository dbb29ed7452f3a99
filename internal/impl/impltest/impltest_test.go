package impltest

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/impl"
)

func TestEach(t *testing.T) {
	avx512 := impl.AVX512
	var seen []string
	t.Run("each", func(t *testing.T) { Each(t, func(t *testing.T) { seen = append(seen, impl.Name()) }) })
	if seen[0] != "generic" || slices.Contains(seen, "avx512") != avx512 || impl.AVX512 != avx512 {
		t.Errorf("ran %v, AVX512 %v before and %v after", seen, avx512, impl.AVX512)
	}
}

func TestGuarded(t *testing.T) {
	for _, n := range []int{0, 1, 1023, 1024, 1025} {
		v := Guarded[uint32](t, n)
		for i := range v {
			v[i]++
		}
		if len(v) != n || slices.ContainsFunc(v, func(x uint32) bool { return x != 1 }) {
			t.Errorf("%d elements, want %d zeros", len(v), n)
		}
	}
}

func TestBench(t *testing.T) {
	avx2, vnni := impl.AVX2, impl.VNNI
	seen := make(map[string]bool)
	testing.Benchmark(func(b *testing.B) {
		Bench(b, "x", func(b *testing.B) {
			seen[impl.Name()] = true
			if impl.VNNI {
				t.Error("Bench leaves VNNI on")
			}
		})
	})
	if !seen["generic"] || seen["avx2"] != avx2 || impl.AVX2 != avx2 {
		t.Errorf("ran %v, AVX2 %v before and %v after", seen, avx2, impl.AVX2)
	}
	with := false
	testing.Benchmark(func(b *testing.B) { BenchBytes(b, "x", func(b *testing.B) { with = with || impl.VNNI }) })
	if with != vnni || impl.VNNI != vnni {
		t.Errorf("ran with VNNI: %v, want %v; %v after", with, vnni, impl.VNNI)
	}
}
