// Package felt has the numbers that Starknet calls felts: elements of the field of
// the Stark curve, of prime order p = 2^251 + 17*2^192 + 1. Addresses, hashes,
// selectors and calldata consist of them.
//
// Every reader here is strict: a number that is not below p is an error and is never
// reduced. Only the methods that set a number from bytes or a big.Int reduce it, and
// say so.
package felt

import (
	"encoding/hex"
	"errors"
	"math/big"
	"strings"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

// Felt is a number of the field. The zero value is 0, == compares, and a Felt may be
// the key of a map. Its text, in fmt, slog and JSON alike, is what Starknet's RPC
// writes: 0x and hexadecimal digits without leading zeros.
//
// The array holds the number in Montgomery form and is no use by itself. A plain
// conversion makes a Felt of the fp.Element of gnark-crypto and of the felt.Felt of
// juno and starknet.go, and back.
type Felt fp.Element

// Size is the number of bytes of an encoded felt.
const Size = 32

// ShortStringMax is the number of characters that fit in one felt.
const ShortStringMax = 31

// The errors of this package. None repeats its input, which may be a secret.
var (
	// ErrSyntax means that a text is not 0x and 1 to 64 hexadecimal digits.
	ErrSyntax = errors.New("felt: not 0x followed by 1 to 64 hexadecimal digits")
	// ErrRange means that a number is negative or not below the field's prime.
	ErrRange = errors.New("felt: the number is not in the field")
	// ErrSize means that an encoded felt does not have Size bytes.
	ErrSize = errors.New("felt: an encoded felt has 32 bytes")
	// ErrShortString means that a text is not a short string: at most 31 ASCII
	// characters, none of them NUL.
	ErrShortString = errors.New("felt: a short string has at most 31 ASCII characters")
)

// Parse reads 0x and 1 to 64 hexadecimal digits of either case; leading zeros
// are allowed.
func Parse(s string) (Felt, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || digits == "" || len(digits) > 2*Size {
		return Felt{}, ErrSyntax
	}
	var b [Size]byte
	digits = strings.Repeat("0", 2*Size-len(digits)) + digits
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return Felt{}, ErrSyntax
	}
	return FromBytes(b[:])
}

// MustParse is Parse for constants. It panics on an error.
func MustParse(s string) Felt {
	f, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return f
}

// FromUint64 returns v.
func FromUint64(v uint64) Felt { return Felt(fp.NewElement(v)) }

// FromBytes reads 32 bytes, the most significant first.
func FromBytes(b []byte) (Felt, error) {
	var f Felt
	if len(b) != Size {
		return f, ErrSize
	}
	if err := f.element().SetBytesCanonical(b); err != nil {
		return Felt{}, ErrRange
	}
	return f, nil
}

// FromBig reads a number in [0, p).
func FromBig(x *big.Int) (Felt, error) {
	var f Felt
	if x.Sign() < 0 || x.Cmp(fp.Modulus()) >= 0 {
		return f, ErrRange
	}
	f.SetBigInt(x)
	return f, nil
}

// ShortString packs at most 31 ASCII characters as Cairo's short strings do: the
// characters are the bytes of the number.
func ShortString(s string) (Felt, error) {
	var f Felt
	if len(s) > ShortStringMax {
		return f, ErrShortString
	}
	for i := range len(s) {
		if s[i] == 0 || s[i] >= 0x80 {
			return f, ErrShortString
		}
	}
	f.SetBytes([]byte(s)) // 31 bytes are below the prime
	return f, nil
}

// Text is the inverse of ShortString.
func Text(f Felt) (string, error) {
	b := f.Bytes()
	s := strings.TrimLeft(string(b[:]), "\x00")
	if _, err := ShortString(s); err != nil {
		return "", err
	}
	return s, nil
}
