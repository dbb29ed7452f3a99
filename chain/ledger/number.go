package ledger

import (
	"cmp"
	"math/big"
	"math/bits"
)

// The numbers of Cairo that Go lacks. Their arithmetic reverts where Cairo's does, with
// the same short strings.

// u128 is a u128, the least significant word first.
type u128 [2]uint64

// u256 is a u256, the least significant word first.
type u256 [4]uint64

func num(x uint64) u256 { return u256{x} }

// decimal reads a constant.
func decimal(s string) u256 {
	x, ok := new(big.Int).SetString(s, 10)
	if !ok || x.Sign() < 0 || x.BitLen() > 256 {
		panic("ledger: not a u256: " + s)
	}
	return u256FromBig(x)
}

// u256FromBig converts a number in [0, 2^256).
func u256FromBig(x *big.Int) u256 {
	var b [32]byte
	x.FillBytes(b[:])
	return u256FromBytes(b)
}

// u256FromBytes reads 32 bytes, the most significant first.
func u256FromBytes(b [32]byte) u256 {
	var x u256
	for i, v := range b {
		x[3-i/8] = x[3-i/8]<<8 | uint64(v)
	}
	return x
}

func (x u256) bytes() (b [32]byte) {
	for i := range b {
		b[i] = byte(x[3-i/8] >> (56 - 8*(i%8)))
	}
	return b
}

func (x u256) big() *big.Int {
	b := x.bytes()
	return new(big.Int).SetBytes(b[:])
}

func (x u256) low() u128    { return u128{x[0], x[1]} }
func (x u256) high() u128   { return u128{x[2], x[3]} }
func (x u256) isZero() bool { return x == u256{} }

func (x u256) cmp(y u256) int {
	for i := 3; i > 0; i-- {
		if x[i] != y[i] {
			return cmp.Compare(x[i], y[i])
		}
	}
	return cmp.Compare(x[0], y[0])
}

func (x u256) less(y u256) bool { return x.cmp(y) < 0 }

func (x u256) add(y u256) u256 {
	var sum u256
	var carry uint64
	for i := range x {
		sum[i], carry = bits.Add64(x[i], y[i], carry)
	}
	require(carry == 0, "u256_add Overflow")
	return sum
}

func (x u256) sub(y u256) u256 {
	var difference u256
	var borrow uint64
	for i := range x {
		difference[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	require(borrow == 0, "u256_sub Overflow")
	return difference
}

func (x u256) mul(y u256) u256 {
	p := new(big.Int).Mul(x.big(), y.big())
	require(p.BitLen() <= 256, "u256_mul Overflow")
	return u256FromBig(p)
}

func (x u256) div(y u256) u256 {
	require(!y.isZero(), "Division by 0")
	return u256FromBig(new(big.Int).Div(x.big(), y.big()))
}

// narrow is the amount as a u128, as math.cairo has it.
func (x u256) narrow() u128 {
	assert(x.high() == u128{}, "AMOUNT_TOO_LARGE")
	return x.low()
}

func (x u128) wide() u256 { return u256{x[0], x[1]} }
func (x u128) felt() Felt { b := x.wide().bytes(); var f Felt; f.SetBytes(b[:]); return f }

// unsigned are the types whose arithmetic Go would let wrap around.
type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

// add is x + y as Cairo has it: it reverts on overflow. name is the type, such as "u64".
func add[T unsigned](name string, x, y T) T {
	require(x+y >= x, name+"_add Overflow")
	return x + y
}

// sub is x - y as Cairo has it, see add.
func sub[T unsigned](name string, x, y T) T {
	require(x >= y, name+"_sub Overflow")
	return x - y
}

// minimum is the smaller of two numbers.
func minimum(x, y u256) u256 {
	if x.less(y) {
		return x
	}
	return y
}

// subOrZero is x - y, or 0 if y is larger.
func (x u256) subOrZero(y u256) u256 { return x.sub(minimum(x, y)) }
