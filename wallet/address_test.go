package wallet

import (
	"errors"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

func TestParseClass(t *testing.T) {
	for c := ClassOpenZeppelin; c <= ClassBraavos; c++ {
		if got, err := ParseClass(c.String()); err != nil || got != c {
			t.Errorf("%v: got %v, %v", c, got, err)
		}
	}
	for _, s := range []string{"", "OpenZeppelin", "Class(0)", Class(0).String(), Class(6).String()} {
		if _, err := ParseClass(s); !errors.Is(err, ErrClass) {
			t.Errorf("%q: got %v", s, err)
		}
	}
}

func TestUnknownClass(t *testing.T) {
	for _, c := range []Class{0, 6, 255} {
		if h := c.Hash(); !h.IsZero() || c.Calldata(felt.Felt{}) != nil {
			t.Errorf("%v has a hash or calldata", c)
		}
		if _, err := c.Address(felt.Felt{}); !errors.Is(err, ErrClass) {
			t.Errorf("%v: got %v", c, err)
		}
	}
}

func TestClassScheme(t *testing.T) {
	for c, want := range map[Class]Scheme{
		ClassOpenZeppelin: SchemeBraavos, ClassOpenZeppelin17: SchemeBraavos, ClassBraavos: SchemeBraavos,
		ClassArgent: SchemeArgent, ClassArgent031: SchemeArgent,
	} {
		if got := c.Scheme(); got != want {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// TestContractAddressInputs wants every input of an address to matter, and no
// arguments to be allowed.
func TestContractAddressInputs(t *testing.T) {
	n := func(x uint64) (f felt.Felt) { f.SetUint64(x); return f }
	seen := make(map[felt.Felt]int)
	for i, a := range []felt.Felt{
		ContractAddress(n(0), n(1), n(2), nil),
		ContractAddress(n(3), n(1), n(2), nil),
		ContractAddress(n(0), n(3), n(2), nil),
		ContractAddress(n(0), n(1), n(3), nil),
		ContractAddress(n(0), n(1), n(2), []felt.Felt{n(0)}),
		ContractAddress(n(0), n(1), n(2), []felt.Felt{n(0), n(0)}),
	} {
		if j, ok := seen[a]; ok {
			t.Errorf("inputs %d and %d have the same address", i, j)
		}
		seen[a] = i
		if a.Cmp(addressBound) >= 0 {
			t.Errorf("address %s is too large", a)
		}
	}
}

// TestReduceAddress checks the few numbers that are reduced, which no hash of a
// test hits.
func TestReduceAddress(t *testing.T) {
	for in, want := range map[string]string{
		"0x0": "0x0",
		"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeff": "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeff",
		"0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00": "0x0",
		"0x800000000000000000000000000000000000000000000000000000000000000": "0x100",
		"0x800000000000011000000000000000000000000000000000000000000000000": "0x11000000000000000000000000000000000000000000000100",
	} {
		if got := reduceAddress(felt.MustParse(in)); got.String() != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
