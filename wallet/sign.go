package wallet

import (
	"context"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/starksig"
)

// SignatureSize is the number of bytes of an encoded signature.
const SignatureSize = starksig.Size

// The reasons for which a signature is refused, one per check. Only ErrSignature
// speaks of a well-formed question with the answer no.
var (
	// ErrSignature means that a signature is not that of the message under the key.
	ErrSignature = starksig.ErrSignature
	// ErrSignatureRange means that r is not in [1, 2^251), s not in [1, n), or the
	// inverse of s not below 2^251.
	ErrSignatureRange = starksig.ErrRange
	// ErrSignatureSize means that an encoded signature has not SignatureSize bytes.
	ErrSignatureSize = starksig.ErrSize
	// ErrHashRange means that a message hash is not below 2^251. Transaction hashes
	// are, but for one in about 2^55.
	ErrHashRange = starksig.ErrHashRange
	// ErrPublicKey means that a public key is no point of the curve, or the point
	// at infinity.
	ErrPublicKey = starksig.ErrPublicKey
)

// Signer signs message hashes with one key of the Stark curve. Key and Account
// are Signers; others may keep the key in hardware or on another host.
type Signer interface {
	// PublicKey returns the x coordinate of the public point.
	PublicKey() felt.Felt
	// Sign returns a signature that Verify accepts. It fails with ErrHashRange if
	// the hash is not below 2^251.
	Sign(ctx context.Context, hash felt.Felt) (Signature, error)
}

// Signature is an ECDSA signature over the Stark curve. In a transaction it is
// the two felts R, S. If (R, S) is a signature then so is (R, n-S), and both are
// accepted, as by Starknet: do not use a signature as an identifier.
type Signature struct {
	R, S felt.Felt
}

// Sign signs a message hash by ECDSA with the nonce of RFC 6979 over SHA-256, so
// the same key and hash give the same signature, the one that @scure/starknet and
// starknet.js give. It implements [Signer] and only looks at ctx before it begins.
//
// Scalar multiplication and inversion take a time that depends on their operands,
// so both get operands blinded with fresh randomness: a multiple of the order is
// added to the nonce before the one, a random factor applied around the other.
func (k Key) Sign(ctx context.Context, hash felt.Felt) (Signature, error) {
	if err := ctx.Err(); err != nil {
		return Signature{}, err
	}
	d, err := k.scalar()
	if err != nil {
		return Signature{}, err
	}
	defer d.SetZero()
	sig, err := starksig.Sign(&d, hash)
	return Signature(sig), err
}

// Bytes encodes the signature as R then S, 32 bytes each, the most significant
// first.
func (sig Signature) Bytes() []byte { return starksig.Signature(sig).Bytes() }

// ParseSignature is the inverse of Bytes. It fails with ErrSignatureSize, or with
// ErrSignatureRange for values that no signature has.
func ParseSignature(b []byte) (Signature, error) {
	sig, err := starksig.Parse(b)
	return Signature(sig), err
}

// Verify checks a signature under a public key as Starknet knows it, the x
// coordinate. It returns nil, or one of the errors of this file. About half of its
// time goes into finding the point of that coordinate: whoever verifies often
// under one key should keep what PublicPoint returns and call VerifyPoint.
func Verify(public, hash felt.Felt, sig Signature) error {
	return starksig.Verify(public, hash, starksig.Signature(sig))
}

// PublicPoint returns one of the two points with the given x coordinate, or
// ErrPublicKey if there is none or the coordinate is zero.
func PublicPoint(public felt.Felt) (starkcurve.G1Affine, error) { return starksig.PublicPoint(public) }

// VerifyPoint is Verify under a public point. As the public key is only the x
// coordinate, q and -q are the same key.
func VerifyPoint(q starkcurve.G1Affine, hash felt.Felt, sig Signature) error {
	return starksig.VerifyPoint(q, hash, starksig.Signature(sig))
}
