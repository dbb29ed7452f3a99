package cairo

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestU256 compares the arithmetic with math/big on numbers at the edges and at random.
func TestU256(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	numbers := []U256{{}, U256Of(1), U256Of(2), {^uint64(0)}, {0, 1}, {^uint64(0), ^uint64(0)}, {0, 0, 1}, MaxU256, MaxU256.Sub(U256Of(1)), {0, 0, 0, 1 << 63}}
	for range 30 {
		x := U256{random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()}
		for i := random.IntN(4); i > 0; i-- {
			x[4-i] = 0
		}
		numbers = append(numbers, x)
	}
	r := new(Run)
	for _, x := range numbers {
		if U256FromBig(x.Big()) != x || U256FromBytes(x.bytes()) != x || U256FromDecimal(x.Big().String()) != x {
			t.Errorf("%v does not survive", x)
		}
		for _, y := range numbers {
			a, b := x.Big(), y.Big()
			if x.Cmp(y) != a.Cmp(b) {
				t.Errorf("cmp(%v, %v)", a, b)
			}
			for _, op := range []struct {
				name string
				want *big.Int // nil for a panic
				do   func() U256
			}{
				{"add", new(big.Int).Add(a, b), func() U256 { return x.Add(y) }},
				{"sub", new(big.Int).Sub(a, b), func() U256 { return x.Sub(y) }},
				{"mul", new(big.Int).Mul(a, b), func() U256 { return x.Mul(y) }},
				{"div", quotient(a, b), func() U256 { return x.Div(y) }},
				{"min", slices.MinFunc([]*big.Int{a, b}, (*big.Int).Cmp), func() U256 { return Min(x, y) }},
			} {
				var got U256
				failed := r.Protect(func() { got = op.do() }) != nil
				fits := op.want != nil && op.want.Sign() >= 0 && op.want.BitLen() <= 256
				if failed == fits || fits && got.Big().Cmp(op.want) != 0 {
					t.Errorf("%s(%v, %v) = %v, failed %v", op.name, a, b, got.Big(), failed)
				}
			}
		}
	}
	if r.Protect(func() { Add("u8", uint8(255), 1) }) == nil || r.Protect(func() { Sub("u8", uint8(0), 1) }) == nil || Add("u8", uint8(254), 1) != 255 {
		t.Error("small integers")
	}
}

func quotient(a, b *big.Int) *big.Int {
	if b.Sign() == 0 {
		return nil
	}
	return new(big.Int).Div(a, b)
}
