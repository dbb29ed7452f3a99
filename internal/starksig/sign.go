package starksig

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"math/big"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
)

// Sign signs a message hash with the private scalar d, which is not zero, by the nonce of
// RFC 6979 over SHA-256, so the same scalar and hash give the same signature, the one that
// @scure/starknet and starknet.js give. It fails with ErrHashRange if the hash is not below
// 2^251.
//
// Scalar multiplication and inversion take a time that depends on their operands, so both
// get operands blinded with fresh randomness: a multiple of the order is added to the nonce
// before the one, a random factor applied around the other.
func Sign(d *fr.Element, hash felt.Felt) (Signature, error) {
	h, err := hashScalar(&hash)
	if err != nil {
		return Signature{}, err
	}
	gen := newNonces(d, &h)
	for {
		if nonce, ok := gen.next(); ok {
			if sig, ok := signWith(d, &h, &nonce); ok {
				return sig, nil
			}
		}
	}
}

// signWith computes r = x(kG) and s = (h + rd)/k. It reports false if one of them
// is out of the range that Starknet accepts, which happens about once in 2^55.
func signWith(d, h, k *fr.Element) (Signature, bool) {
	p := MulBase(k)
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

// MulBase returns kG. It multiplies by k + tn for a random 64-bit t, which is the
// same point, so that the time does not depend on k alone.
func MulBase(k *fr.Element) starkcurve.G1Affine {
	var t [8]byte
	rand.Read(t[:])
	t[0] |= 0x80
	blind, scalar := new(big.Int).SetBytes(t[:]), k.BigInt(new(big.Int))
	blind.Mul(blind, fr.Modulus()).Add(blind, scalar)
	defer clear(blind.Bits())
	defer clear(scalar.Bits())
	var p starkcurve.G1Affine
	p.ScalarMultiplicationBase(blind)
	return p
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
