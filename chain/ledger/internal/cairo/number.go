package cairo

import (
	"cmp"
	"math/big"
	"math/bits"

	"github.com/bitsage/bitsage/chain/felt"
)

// The numbers of Cairo that Go lacks. Their arithmetic reverts where Cairo's does, with
// the same short strings.

// U128 is a u128, the least significant word first.
type U128 [2]uint64

// U256 is a u256, the least significant word first.
type U256 [4]uint64

// MaxU256 is the largest u256.
var MaxU256 = U256{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// U256Of is a small number.
func U256Of(x uint64) U256 { return U256{x} }

// U256FromDecimal reads a constant.
func U256FromDecimal(s string) U256 {
	x, ok := new(big.Int).SetString(s, 10)
	if !ok || x.Sign() < 0 || x.BitLen() > 256 {
		panic("cairo: not a u256: " + s)
	}
	return U256FromBig(x)
}

// U256FromBig converts a number in [0, 2^256).
func U256FromBig(x *big.Int) U256 {
	var b [32]byte
	x.FillBytes(b[:])
	return U256FromBytes(b)
}

// U256FromBytes reads 32 bytes, the most significant first.
func U256FromBytes(b [32]byte) U256 {
	var x U256
	for i, v := range b {
		x[3-i/8] = x[3-i/8]<<8 | uint64(v)
	}
	return x
}

func (x U256) bytes() (b [32]byte) {
	for i := range b {
		b[i] = byte(x[3-i/8] >> (56 - 8*(i%8)))
	}
	return b
}

// Big returns the number.
func (x U256) Big() *big.Int {
	b := x.bytes()
	return new(big.Int).SetBytes(b[:])
}

func (x U256) low() U128  { return U128{x[0], x[1]} }
func (x U256) high() U128 { return U128{x[2], x[3]} }

// IsZero reports whether x is 0.
func (x U256) IsZero() bool { return x == U256{} }

// Cmp compares x with y, as cmp.Compare does.
func (x U256) Cmp(y U256) int {
	for i := 3; i > 0; i-- {
		if x[i] != y[i] {
			return cmp.Compare(x[i], y[i])
		}
	}
	return cmp.Compare(x[0], y[0])
}

// Less reports whether x < y.
func (x U256) Less(y U256) bool { return x.Cmp(y) < 0 }

// Add is x + y. It reverts on overflow.
func (x U256) Add(y U256) U256 {
	var sum U256
	var carry uint64
	for i := range x {
		sum[i], carry = bits.Add64(x[i], y[i], carry)
	}
	Require(carry == 0, "u256_add Overflow")
	return sum
}

// Sub is x - y. It reverts if y is larger.
func (x U256) Sub(y U256) U256 {
	var difference U256
	var borrow uint64
	for i := range x {
		difference[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	Require(borrow == 0, "u256_sub Overflow")
	return difference
}

// Mul is x * y. It reverts on overflow.
func (x U256) Mul(y U256) U256 {
	p := new(big.Int).Mul(x.Big(), y.Big())
	Require(p.BitLen() <= 256, "u256_mul Overflow")
	return U256FromBig(p)
}

// Div is x / y, rounded down. It reverts if y is 0.
func (x U256) Div(y U256) U256 {
	Require(!y.IsZero(), "Division by 0")
	return U256FromBig(new(big.Int).Div(x.Big(), y.Big()))
}

// Narrow is the amount as a u128, as math.cairo has it.
func (x U256) Narrow() U128 {
	Assert(x.high() == U128{}, "AMOUNT_TOO_LARGE")
	return x.low()
}

// Wide is the number as a u256.
func (x U128) Wide() U256 { return U256{x[0], x[1]} }

func (x U128) felt() felt.Felt { b := x.Wide().bytes(); var f felt.Felt; f.SetBytes(b[:]); return f }

// unsigned are the types whose arithmetic Go would let wrap around.
type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Add is x + y as Cairo has it: it reverts on overflow. name is the type, such as "u64".
func Add[T unsigned](name string, x, y T) T {
	Require(x+y >= x, name+"_add Overflow")
	return x + y
}

// Sub is x - y as Cairo has it, see add.
func Sub[T unsigned](name string, x, y T) T {
	Require(x >= y, name+"_sub Overflow")
	return x - y
}

// Min is the smaller of two numbers.
func Min(x, y U256) U256 {
	if x.Less(y) {
		return x
	}
	return y
}

// SubOrZero is x - y, or 0 if y is larger.
func (x U256) SubOrZero(y U256) U256 { return x.Sub(Min(x, y)) }
