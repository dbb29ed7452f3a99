package felt

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

const (
	largest = "0x800000000000011000000000000000000000000000000000000000000000000" // p - 1
	prime   = "0x800000000000011000000000000000000000000000000000000000000000001"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"0x0":                                "0x0",
		"0x00":                               "0x0",
		"0xA":                                "0xa",
		"0xdeadBEEF":                         "0xdeadbeef",
		"0x" + strings.Repeat("0", 64):       "0x0",
		"0x" + strings.Repeat("0", 63) + "7": "0x7",
		largest:                              largest,
	} {
		f, err := Parse(in)
		if err != nil || f.String() != want {
			t.Errorf("%s: got %s, %v, want %s", in, f.String(), err, want)
		}
		again, err := Parse(f.Padded())
		if err != nil || again != f || len(f.Padded()) != 66 {
			t.Errorf("%s: padded form %s: %v", in, f.Padded(), err)
		}
	}
	if _, err := Parse(prime); !errors.Is(err, ErrRange) {
		t.Errorf("the prime: got %v", err)
	}
	if _, err := Parse("0x" + strings.Repeat("f", 64)); !errors.Is(err, ErrRange) {
		t.Errorf("2^256-1: got %v", err)
	}
	for _, in := range []string{"", "0", "12", "0x", "0X1", "0xg", "0x-1", " 0x1", "0x1 ", "0x" + strings.Repeat("0", 65)} {
		if _, err := Parse(in); !errors.Is(err, ErrSyntax) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}

func TestMustParse(t *testing.T) {
	if f := MustParse("0x10"); !f.IsUint64() || f.Uint64() != 16 {
		t.Error(f.String())
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustParse("16")
}

func TestFromBytes(t *testing.T) {
	f := MustParse(largest)
	b := f.Bytes()
	if got, err := FromBytes(b[:]); err != nil || got != f {
		t.Errorf("p-1: %v", err)
	}
	b[31]++
	if _, err := FromBytes(b[:]); !errors.Is(err, ErrRange) {
		t.Errorf("p: got %v", err)
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := FromBytes(make([]byte, n)); !errors.Is(err, ErrSize) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

func TestFromBig(t *testing.T) {
	p := fp.Modulus()
	last := new(big.Int).Sub(p, big.NewInt(1))
	if f, err := FromBig(last); err != nil || f.String() != largest {
		t.Errorf("p-1: %v", err)
	}
	for _, x := range []*big.Int{p, big.NewInt(-1), new(big.Int).Lsh(p, 300)} {
		if _, err := FromBig(x); !errors.Is(err, ErrRange) {
			t.Errorf("%v: got %v", x, err)
		}
	}
}

func TestShortString(t *testing.T) {
	for s, want := range map[string]string{
		"":                          "0x0",
		"SN_MAIN":                   "0x534e5f4d41494e",
		"STARKNET_CONTRACT_ADDRESS": "0x535441524b4e45545f434f4e54524143545f41444452455353",
		strings.Repeat("~", 31):     "0x" + strings.Repeat("7e", 31),
	} {
		f, err := ShortString(s)
		if err != nil || f.String() != want {
			t.Errorf("%q: got %s, %v, want %s", s, f.String(), err, want)
		}
		if back, err := Text(f); err != nil || back != s {
			t.Errorf("%q: back as %q, %v", s, back, err)
		}
	}
	for _, s := range []string{strings.Repeat("a", 32), "é", "a\x00b", "\x80"} {
		if _, err := ShortString(s); !errors.Is(err, ErrShortString) {
			t.Errorf("%q: got %v", s, err)
		}
	}
	for _, x := range []string{"0x80", "0x610062", largest} {
		if _, err := Text(MustParse(x)); !errors.Is(err, ErrShortString) {
			t.Errorf("%s: got %v", x, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0x0", largest, prime, "0x", "7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := Parse(s)
		if err != nil {
			return
		}
		want, ok := new(big.Int).SetString(s[2:], 16)
		if !ok || want.Cmp(x.BigInt(new(big.Int))) != 0 {
			t.Fatalf("%q became %s", s, x.String())
		}
	})
}
