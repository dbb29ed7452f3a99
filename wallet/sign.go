package wallet

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"math/big"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
)

// SignatureSize is the number of bytes of an encoded signature.
const SignatureSize = 2 * felt.Size

// The reasons for which a signature is refused, one per check. Only ErrSignature
// speaks of a well-formed question with the answer no.
var (
	// ErrSignature means that a signature is not that of the message under the key.
	ErrSignature = errors.New("wallet: the signature does not verify")
	// ErrSignatureRange means that r is not in [1, 2^251), s not in [1, n), or the
	// inverse of s not below 2^251.
	ErrSignatureRange = errors.New("wallet: signature out of range")
	// ErrSignatureSize means that an encoded signature has not SignatureSize bytes.
	ErrSignatureSize = errors.New("wallet: an encoded signature has 64 bytes")
	// ErrHashRange means that a message hash is not below 2^251. Transaction hashes
	// are, but for one in about 2^55.
	ErrHashRange = errors.New("wallet: the message hash is not below 2^251")
	// ErrPublicKey means that a public key is no point of the curve, or the point
	// at infinity.
	ErrPublicKey = errors.New("wallet: the public key is no point of the Stark curve")
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
	h, err := hashScalar(&hash)
	if err != nil {
		return Signature{}, err
	}
	gen := newNonces(&d, &h)
	for {
		if nonce, ok := gen.next(); ok {
			if sig, ok := signWith(&d, &h, &nonce); ok {
				return sig, nil
			}
		}
	}
}

// signWith computes r = x(kG) and s = (h + rd)/k. It reports false if one of them
// is out of the range that Starknet accepts, which happens about once in 2^55.
func signWith(d, h, k *fr.Element) (Signature, bool) {
	p := mulBase(k)
	x := p.X.Bytes()
	var r, s, blind fr.Element
	r.SetBytes(x[:])
	blind.MustSetRandom()
	s.Mul(k, &blind)
	s.Inverse(&s).Mul(&s, &blind) // 1/k
	var t fr.Element
	t.Mul(&r, d).Add(&t, h)
	s.Mul(&s, &t)
	sig := Signature{fromScalar(&r), fromScalar(&s)}
	_, _, err := sig.scalars()
	return sig, err == nil
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
		return r, w, ErrSignatureRange
	}
	r.SetBytes(rb[:])
	w.Inverse(&w)
	if wb := w.Bytes(); wb[0] >= 0x08 {
		return r, w, ErrSignatureRange
	}
	return r, w, nil
}

// Bytes encodes the signature as R then S, 32 bytes each, the most significant
// first.
func (sig Signature) Bytes() []byte {
	r, s := sig.R.Bytes(), sig.S.Bytes()
	return append(r[:], s[:]...)
}

// ParseSignature is the inverse of Bytes. It fails with ErrSignatureSize, or with
// ErrSignatureRange for values that no signature has.
func ParseSignature(b []byte) (Signature, error) {
	if len(b) != SignatureSize {
		return Signature{}, ErrSignatureSize
	}
	r, errR := felt.FromBytes(b[:felt.Size])
	s, errS := felt.FromBytes(b[felt.Size:])
	if errR != nil || errS != nil {
		return Signature{}, ErrSignatureRange
	}
	sig := Signature{r, s}
	if _, _, err := sig.scalars(); err != nil {
		return Signature{}, err
	}
	return sig, nil
}

// Verify checks a signature under a public key as Starknet knows it, the x
// coordinate. It returns nil, or one of the errors of this file. About half of its
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

// nonces is the generator of RFC 6979, section 3.2, over SHA-256: a stream of
// candidates for the nonce of one key and one message hash.
type nonces struct {
	k, v []byte
}

func newNonces(d, h *fr.Element) *nonces {
	g := &nonces{k: make([]byte, sha256.Size), v: make([]byte, sha256.Size)}
	for i := range g.v {
		g.v[i] = 1
	}
	db, hb := d.Bytes(), h.Bytes()
	defer clear(db[:])
	g.update(0, db[:], hb[:])
	g.update(1, db[:], hb[:])
	return g
}

// update sets K = HMAC(K, V || tag || data) and V = HMAC(K, V).
func (g *nonces) update(tag byte, data ...[]byte) {
	mac := hmac.New(sha256.New, g.k)
	mac.Write(g.v)
	mac.Write([]byte{tag})
	for _, d := range data {
		mac.Write(d)
	}
	g.k = mac.Sum(nil)
	g.v = hmacSum(g.k, g.v)
}

func hmacSum(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}

// next returns the next candidate, or false if it is not in [1, n).
//
// The RFC takes the leftmost 252 of the 256 bits. The Starknet libraries, from
// elliptic.js on, first strip zero bytes, so that a candidate which starts with
// one is taken whole. It happens once in 256 times, and to be bit-exact with them
// this does the same.
func (g *nonces) next() (fr.Element, bool) {
	g.v = hmacSum(g.k, g.v)
	var t [fr.Bytes]byte
	defer clear(t[:])
	copy(t[:], g.v)
	if t[0] != 0 {
		shiftRight4(&t)
	}
	g.update(0)
	var k fr.Element
	if k.SetBytesCanonical(t[:]) != nil || k.IsZero() {
		return fr.Element{}, false
	}
	return k, true
}

// shiftRight4 divides a number by 16.
func shiftRight4(b *[fr.Bytes]byte) {
	for i := len(b) - 1; i > 0; i-- {
		b[i] = b[i]>>4 | b[i-1]<<4
	}
	b[0] >>= 4
}
