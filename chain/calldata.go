package chain

import (
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/sha3"

	"github.com/bitsage/bitsage/chain/felt"
)

// ErrCalldata means that a value does not fit its type, or that felts are not the
// encoding of the type that was asked for.
var ErrCalldata = errors.New("chain: not the encoding of the type")

// CalldataError says that calldata is longer than the protocol allows.
type CalldataError struct{ Len int }

// Error implements error.
func (e *CalldataError) Error() string {
	return fmt.Sprintf("chain: the calldata has %d felts, at most %d are allowed", e.Len, MaxCalldata)
}

func checkCalldata(n int) error {
	if n > MaxCalldata {
		return &CalldataError{n}
	}
	return nil
}

// Keccak is Starknet's keccak: the low 250 bits of Keccak-256.
func Keccak(data []byte) Felt {
	h := sha3.NewLegacyKeccak256()
	h.Write(data)
	sum := h.Sum(nil)
	sum[0] &= 0x03
	var f Felt
	f.SetBytes(sum)
	return f
}

// Selector returns the selector of a function, or the first key of an event, of
// that name.
func Selector(name string) Felt {
	if name == "__default__" || name == "__l1_default__" {
		return Felt{}
	}
	return Keccak([]byte(name))
}

// Encoder writes arguments as Cairo serializes them. The zero Encoder is empty. Its
// methods return it, for chains, and the first error is kept for Calldata:
//
//	calldata, err := new(chain.Encoder).Felt(to).U256(amount).Calldata()
type Encoder struct {
	felts []Felt
	err   error
}

func (e *Encoder) fail(format string, args ...any) *Encoder {
	if e.err == nil {
		e.err = fmt.Errorf("%w: %s", ErrCalldata, fmt.Sprintf(format, args...))
	}
	return e
}

func (e *Encoder) put(list ...Felt) *Encoder {
	if e.err == nil {
		e.felts = append(e.felts, list...)
	}
	return e
}

// Felt writes single felts, such as an address or a class hash.
func (e *Encoder) Felt(list ...Felt) *Encoder { return e.put(list...) }

// Uint writes a number of type u8 to u64; that it fits the narrower types is up to
// the caller.
func (e *Encoder) Uint(v uint64) *Encoder { return e.put(Uint(v)) }

// Bool writes a bool.
func (e *Encoder) Bool(v bool) *Encoder {
	if v {
		return e.put(Uint(1))
	}
	return e.put(Felt{})
}

// U128 writes a number below 2^128.
func (e *Encoder) U128(v *big.Int) *Encoder {
	if v == nil || v.Sign() < 0 || v.BitLen() > 128 {
		return e.fail("a number is not in [0, 2^128)")
	}
	return e.put(fromBig(v))
}

// U256 writes a number below 2^256 as Cairo's u256: the low half, the high half.
func (e *Encoder) U256(v *big.Int) *Encoder {
	if v == nil || v.Sign() < 0 || v.BitLen() > 256 {
		return e.fail("a number is not in [0, 2^256)")
	}
	high := new(big.Int).Rsh(v, 128)
	low := new(big.Int).Sub(v, new(big.Int).Lsh(high, 128))
	return e.put(fromBig(low), fromBig(high))
}

// fromBig converts a number that is known to be in the field.
func fromBig(v *big.Int) Felt {
	var f Felt
	f.SetBigInt(v)
	return f
}

// ShortString writes at most 31 ASCII characters as one felt.
func (e *Encoder) ShortString(s string) *Encoder {
	f, err := felt.ShortString(s)
	if err != nil {
		return e.fail("%v", err)
	}
	return e.put(f)
}

// ByteArray writes a string of any bytes as Cairo's ByteArray: the number of full
// words of 31 bytes, the words, the rest as a number, and the length of the rest.
func (e *Encoder) ByteArray(s string) *Encoder {
	if len(s)/31+3 > MaxCalldata {
		return e.fail("a ByteArray of %d bytes", len(s))
	}
	e.put(Uint(uint64(len(s) / 31)))
	var word Felt
	for ; len(s) >= 31; s = s[31:] {
		word.SetBytes([]byte(s[:31]))
		e.put(word)
	}
	word.SetBytes([]byte(s))
	return e.put(word, Uint(uint64(len(s))))
}

