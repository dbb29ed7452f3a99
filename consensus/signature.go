package consensus

import (
	"errors"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/starksig"
)

// Signature is a Stark-curve ECDSA signature. In this package S is at most half of
// the curve's order: of the two forms that every signature has only this one is
// encoded, so that nobody but the signer can make a second encoding of a vote. A
// wallet.Signature converts to it, and is then to be normalized.
type Signature struct {
	R, S felt.Felt
}

// ErrSignature means that a signature does not verify or is out of range.
var ErrSignature = errors.New("consensus: the signature does not verify")

// Check reports whether a signature is that of a hash under the key for which the
// Check was made.
type Check func(hash felt.Felt, sig Signature) bool

// Scheme prepares the check of signatures under one public key, which it does once
// for many signatures. It fails if there is no such key. Stark is the one of the
// network; simulations use a faster one.
type Scheme func(public felt.Felt) (Check, error)

// Stark is ECDSA over the Stark curve; public keys are x coordinates.
func Stark(public felt.Felt) (Check, error) {
	q, err := starksig.PublicPoint(public)
	if err != nil {
		return nil, err
	}
	return func(hash felt.Felt, sig Signature) bool {
		return starksig.VerifyPoint(q, hash, starksig.Signature(sig)) == nil
	}, nil
}

// Bytes encodes the signature as R then S, 32 bytes each, the most significant first.
func (sig Signature) Bytes() []byte { return starksig.Signature(sig).Bytes() }

// Normalize returns the form of a signature whose S is at most half of the order n
// of the curve: S or n - S. Both verify alike.
func Normalize(sig Signature) Signature {
	return Signature(starksig.Signature(sig).Normalize())
}

// normal reports whether Normalize would not change the signature.
func normal(sig Signature) bool { return starksig.Signature(sig).Normal() }
