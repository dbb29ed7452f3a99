package felt

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

// element is f for the arithmetic of gnark-crypto.
func (f *Felt) element() *fp.Element { return (*fp.Element)(f) }

// IsZero reports whether f is 0.
func (f Felt) IsZero() bool { return f == Felt{} }

// Cmp is -1, 0 or 1 as f, taken as an integer in [0, p), is below, at or above x.
func (f Felt) Cmp(x Felt) int { return f.element().Cmp(x.element()) }

// IsUint64 reports whether f is below 2^64.
func (f Felt) IsUint64() bool { return f.element().IsUint64() }

// Uint64 returns the low 64 bits of f.
func (f Felt) Uint64() uint64 { return f.element().Uint64() }

// Bits returns f as four words, the least significant first.
func (f Felt) Bits() [4]uint64 { return f.element().Bits() }

// Bytes returns f as 32 bytes, the most significant first.
func (f Felt) Bytes() [Size]byte { return f.element().Bytes() }

// BigInt sets x to f and returns x.
func (f Felt) BigInt(x *big.Int) *big.Int { return f.element().BigInt(x) }

// SetUint64 sets f to v and returns f.
func (f *Felt) SetUint64(v uint64) *Felt { return (*Felt)(f.element().SetUint64(v)) }

// SetBytes sets f to the number that the bytes are, the most significant first,
// modulo p, and returns f. FromBytes refuses what must be reduced.
func (f *Felt) SetBytes(b []byte) *Felt { return (*Felt)(f.element().SetBytes(b)) }

// SetBigInt sets f to x modulo p and returns f. FromBig refuses what must be reduced.
func (f *Felt) SetBigInt(x *big.Int) *Felt { return (*Felt)(f.element().SetBigInt(x)) }

// Add sets f to x + y and returns f.
func (f *Felt) Add(x, y *Felt) *Felt { return (*Felt)(f.element().Add(x.element(), y.element())) }

// Sub sets f to x - y and returns f.
func (f *Felt) Sub(x, y *Felt) *Felt { return (*Felt)(f.element().Sub(x.element(), y.element())) }

// Neg sets f to -x and returns f.
func (f *Felt) Neg(x *Felt) *Felt { return (*Felt)(f.element().Neg(x.element())) }

// Double sets f to 2 * x and returns f.
func (f *Felt) Double(x *Felt) *Felt { return (*Felt)(f.element().Double(x.element())) }

// Square sets f to x * x and returns f.
func (f *Felt) Square(x *Felt) *Felt { return (*Felt)(f.element().Square(x.element())) }

// Mul sets f to x * y and returns f.
func (f *Felt) Mul(x, y *Felt) *Felt { return (*Felt)(f.element().Mul(x.element(), y.element())) }