// Array writes an Array or Span of felts: the length, the elements. For elements of
// another type write the length with Uint, then each element.
func (e *Encoder) Array(list ...Felt) *Encoder {
	return e.put(Uint(uint64(len(list)))).put(list...)
}

// Calldata returns the felts, or ErrCalldata for the first value that did not fit,
// or a *CalldataError.
func (e *Encoder) Calldata() ([]Felt, error) {
	if e.err != nil {
		return nil, e.err
	}
	return e.felts, checkCalldata(len(e.felts))
}

// Decoder reads what Cairo serialized, for example the result of a call or the data
// of an event. After an error its methods return zeros; Err and End tell.
type Decoder struct {
	rest []Felt
	err  error
}

// NewDecoder returns a Decoder of felts.
func NewDecoder(felts []Felt) *Decoder { return &Decoder{rest: felts} }

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrCalldata, fmt.Sprintf(format, args...))
	}
	d.rest = nil
}

// Err returns ErrCalldata if something could not be read.
func (d *Decoder) Err() error { return d.err }

// End returns Err, or ErrCalldata if felts are left over.
func (d *Decoder) End() error {
	if len(d.rest) > 0 {
		d.fail("%d felts too many", len(d.rest))
	}
	return d.err
}

// Felt reads one felt.
func (d *Decoder) Felt() Felt {
	if len(d.rest) == 0 {
		d.fail("felts are missing")
		return Felt{}
	}
	f := d.rest[0]
	d.rest = d.rest[1:]
	return f
}

// Uint reads a number below 2^64.
func (d *Decoder) Uint() uint64 {
	f := d.Felt()
	if !f.IsUint64() {
		d.fail("a number is not below 2^64")
		return 0
	}
	return f.Uint64()
}

// Bool reads a bool.
func (d *Decoder) Bool() bool {
	v := d.Uint()
	if v > 1 {
		d.fail("a bool is neither 0 nor 1")
	}
	return v == 1
}

// U128 reads a number below 2^128.
func (d *Decoder) U128() *big.Int {
	f := d.Felt()
	v := f.BigInt(new(big.Int))
	if v.BitLen() > 128 {
		d.fail("a number is not below 2^128")
		return new(big.Int)
	}
	return v
}

// U256 reads a u256.
func (d *Decoder) U256() *big.Int {
	low, high := d.U128(), d.U128()
	return high.Lsh(high, 128).Add(high, low)
}

// ShortString reads a short string.
func (d *Decoder) ShortString() string {
	f := d.Felt()
	s, err := felt.Text(f)
	if err != nil {
		d.fail("%v", err)
	}
	return s
}

// length reads the length of a list and checks that so many felts are there.
func (d *Decoder) length(extra int) int {
	n := d.Uint()
	if n > uint64(len(d.rest)) || int(n)+extra > len(d.rest) {
		d.fail("a list is longer than the data")
		return 0
	}
	return int(n)
}

// Array reads an Array or Span of felts.
func (d *Decoder) Array() []Felt {
	n := d.length(0)
	list := append([]Felt(nil), d.rest[:n]...)
	d.rest = d.rest[n:]
	return list
}

// Len reads the length of an Array whose elements the caller then reads. Each
// element has at least one felt, so it is never more than what is left.
func (d *Decoder) Len() int { return d.length(0) }

// ByteArray reads a ByteArray. It may hold any bytes.
func (d *Decoder) ByteArray() string {
	n := d.length(2)
	if d.err != nil {
		return ""
	}
	out := make([]byte, 0, 31*n+31)
	for range n {
		out = d.word(out, d.Felt(), 31)
	}
	last, size := d.Felt(), d.Uint()
	if size > 30 {
		d.fail("the rest of a ByteArray has %d bytes", size)
		return ""
	}
	out = d.word(out, last, int(size))
	if d.err != nil {
		return ""
	}
	return string(out)
}

// word appends the size low bytes of f, which must have no more.
func (d *Decoder) word(out []byte, f Felt, size int) []byte {
	b := f.Bytes()
	for _, v := range b[:felt.Size-size] {
		if v != 0 {
			d.fail("a word of a ByteArray has more than %d bytes", size)
			return out
		}
	}
	return append(out, b[felt.Size-size:]...)
}
