package elgamal

import (
	"errors"
	"math/big"
	"testing"
)

// TestRateDoesNotOverflow converts 18 decimals beyond the range of 64 bits.
func TestRateDoesNotOverflow(t *testing.T) {
	ether := new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	tokens := func(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), ether) }
	r := DefaultRate()
	for _, n := range []int64{0, 1, 19, 1_000, 25_000, 1_099_511_627} {
		a := must(r.Amount(tokens(n)))(t)
		if uint64(a) != uint64(n)*1000 {
			t.Errorf("%d tokens are %d units", n, a)
		}
		if back := must(r.BaseUnits(a))(t); back.Cmp(tokens(n)) != 0 {
			t.Errorf("%d tokens come back as %v", n, back)
		}
	}
	full := must(r.BaseUnits(MaxAmount))(t)
	over := new(big.Int).Add(full, big.NewInt(1e15))
	wraps := new(big.Int).Add(tokens(5), new(big.Int).Lsh(big.NewInt(1), 64))
	for name, v := range map[string]*big.Int{
		"above": over, "negative": big.NewInt(-1e15), "fraction": big.NewInt(1e15 + 1),
		"less than a unit": big.NewInt(1), "2^64 too many": wraps, "2^256": new(big.Int).Lsh(big.NewInt(1), 256), "nil": nil,
	} {
		if a, err := r.Amount(v); !errors.Is(err, ErrAmount) {
			t.Errorf("%s: %d, %v", name, a, err)
		}
	}
	if !r.Covers(full) || r.Covers(over) {
		t.Error("Covers is wrong at its limit")
	}
}

func TestRateLimits(t *testing.T) {
	widest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), maxRateBits), big.NewInt(1))
	r := must(NewRate(widest))(t)
	if v := must(r.BaseUnits(MaxAmount))(t); v.BitLen() > 256 {
		t.Errorf("the largest value has %d bits", v.BitLen())
	}
	for _, bad := range []*big.Int{nil, new(big.Int), big.NewInt(-1), new(big.Int).Add(widest, big.NewInt(1))} {
		if _, err := NewRate(bad); !errors.Is(err, ErrRate) {
			t.Errorf("rate %v: %v", bad, err)
		}
	}
	var zero Rate
	if _, err := zero.Amount(big.NewInt(1)); !errors.Is(err, ErrRate) {
		t.Errorf("zero rate: %v", err)
	}
	if _, err := zero.BaseUnits(1); !errors.Is(err, ErrRate) || zero.Covers(big.NewInt(1)) {
		t.Errorf("zero rate: %v", err)
	}
	if _, err := r.BaseUnits(MaxAmount + 1); !errors.Is(err, ErrAmount) {
		t.Errorf("41 bits: %v", err)
	}
}

func TestAmountAdd(t *testing.T) {
	if a := must((MaxAmount - 1).Add(1))(t); a != MaxAmount {
		t.Errorf("sum is %d", a)
	}
	for _, pair := range [][2]Amount{{MaxAmount, 1}, {1, MaxAmount}, {1 << 63, 1 << 63}, {MaxAmount + 1, 0}} {
		if _, err := pair[0].Add(pair[1]); !errors.Is(err, ErrAmount) {
			t.Errorf("%d + %d: %v", pair[0], pair[1], err)
		}
	}
}
