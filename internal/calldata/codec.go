// Package calldata has the encoding in which contracts take arguments and return results,
// the Cairo types that Go lacks included. It is pure: calls, which need a chain, are made in
// package cairo.
package calldata

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain/felt"
)

// U256 is a u256, most significant byte first, and so the form in which the
// contracts take digests of 32 bytes. U256 values are comparable.
type U256 [32]byte

// U256FromUint64 converts a number.
func U256FromUint64(x uint64) U256 {
	u, _ := U256FromBig(new(big.Int).SetUint64(x))
	return u
}

// U256FromBig converts a number in [0, 2^256).
func U256FromBig(x *big.Int) (U256, error) {
	var u U256
	if x.Sign() < 0 || x.BitLen() > 256 {
		return u, ErrRange
	}
	x.FillBytes(u[:])
	return u, nil
}

// Big returns the number.
func (u U256) Big() *big.Int { return new(big.Int).SetBytes(u[:]) }

// String returns the number in decimal.
func (u U256) String() string { return u.Big().String() }

// U128 is a u128, most significant byte first. U128 values are comparable.
type U128 [16]byte

// U128FromBig converts a number in [0, 2^128).
func U128FromBig(x *big.Int) (U128, error) {
	var u U128
	if x.Sign() < 0 || x.BitLen() > 128 {
		return u, ErrRange
	}
	x.FillBytes(u[:])
	return u, nil
}

// Big returns the number.
func (u U128) Big() *big.Int { return new(big.Int).SetBytes(u[:]) }

// String returns the number in decimal.
func (u U128) String() string { return u.Big().String() }

// The errors of decoding.
var (
	// ErrRange means that a number does not fit its type.
	ErrRange = errors.New("calldata: the number does not fit its type")
	// ErrShort means that felts are missing.
	ErrShort = errors.New("calldata: too few felts")
	// ErrTrailing means that felts are left over.
	ErrTrailing = errors.New("calldata: too many felts")
	// ErrEvent means that an event is none of the contract's.
	ErrEvent = errors.New("calldata: not an event of this contract")
)

// Encoder appends values in Cairo's calldata encoding. The zero Encoder is empty. Its methods
// return it, for chains.
type Encoder struct{ felts []felt.Felt }

// Felts returns what was appended.
func (e *Encoder) Felts() []felt.Felt { return e.felts }

// Felt appends a felt252 or an address.
func (e *Encoder) Felt(f felt.Felt) *Encoder {
	e.felts = append(e.felts, f)
	return e
}

// Uint appends a u8, u16, u32, u64 or the index of an enum's variant.
func (e *Encoder) Uint(x uint64) *Encoder { return e.Felt(felt.FromUint64(x)) }

// Bool appends a bool.
func (e *Encoder) Bool(b bool) *Encoder {
	if b {
		return e.Uint(1)
	}
	return e.Uint(0)
}

// U128 appends a u128.
func (e *Encoder) U128(u U128) *Encoder { return e.bytes(string(u[:])) }

// U256 appends a u256: the low half and then the high half.
func (e *Encoder) U256(u U256) *Encoder { return e.U128(U128(u[16:])).U128(U128(u[:16])) }

// word is the number of bytes in a felt of a ByteArray.
const word = 31

// ByteArray appends a ByteArray: the number of full words, the words, the rest
// and the length of the rest.
func (e *Encoder) ByteArray(s string) *Encoder {
	e.Uint(uint64(len(s) / word))
	for ; len(s) >= word; s = s[word:] {
		e.bytes(s[:word])
	}
	return e.bytes(s).Uint(uint64(len(s)))
}

// bytes appends a number of at most word bytes.
func (e *Encoder) bytes(s string) *Encoder {
	var f felt.Felt
	f.SetBytes([]byte(s))
	return e.Felt(f)
}

// Array appends an Array or Span of felts: the length, the elements.
func (e *Encoder) Array(list []felt.Felt) *Encoder {
	e.Uint(uint64(len(list)))
	e.felts = append(e.felts, list...)
	return e
}

// Decoder reads values in Cairo's encoding and remembers the first error, after
// which it returns zero values.
type Decoder struct {
	felts []felt.Felt
	err   error
}

// NewDecoder returns a decoder of the felts.
func NewDecoder(felts []felt.Felt) *Decoder { return &Decoder{felts: felts} }

// Close returns the first error, which may be that felts are left over.
func (d *Decoder) Close() error {
	if d.err == nil && len(d.felts) != 0 {
		d.err = fmt.Errorf("%w: %d left", ErrTrailing, len(d.felts))
	}
	return d.err
}

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.felts = nil
}

// Felt reads a felt252 or an address.
func (d *Decoder) Felt() felt.Felt {
	if len(d.felts) == 0 {
		d.fail(ErrShort)
		return felt.Felt{}
	}
	f := d.felts[0]
	d.felts = d.felts[1:]
	return f
}

// Uint reads a number that is not above the largest.
func (d *Decoder) Uint(largest uint64) uint64 {
	f := d.Felt()
	if !f.IsUint64() || f.Uint64() > largest {
		d.fail(ErrRange)
		return 0
	}
	return f.Uint64()
}

// Bool reads a bool.
func (d *Decoder) Bool() bool { return d.Uint(1) == 1 }

// Len reads the length of an array. Every element takes at least one felt, so a
// length above the number of felts left is an error.
func (d *Decoder) Len() int {
	n := d.Uint(1<<32 - 1)
	if n > uint64(len(d.felts)) {
		d.fail(ErrShort)
		return 0
	}
	return int(n)
}

// Felts reads an array of felts.
func (d *Decoder) Felts() []felt.Felt {
	n := d.Len()
	list := d.felts[:n:n]
	d.felts = d.felts[n:]
	return list
}

// U128 reads a u128.
func (d *Decoder) U128() U128 {
	f := d.Felt()
	b := f.Bytes()
	if [16]byte(b[:16]) != [16]byte{} {
		d.fail(ErrRange)
		return U128{}
	}
	return U128(b[16:])
}

// U256 reads a u256.
func (d *Decoder) U256() U256 {
	low, high := d.U128(), d.U128()
	var u U256
	copy(u[:16], high[:])
	copy(u[16:], low[:])
	return u
}

// ByteArray reads a ByteArray.
func (d *Decoder) ByteArray() string {
	var out []byte
	for range d.Len() {
		out = d.bytes(out, word)
	}
	rest := d.Felt()
	n := int(d.Uint(word - 1))
	tail := Decoder{felts: []felt.Felt{rest}}
	out = tail.bytes(out, n)
	if tail.err != nil {
		d.fail(tail.err)
	}
	if d.err != nil {
		return ""
	}
	return string(out)
}

// bytes appends the n bytes of a felt.
func (d *Decoder) bytes(out []byte, n int) []byte {
	f := d.Felt()
	b := f.Bytes()
	for _, x := range b[:len(b)-n] {
		if x != 0 {
			d.fail(ErrRange)
			return out
		}
	}
	return append(out, b[len(b)-n:]...)
}

// EventDecoder reads an event: its key members and its data members.
type EventDecoder struct{ Keys, Data *Decoder }

// NewEventDecoder checks that the event has the selector.
func NewEventDecoder(selector felt.Felt, keys, data []felt.Felt) (*EventDecoder, error) {
	if len(keys) == 0 || keys[0] != selector {
		return nil, ErrEvent
	}
	return &EventDecoder{NewDecoder(keys[1:]), NewDecoder(data)}, nil
}

// Close returns the first error of keys or data.
func (d *EventDecoder) Close() error { return errors.Join(d.Keys.Close(), d.Data.Close()) }
