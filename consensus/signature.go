package consensus

import (
	"errors"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

// Signature is a Stark-curve ECDSA signature. In this package S is at most half of
// the curve's order: of the two forms that every signature has only this one is
// encoded, so that nobody but the signer can make a second encoding of a vote.
type Signature = wallet.Signature

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
	q, err := wallet.PublicPoint(public)
	if err != nil {
		return nil, err
	}
	return func(hash felt.Felt, sig Signature) bool {
		return wallet.VerifyPoint(q, hash, sig) == nil
	}, nil
}

// Normalize returns the form of a signature whose S is at most half of the order n
// of the curve: S or n - S. Both verify alike.
func Normalize(sig Signature) Signature {
	if s, ok := scalar(sig.S); ok && s.LexicographicallyLargest() {
		s.Neg(&s)
		b := s.Bytes()
		sig.S.SetBytes(b[:])
	}
	return sig
}

// normal reports whether Normalize would not change the signature.
func normal(sig Signature) bool {
	s, ok := scalar(sig.S)
	return ok && !s.LexicographicallyLargest()
}

func scalar(f felt.Felt) (s fr.Element, ok bool) {
	b := f.Bytes()
	return s, s.SetBytesCanonical(b[:]) == nil
}
