// Package pedersen implements Starknet's Pedersen hash over the Stark curve.
//
// gnark-crypto has the same function with tables, which take 0.1 s to build when a
// program starts, whether it hashes or not. This one has no tables: it is for a few
// hashes, such as those of an account's address.
package pedersen

import (
	"math/big"
	"sync"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"

	"github.com/bitsage/bitsage/chain/felt"
)

// points returns the constant points P0 to P4 (Starknet documentation, "Hash
// functions").
var points = sync.OnceValue(func() *[5]starkcurve.G1Jac {
	coordinates := [5][2]string{
		{"0x49ee3eba8c1600700ee1b87eb599f16716b0b1022947733551fde4050ca6804", "0x3ca0cfe4b3bc6ddf346d49d06ea0ed34e621062c0e056c1d0405d266e10268a"},
		{"0x234287dcbaffe7f969c748655fca9e58fa8120b6d56eb0c1080d17957ebe47b", "0x3b056f100f96fb21e889527d41f4e39940135dd7a6c94cc6ed0268ee89e5615"},
		{"0x4fa56f376c83db33f9dab2656558f3399099ec1de5e3018b7a6932dba8aa378", "0x3fa0984c931c9e38113e0c0e47e4401562761f92a7a23b45168f4e80ff5b54d"},
		{"0x4ba4cc166be8dec764910f75b45f74b40c690c74709e90f3aa372f0bd2d6997", "0x40301cf5c1751f4b971e46c4ede85fcac5c59a5ce5ae7c48151f27b24b219c"},
		{"0x54302dcb0e6cc1c6e44cca8f61a63bb2ca65048d53fb325d36ff12c49a58202", "0x1b77b3e37d13504b348046268d8ae25ce98ad783c25561a879dcc77e99c2426"},
	}
	var p [5]starkcurve.G1Jac
	for i, c := range coordinates {
		p[i].FromAffine(&starkcurve.G1Affine{X: fp.Element(felt.MustParse(c[0])), Y: fp.Element(felt.MustParse(c[1]))})
	}
	return &p
})

// Hash returns x(P0 + a'P1 + a"P2 + b'P3 + b"P4), where a' and b' are the low 248
// bits of a and b, and a" and b" the rest. Its time depends on a and b.
func Hash(a, b felt.Felt) felt.Felt {
	p := points()
	aLow, aHigh := split248(a)
	bLow, bHigh := split248(b)
	sum, high := p[0], starkcurve.G1Jac{}
	sum.AddAssign(high.JointScalarMultiplication(&p[1], &p[3], aLow, bLow))
	sum.AddAssign(high.JointScalarMultiplication(&p[2], &p[4], aHigh, bHigh))
	var hash starkcurve.G1Affine
	return felt.Felt(hash.FromJacobian(&sum).X)
}

func split248(f felt.Felt) (low, high *big.Int) {
	b := f.Bytes()
	return new(big.Int).SetBytes(b[1:]), new(big.Int).SetBytes(b[:1])
}

// Array returns the hash of a list: h(...h(h(0, x0), x1)..., n).
func Array(elements ...felt.Felt) felt.Felt {
	var h, n felt.Felt
	for _, e := range elements {
		h = Hash(h, e)
	}
	n.SetUint64(uint64(len(elements)))
	return Hash(h, n)
}
