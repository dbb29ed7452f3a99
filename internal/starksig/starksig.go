// Package starksig makes and checks Starknet's signatures: ECDSA over the Stark curve, with
// the nonces of RFC 6979. It links neither the keystores and mnemonics of package wallet nor
// anything of a network, so that what verifies votes and quotes does not.
package starksig

import (
	"errors"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
)

// Size is the number of bytes of an encoded signature.
const Size = 2 * felt.Size

// The reasons for which a signature is refused, one per check. Only ErrSignature
// speaks of a well-formed question with the answer no. Their texts name package wallet, where
// users find them.
var (
	// ErrSignature means that a signature is not that of the message under the key.
	ErrSignature = errors.New("wallet: the signature does not verify")
	// ErrRange means that r is not in [1, 2^251), s not in [1, n), or the
	// inverse of s not below 2^251.
	ErrRange = errors.New("wallet: signature out of range")
	// ErrSize means that an encoded signature has not Size bytes.
	ErrSize = errors.New("wallet: an encoded signature has 64 bytes")
	// ErrHashRange means that a message hash is not below 2^251. Transaction hashes
	// are, but for one in about 2^55.
	ErrHashRange = errors.New("wallet: the message hash is not below 2^251")
	// ErrPublicKey means that a public key is no point of the curve, or the point
	// at infinity.
	ErrPublicKey = errors.New("wallet: the public key is no point of the Stark curve")
)

// Signature is an ECDSA signature over the Stark curve. In a transaction it is the two felts
// R, S. If (R, S) is a signature then so is (R, n-S), and both are accepted, as by Starknet.
type Signature struct {
	R, S felt.Felt
}

// Bytes encodes the signature as R then S, 32 bytes each, the most significant
// first.
func (sig Signature) Bytes() []byte {
	r, s := sig.R.Bytes(), sig.S.Bytes()
	return append(r[:], s[:]...)
}

// Parse is the inverse of Bytes. It fails with ErrSize, or with
// ErrRange for values that no signature has.
func Parse(b []byte) (Signature, error) {
	if len(b) != Size {
		return Signature{}, ErrSize
	}
	r, errR := felt.FromBytes(b[:felt.Size])
	s, errS := felt.FromBytes(b[felt.Size:])
	if errR != nil || errS != nil {
		return Signature{}, ErrRange
	}
	sig := Signature{r, s}
	if _, _, err := sig.scalars(); err != nil {
		return Signature{}, err
	}
	return sig, nil
}

// Normalize returns the form of a signature whose S is at most half of the order n of the
// curve: S or n - S. Both verify alike. It leaves what is out of range as it is.
func (sig Signature) Normalize() Signature {
	if s, ok := scalar(sig.S); ok && s.LexicographicallyLargest() {
		s.Neg(&s)
		sig.S = fromScalar(&s)
	}
	return sig
}

// Normal reports whether S is at most half of the order of the curve.
func (sig Signature) Normal() bool {
	s, ok := scalar(sig.S)
	return ok && !s.LexicographicallyLargest()
}

func scalar(f felt.Felt) (s fr.Element, ok bool) {
	b := f.Bytes()
	return s, s.SetBytesCanonical(b[:]) == nil
}

// hashScalar reads a message hash, which must be below 2^251.
func hashScalar(hash *felt.Felt) (fr.Element, error) {
	var h fr.Element
	if !below251(hash) {
		return h, ErrHashRange
	}
	b := hash.Bytes()
	h.SetBytes(b[:]) // 2^251 is below the order
	return h, nil
}

// below251 reports whether x < 2^251.
func below251(x *felt.Felt) bool {
	b := x.Bytes()
	return b[0] < 0x08
}

// fromScalar returns x as a felt; the order n is below the field's prime.
func fromScalar(x *fr.Element) felt.Felt {
	var f felt.Felt
	b := x.Bytes()
	f.SetBytes(b[:])
	return f
}

// scalars returns r and the inverse w of s after checking that r is in [1, 2^251),
// s in [1, n) and w below 2^251: the ranges of StarkWare's reference code.
func (sig *Signature) scalars() (r, w fr.Element, err error) {
	rb, sb := sig.R.Bytes(), sig.S.Bytes()
	if !below251(&sig.R) || sig.R.IsZero() || w.SetBytesCanonical(sb[:]) != nil || w.IsZero() {
		return r, w, ErrRange
	}
	r.SetBytes(rb[:])
	w.Inverse(&w)
	if wb := w.Bytes(); wb[0] >= 0x08 {
		return r, w, ErrRange
	}
	return r, w, nil
}
