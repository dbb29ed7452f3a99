package poseidon

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"

	"github.com/bitsage/bitsage/chain/felt"
)

func element(t *testing.T, s string) felt.Felt {
	t.Helper()
	var x fp.Element
	if _, err := x.SetString(s); err != nil {
		t.Fatal(err)
	}
	return felt.Felt(x)
}

// TestPermute checks the permutation of zeros, the example of the reference
// implementation (cairo-lang, starkware/cairo/common/poseidon_hash).
func TestPermute(t *testing.T) {
	var s [3]felt.Felt
	Permute(&s)
	for i, want := range []string{
		"3446325744004048536138401612021367625846492093718951375866996507163446763827",
		"1590252087433376791875644726012779423683501236913937337746052470473806035332",
		"867921192302518434283879514999422690776342565400001269945778456016268852423",
	} {
		if s[i] != element(t, want) {
			t.Errorf("element %d is %v, want %s", i, s[i], want)
		}
	}
}

// TestHash checks the values that starknet.js 10.8.0 gives.
func TestHash(t *testing.T) {
	one, two, three := element(t, "1"), element(t, "2"), element(t, "3")
	if got, want := Hash(&one, &two), element(t, "0x05d44a3decb2b2e0cc71071f7b802f45dd792d064f0fc7316c46514f70f9891a"); got != want {
		t.Errorf("Hash is %v, want %v", got, want)
	}
	if got, want := HashMany(one, two, three), element(t, "0x02f0d8840bcf3bc629598d8a6cc80cb7c0d9e52d93dab244bbf9cd0dca0ad082"); got != want {
		t.Errorf("HashMany is %v, want %v", got, want)
	}
}
