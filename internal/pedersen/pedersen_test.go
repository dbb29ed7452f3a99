package pedersen

import (
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	pedersenhash "github.com/consensys/gnark-crypto/ecc/stark-curve/pedersen-hash"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/vectors"
)

// load returns the hashes of testdata/wallet.json.
func load(t *testing.T) map[string]string {
	t.Helper()
	var v struct{ Hashes map[string]string }
	vectors.Load(t, &v, "wallet.json")
	return v.Hashes
}

// TestHash compares with the vectors and, at the edges of the two parts of an
// operand and at random, with gnark-crypto.
func TestHash(t *testing.T) {
	v := load(t)
	one, two, three := felt.MustParse("0x1"), felt.MustParse("0x2"), felt.MustParse("0x3")
	if got := Hash(one, two).Padded(); got != v["pedersen_1_2"] {
		t.Errorf("pedersen(1, 2) = %s", got)
	}
	if got := Array(one, two, three).Padded(); got != v["pedersenArray_1_2_3"] {
		t.Errorf("pedersenArray(1, 2, 3) = %s", got)
	}
	edges := []string{"0x0", "0x1", "0xf", "0x10",
		"0x" + strings.Repeat("f", 62), "0x1" + strings.Repeat("0", 62), // around 2^248
		"0x7" + strings.Repeat("f", 62), "0x8" + strings.Repeat("0", 62), // around 2^251
		"0x800000000000011000000000000000000000000000000000000000000000000"} // p - 1
	for _, a := range edges {
		for _, b := range edges {
			compare(t, felt.MustParse(a), felt.MustParse(b))
		}
	}
	for range 200 {
		var a, b fp.Element
		compare(t, felt.Felt(*a.MustSetRandom()), felt.Felt(*b.MustSetRandom()))
	}
}

func theirs(a, b felt.Felt) felt.Felt {
	return felt.Felt(pedersenhash.Pedersen((*fp.Element)(&a), (*fp.Element)(&b)))
}

func compare(t *testing.T, a, b felt.Felt) {
	t.Helper()
	if got, want := Hash(a, b), theirs(a, b); got != want {
		t.Errorf("pedersen(%s, %s) = %s, want %s", a, b, got, want)
	}
}

func BenchmarkHash(b *testing.B) {
	x, y := felt.MustParse("0x1"), felt.MustParse("0x800000000000011000000000000000000000000000000000000000000000000")
	want := theirs(x, y)
	for b.Loop() {
		if Hash(x, y) != want {
			b.Fatal("wrong hash")
		}
	}
}
