package wallet

import (
	"encoding/hex"
	"errors"
	"math"
	"testing"
)

// TestBIP32 checks private keys of the test vectors 1 and 3 of BIP-32, the latter
// about leading zeros.
func TestBIP32(t *testing.T) {
	const h = hardened
	one := "000102030405060708090a0b0c0d0e0f"
	three := "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be"
	for _, c := range []struct {
		seed string
		path []uint32
		want string
	}{
		{one, nil, "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35"},
		{one, []uint32{0 | h}, "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"},
		{one, []uint32{0 | h, 1}, "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368"},
		{one, []uint32{0 | h, 1, 2 | h}, "cbce0d719ecf7431d88e6a89fa1483e02e35092af60c042b1df2ff59fa424dca"},
		{one, []uint32{0 | h, 1, 2 | h, 2}, "0f479245fb19a38a1954c5c7c0ebab2f9bdfd96a17563ef28a6a4b1a2a764ef4"},
		{one, []uint32{0 | h, 1, 2 | h, 2, 1000000000}, "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8"},
		{three, nil, "00ddb80b067e0d4993197fe10f2657a844a384589847602d56f0c629c81aae32"},
		{three, []uint32{0 | h}, "491f7a2eebc7b57028e0d3faa0acda02e75c33b03c48fb288c41e2ea44e1daef"},
	} {
		got, err := derivePath(unhex(t, c.seed), c.path...)
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("%v: %x, %v, want %s", c.path, got, err, c.want)
		}
	}
}

func TestDeriveKeyRefuses(t *testing.T) {
	seed := make([]byte, 64)
	for name, c := range map[string]struct {
		seed   []byte
		scheme Scheme
		index  uint32
		want   error
	}{
		"no scheme":      {seed, 0, 0, ErrScheme},
		"unknown scheme": {seed, 3, 0, ErrScheme},
		"index 2^31":     {seed, SchemeBraavos, 1 << 31, ErrIndex},
		"last index":     {seed, SchemeArgent, math.MaxUint32, ErrIndex},
		"no seed":        {nil, SchemeBraavos, 0, ErrSeedSize},
		"short seed":     {seed[:15], SchemeArgent, 0, ErrSeedSize},
		"long seed":      {make([]byte, 65), SchemeBraavos, 0, ErrSeedSize},
	} {
		if _, err := DeriveKey(c.seed, c.scheme, c.index); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, err := DeriveKey(seed[:16], SchemeArgent, 1<<31-1); err != nil {
		t.Errorf("smallest seed, largest index: %v", err)
	}
}

func TestParseScheme(t *testing.T) {
	for _, s := range []Scheme{SchemeBraavos, SchemeArgent} {
		if got, err := ParseScheme(s.String()); err != nil || got != s {
			t.Errorf("%v: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "Braavos", "ready", "Scheme(0)", Scheme(0).String()} {
		if _, err := ParseScheme(s); !errors.Is(err, ErrScheme) {
			t.Errorf("%q: got %v", s, err)
		}
	}
}
