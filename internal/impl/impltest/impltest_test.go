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
