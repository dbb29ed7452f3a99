package starksig

import (
	"math/big"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
)

// Verify checks a signature under a public key as Starknet knows it, the x
// coordinate. It returns nil, or one of the errors of this package. About half of its
// time goes into finding the point of that coordinate: whoever verifies often
// under one key should keep what PublicPoint returns and call VerifyPoint.
func Verify(public, hash felt.Felt, sig Signature) error {
	q, err := PublicPoint(public)
	if err != nil {
		return err
	}
	return VerifyPoint(q, hash, sig)
}

// PublicPoint returns one of the two points with the given x coordinate, or
// ErrPublicKey if there is none or the coordinate is zero.
func PublicPoint(public felt.Felt) (starkcurve.G1Affine, error) {
	a, b := starkcurve.CurveCoefficients()
	q := starkcurve.G1Affine{X: fp.Element(public)}
	q.Y.Square(&q.X).Add(&q.Y, &a).Mul(&q.Y, &q.X).Add(&q.Y, &b)
	if q.X.IsZero() || q.Y.Sqrt(&q.Y) == nil {
		return starkcurve.G1Affine{}, ErrPublicKey
	}
	return q, nil
}

// VerifyPoint is Verify under a public point. As the public key is only the x
// coordinate, q and -q are the same key.
func VerifyPoint(q starkcurve.G1Affine, hash felt.Felt, sig Signature) error {
	r, w, err := sig.scalars()
	if err != nil {
		return err
	}
	h, err := hashScalar(&hash)
	if err != nil {
		return err
	}
	if q.IsInfinity() || !q.IsOnCurve() {
		return ErrPublicKey
	}
	var u1, u2 fr.Element
	u1.Mul(&h, &w)
	u2.Mul(&r, &w)
	a, b := u1.BigInt(new(big.Int)), u2.BigInt(new(big.Int))
	if xEquals(a, b, &q, &sig.R) || xEquals(a, b.Neg(b), &q, &sig.R) {
		return nil
	}
	return ErrSignature
}

// xEquals reports whether x(aG + bQ) is r modulo n.
func xEquals(a, b *big.Int, q *starkcurve.G1Affine, r *felt.Felt) bool {
	var p starkcurve.G1Jac
	var sum starkcurve.G1Affine
	p.JointScalarMultiplicationBase(q, a, b)
	if p.Z.IsZero() {
		return false
	}
	sum.FromJacobian(&p)
	x := sum.X.Bytes()
	var reduced fr.Element
	reduced.SetBytes(x[:])
	return fromScalar(&reduced) == *r
}
