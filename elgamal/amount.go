package elgamal

import (
	"fmt"
	"math/big"
)

// Bits is the number of bits of an amount, of the range proofs of operations and
// of the range that decryption searches.
const Bits = 40

// MaxAmount is the largest amount.
const MaxAmount Amount = 1<<Bits - 1

// Amount is a number of units, at most [MaxAmount]. A [Rate] says what a unit is
// worth in the token's base units.
type Amount uint64

// Valid says that a has at most 40 bits.
func (a Amount) Valid() bool { return a <= MaxAmount }

// Add returns a + b, or [ErrAmount] beyond MaxAmount.
func (a Amount) Add(b Amount) (Amount, error) {
	if !a.Valid() || !b.Valid() || !(a + b).Valid() {
		return 0, fmt.Errorf("%w: a sum of more than %d bits", ErrAmount, Bits)
	}
	return a + b, nil
}

// maxRateBits keeps Rate × MaxAmount below 2^256, the range of an ERC-20 balance.
const maxRateBits = 256 - Bits

// Rate is the number of a token's base units that one unit of an [Amount] is
// worth. The zero Rate is invalid.
//
// A contract must choose its rate such that all tokens that there can ever be are
// at most MaxAmount units, see [Rate.Covers]: then no sum of payments can leave
// the range in which balances can be decrypted and spent.
type Rate struct{ units *big.Int }

// NewRate returns the rate of so many base units, 1 to 2^216 - 1, for one unit.
func NewRate(baseUnits *big.Int) (Rate, error) {
	if baseUnits == nil || baseUnits.Sign() <= 0 || baseUnits.BitLen() > maxRateBits {
		return Rate{}, ErrRate
	}
	return Rate{new(big.Int).Set(baseUnits)}, nil
}

// DefaultRate is 10^15: a unit is a thousandth of a token of 18 decimals, and
// amounts reach 1.09 billion tokens.
func DefaultRate() Rate {
	return Rate{new(big.Int).Exp(big.NewInt(10), big.NewInt(15), nil)}
}

// Covers says that so many base units are at most [MaxAmount] units.
func (r Rate) Covers(baseUnits *big.Int) bool {
	if r.units == nil || baseUnits == nil || baseUnits.Sign() < 0 {
		return false
	}
	limit := new(big.Int).Mul(r.units, new(big.Int).SetUint64(uint64(MaxAmount)))
	return baseUnits.Cmp(limit) <= 0
}

// Amount converts base units. They must be a whole number of units in range:
// nothing is rounded, wrapped or cut off.
func (r Rate) Amount(baseUnits *big.Int) (Amount, error) {
	if r.units == nil {
		return 0, ErrRate
	}
	if !r.Covers(baseUnits) {
		return 0, fmt.Errorf("%w: out of range", ErrAmount)
	}
	q, rest := new(big.Int).QuoRem(baseUnits, r.units, new(big.Int))
	if rest.Sign() != 0 {
		return 0, fmt.Errorf("%w: %v base units are no whole number of units of %v", ErrAmount, baseUnits, r.units)
	}
	return Amount(q.Uint64()), nil
}

// BaseUnits converts an amount.
func (r Rate) BaseUnits(a Amount) (*big.Int, error) {
	if r.units == nil {
		return nil, ErrRate
	}
	if !a.Valid() {
		return nil, fmt.Errorf("%w: more than %d bits", ErrAmount, Bits)
	}
	return new(big.Int).Mul(r.units, new(big.Int).SetUint64(uint64(a))), nil
}
