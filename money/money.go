// Package money has the type of public amounts of SAGE, the network's token, as in
// balances, stakes, bonds and prices. Amounts that are encrypted are another type,
// elgamal.Amount, of coarser units and another range.
package money

import (
	"errors"
	"math/big"
	"math/bits"
	"strings"
)

// Decimals is the number of decimals of SAGE: its smallest unit is 10^-18.
const Decimals = 18

// unit is one SAGE in its smallest units.
const unit = 1_000_000_000_000_000_000

// The errors of this package.
var (
	// ErrSyntax means that a text is not an amount: digits, and perhaps a point and
	// more digits.
	ErrSyntax = errors.New("money: an amount is written as in 1000 or 2.5, without sign, exponent or separators")
	// ErrPrecision means that a text has more than 18 decimals.
	ErrPrecision = errors.New("money: SAGE has 18 decimals, the amount has more")
	// ErrRange means that a number or a result is negative or not below 2^128
	// smallest units, which all SAGE that can exist are.
	ErrRange = errors.New("money: the amount is negative or too large")
)

// Amount is an amount of SAGE: a whole number, from 0 to 2^128 - 1, of units of
// 10^-18 SAGE. It is never negative, and no arithmetic on it overflows or rounds
// silently. The zero Amount is nothing, and Amounts are equal if == says so. As
// text, and so as JSON string, flag or key of a map, it is what String returns.
type Amount struct{ hi, lo uint64 }

// Max is the largest Amount.
var Max = Amount{^uint64(0), ^uint64(0)}

// SAGE returns n SAGE. Every n is in range.
func SAGE(n uint64) Amount {
	hi, lo := bits.Mul64(n, unit)
	return Amount{hi, lo}
}

// FromBase returns a number of smallest units, or ErrRange.
func FromBase(units *big.Int) (Amount, error) {
	if units.Sign() < 0 || units.BitLen() > 128 {
		return Amount{}, ErrRange
	}
	var b [16]byte
	units.FillBytes(b[:])
	var a Amount
	for i := range 8 {
		a.hi, a.lo = a.hi<<8|uint64(b[i]), a.lo<<8|uint64(b[8+i])
	}
	return a, nil
}

// maxText is the length of the longest text that Parse reads; Max has 40 characters.
const maxText = 64

// Parse reads an amount of SAGE: digits, and perhaps a point and 1 to 18 more, as in
// 1000 or 2.5. It fails with ErrSyntax, ErrPrecision or ErrRange and never rounds.
// Signs, exponents, separators of thousands and names of units are refused: an
// amount of money has one reading.
func Parse(s string) (Amount, error) {
	whole, fraction, point := strings.Cut(s, ".")
	if len(s) > maxText || !digits(whole) || point && !digits(fraction) {
		return Amount{}, ErrSyntax
	}
	if len(fraction) > Decimals {
		return Amount{}, ErrPrecision
	}
	n, _ := new(big.Int).SetString(whole+fraction+strings.Repeat("0", Decimals-len(fraction)), 10)
	return FromBase(n)
}

// digits accepts one decimal digit or more.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// Base returns the number of smallest units, in a new big.Int.
func (a Amount) Base() *big.Int {
	n := new(big.Int).SetUint64(a.hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(a.lo))
}

// String returns the amount in SAGE, exact and without needless zeros, as 2.5. It
// is the inverse of Parse.
func (a Amount) String() string {
	s := a.Base().String()
	if n := Decimals + 1 - len(s); n > 0 {
		s = strings.Repeat("0", n) + s
	}
	i := len(s) - Decimals
	return strings.TrimSuffix(strings.TrimRight(s[:i]+"."+s[i:], "0"), ".")
}

// MarshalText returns what String does.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what Parse does, and with its errors. A number in JSON is no
// amount, only a string is.
func (a *Amount) UnmarshalText(text []byte) error {
	b, err := Parse(string(text))
	if err == nil {
		*a = b
	}
	return err
}

// IsZero reports whether a is nothing.
func (a Amount) IsZero() bool { return a == Amount{} }

// Cmp returns -1 if a < b, 0 if a == b, and 1 if a > b.
func (a Amount) Cmp(b Amount) int {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	switch {
	case borrow == 1:
		return -1
	case hi|lo == 0:
		return 0
	}
	return 1
}

// Less reports whether a < b.
func (a Amount) Less(b Amount) bool { return a.Cmp(b) < 0 }

// Add returns a + b, or ErrRange.
func (a Amount) Add(b Amount) (Amount, error) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	if carry != 0 {
		return Amount{}, ErrRange
	}
	return Amount{hi, lo}, nil
}

// Sub returns a - b, or ErrRange if b is larger.
func (a Amount) Sub(b Amount) (Amount, error) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	if borrow != 0 {
		return Amount{}, ErrRange
	}
	return Amount{hi, lo}, nil
}

// Excess returns by how much a is larger than b: a - b, or 0 if it is not larger.
func (a Amount) Excess(b Amount) Amount {
	d, err := a.Sub(b)
	if err != nil {
		return Amount{}
	}
	return d
}

// Mul returns n times a, or ErrRange.
func (a Amount) Mul(n uint64) (Amount, error) {
	over, hi := bits.Mul64(a.hi, n)
	carry, lo := bits.Mul64(a.lo, n)
	hi, carry = bits.Add64(hi, carry, 0)
	if over|carry != 0 {
		return Amount{}, ErrRange
	}
	return Amount{hi, lo}, nil
}

// Share returns bps ten-thousandths of a, rounded down as the contracts do, or
// ErrRange.
func (a Amount) Share(bps uint64) (Amount, error) {
	n := new(big.Int).SetUint64(bps)
	return FromBase(n.Mul(n, a.Base()).Div(n, big.NewInt(10_000)))
}

// Times returns how many whole times b goes into a, as a number of at most 64 bits,
// or ErrRange if there are more or b is 0.
func (a Amount) Times(b Amount) (uint64, error) {
	if b.IsZero() {
		return 0, ErrRange
	}
	n := new(big.Int).Div(a.Base(), b.Base())
	if !n.IsUint64() {
		return 0, ErrRange
	}
	return n.Uint64(), nil
}
