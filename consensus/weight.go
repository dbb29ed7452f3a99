package consensus

import (
	"errors"
	"math/big"
	"math/bits"
)

// ErrWeight means that a weight, or a sum of weights, does not fit in 128 bits.
var ErrWeight = errors.New("consensus: the weight does not fit in 128 bits")

// Weight is a stake in base units of the token: an unsigned 128-bit number, as in
// the contracts. Weights are comparable with ==.
type Weight struct {
	Hi, Lo uint64 // the number is Hi * 2^64 + Lo
}

// WeightFromBig converts a number in [0, 2^128). It fails with ErrWeight.
func WeightFromBig(x *big.Int) (Weight, error) {
	if x.Sign() < 0 || x.BitLen() > 128 {
		return Weight{}, ErrWeight
	}
	return Weight{new(big.Int).Rsh(x, 64).Uint64(), new(big.Int).And(x, maxUint64).Uint64()}, nil
}

var maxUint64 = new(big.Int).SetUint64(1<<64 - 1)

// Big returns the number.
func (w Weight) Big() *big.Int {
	x := new(big.Int).SetUint64(w.Hi)
	return x.Lsh(x, 64).Or(x, new(big.Int).SetUint64(w.Lo))
}

// String returns the number in decimal.
func (w Weight) String() string { return w.Big().String() }

// Cmp returns -1, 0 or +1 as w is below, equal to or above x.
func (w Weight) Cmp(x Weight) int {
	switch d, borrow := w.sub(x); {
	case borrow != 0:
		return -1
	case d == Weight{}:
		return 0
	}
	return 1
}

// Add returns w + x, or ErrWeight if the sum does not fit.
func (w Weight) Add(x Weight) (Weight, error) {
	lo, carry := bits.Add64(w.Lo, x.Lo, 0)
	hi, carry := bits.Add64(w.Hi, x.Hi, carry)
	if carry != 0 {
		return Weight{}, ErrWeight
	}
	return Weight{hi, lo}, nil
}

// sub returns w - x and 1 if that is negative.
func (w Weight) sub(x Weight) (Weight, uint64) {
	lo, borrow := bits.Sub64(w.Lo, x.Lo, 0)
	hi, borrow := bits.Sub64(w.Hi, x.Hi, borrow)
	return Weight{hi, lo}, borrow
}

// Quorum returns floor(2w/3) + 1, the least weight that is more than two thirds of
// the total w. That is w - ceil(w/3) + 1, which unlike 2w never overflows.
func (w Weight) Quorum() Weight {
	third := Weight{Hi: w.Hi / 3}
	var rest uint64
	third.Lo, rest = bits.Div64(w.Hi%3, w.Lo, 3)
	q, _ := w.sub(third)
	if rest == 0 { // floor is ceil: the 1 is still to be added, and fits as third > 0 or w = 0
		q, _ = q.Add(Weight{Lo: 1})
	}
	return q
}
