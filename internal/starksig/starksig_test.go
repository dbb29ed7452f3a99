package starksig

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// key is a private key. Package wallet compares signatures with those of other libraries.
type key struct{ d fr.Element }

func newKey(d *fr.Element) *key { return &key{*d} }

// testKey is a public test key, the first of wallet.json.
func testKey() *key {
	private := felt.MustParse("0x001b8e16cdf31892c56c0370f0e4ca0da096ef4e0c81007b3ba10b11452f8971")
	b := private.Bytes()
	return newKey(new(fr.Element).SetBytes(b[:]))
}

func (k *key) Point() starkcurve.G1Affine { return MulBase(&k.d) }
func (k *key) PublicKey() felt.Felt       { return felt.Felt(k.Point().X) }

func sign(t testing.TB, k *key, hash felt.Felt) Signature {
	t.Helper()
	sig, err := Sign(&k.d, hash)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// scalarFelt returns x modulo n as a felt.
func scalarFelt(x *big.Int) felt.Felt {
	return must(felt.FromBig(new(big.Int).Mod(x, fr.Modulus())))
}

func bigOf(f felt.Felt) *big.Int { return f.BigInt(new(big.Int)) }

// TestHighS wants both (r, s) and (r, n-s) accepted, for keys with either sign of
// y.
func TestHighS(t *testing.T) {
	signs := make(map[bool]bool)
	for i := range uint64(12) {
		key := newKey(new(fr.Element).SetUint64(i + 1))
		hash := felt.MustParse("0x1234")
		sig := sign(t, key, hash)
		other := Signature{sig.R, scalarFelt(new(big.Int).Neg(bigOf(sig.S)))}
		for _, s := range []Signature{sig, other} {
			assert.NoError(t, Verify(key.PublicKey(), hash, s), "key %d", i+1)
			assert.NoError(t, VerifyPoint(key.Point(), hash, s), "key %d by point", i+1)
		}
		lifted, point := must(PublicPoint(key.PublicKey())), key.Point()
		signs[lifted.Equal(&point)] = true
	}
	if len(signs) != 2 {
		t.Error("all keys have the same sign of y: choose others")
	}
}

// TestVerifyRefuses wants one error for each thing that can be wrong.
func TestVerifyRefuses(t *testing.T) {
	key, hash := testKey(), felt.MustParse("0xc0ffee")
	public, good := key.PublicKey(), sign(t, testKey(), felt.MustParse("0xc0ffee"))
	order := must(felt.FromBig(fr.Modulus()))
	two251 := felt.MustParse("0x800000000000000000000000000000000000000000000000000000000000000")
	wide := fr.Modulus().ModInverse(bigOf(two251), fr.Modulus()) // its inverse is 2^251
	zero, one := felt.Felt{}, felt.FromUint64(1)
	offCurve := felt.MustParse("0x5")
	for name, c := range map[string]struct {
		public, hash felt.Felt
		sig          Signature
		want         error
	}{
		"other hash":       {public, one, good, ErrSignature},
		"other key":        {newKey(new(fr.Element).SetOne()).PublicKey(), hash, good, ErrSignature},
		"other r":          {public, hash, Signature{one, good.S}, ErrSignature},
		"other s":          {public, hash, Signature{good.R, one}, ErrSignature},
		"swapped":          {public, hash, Signature{one, good.R}, ErrSignature},
		"r zero":           {public, hash, Signature{zero, good.S}, ErrRange},
		"s zero":           {public, hash, Signature{good.R, zero}, ErrRange},
		"r 2^251":          {public, hash, Signature{two251, good.S}, ErrRange},
		"r order":          {public, hash, Signature{order, good.S}, ErrRange},
		"s order":          {public, hash, Signature{good.R, order}, ErrRange},
		"1/s 2^251":        {public, hash, Signature{good.R, must(felt.FromBig(wide))}, ErrRange},
		"hash 2^251":       {public, two251, good, ErrHashRange},
		"public key zero":  {zero, hash, good, ErrPublicKey},
		"not on the curve": {offCurve, hash, good, ErrPublicKey},
	} {
		if err := Verify(c.public, c.hash, c.sig); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	assert.NoError(t, Verify(public, hash, good), "unchanged")
}

func TestVerifyPointRefuses(t *testing.T) {
	key, hash := testKey(), felt.MustParse("0xc0ffee")
	good := sign(t, key, hash)
	off := key.Point()
	off.Y.SetOne()
	for name, q := range map[string]starkcurve.G1Affine{"identity": {}, "off the curve": off} {
		assert.ErrorIs(t, VerifyPoint(q, hash, good), ErrPublicKey, "%s", name)
	}
}

// TestForgedZero tries signatures whose sum is the point at infinity.
func TestForgedZero(t *testing.T) {
	// With hash h, r and Q = -(h/r)G the sum h/s G + r/s Q is infinity for every s.
	h, r := big.NewInt(77), big.NewInt(5)
	d := new(big.Int).ModInverse(r, fr.Modulus())
	d.Mul(d, h).Neg(d).Mod(d, fr.Modulus())
	var q starkcurve.G1Affine
	q.ScalarMultiplicationBase(d)
	sig := Signature{scalarFelt(r), scalarFelt(big.NewInt(3))}
	assert.ErrorIs(t, VerifyPoint(q, scalarFelt(h), sig), ErrSignature)
}

func TestSignatureEncoding(t *testing.T) {
	sig := sign(t, testKey(), felt.MustParse("0x1"))
	if back, err := Parse(sig.Bytes()); err != nil || back != sig {
		t.Errorf("%v", err)
	}
	for _, n := range []int{0, 63, 65} {
		if _, err := Parse(make([]byte, n)); !errors.Is(err, ErrSize) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
	for i := range 2 {
		for _, fill := range []byte{0, 0xff} {
			b := sig.Bytes()
			for j := range felt.Size {
				b[i*felt.Size+j] = fill
			}
			if _, err := Parse(b); !errors.Is(err, ErrRange) {
				t.Errorf("half %d of bytes %#x: got %v", i, fill, err)
			}
		}
	}
}

// TestNormalize wants of the two forms of a signature the one of the smaller s.
func TestNormalize(t *testing.T) {
	sig := sign(t, testKey(), felt.MustParse("0x1"))
	other := Signature{sig.R, scalarFelt(new(big.Int).Neg(bigOf(sig.S)))}
	if sig.Normal() == other.Normal() || sig.Normalize() != other.Normalize() || !sig.Normalize().Normal() {
		t.Error("the two forms of a signature have no one form")
	}
	wide := Signature{sig.R, must(felt.FromBig(fr.Modulus()))}
	if wide.Normalize() != wide || wide.Normal() {
		t.Error("an s of the order is normal")
	}
}

// gnarkVerify is an independent verifier: gnark-crypto's, given the smaller s,
// since later versions refuse the larger one.
func gnarkVerify(t testing.TB, q starkcurve.G1Affine, hash felt.Felt, sig Signature) bool {
	t.Helper()
	s := bigOf(sig.S)
	if neg := new(big.Int).Sub(fr.Modulus(), s); neg.Cmp(s) < 0 {
		s = neg
	}
	public, msg := ecdsa.PublicKey{A: q}, hash.Bytes()
	enc := Signature{sig.R, scalarFelt(s)}.Bytes()
	ok, err := public.Verify(enc, msg[:], nil)
	return ok && err == nil
}

// TestAgainstGnark lets gnark-crypto verify our signatures, and us its own, which
// have random nonces.
func TestAgainstGnark(t *testing.T) {
	for range 20 {
		theirs, err := ecdsa.GenerateKey(rand.Reader)
		require.NoError(t, err)
		key := newKey(new(fr.Element).SetBytes(theirs.Bytes()[felt.Size:]))
		if point := key.Point(); !point.Equal(&theirs.PublicKey.A) {
			t.Fatal("another public key")
		}
		hash := randomHash()
		if !gnarkVerify(t, key.Point(), hash, sign(t, key, hash)) {
			t.Errorf("gnark refuses our signature of %s by %x", hash, key.d.Bytes())
		}
		msg := hash.Bytes()
		sig := must(Parse(must(theirs.Sign(msg[:], nil))))
		if err := Verify(key.PublicKey(), hash, sig); err != nil {
			t.Errorf("we refuse gnark's signature of %s by %x: %v", hash, key.d.Bytes(), err)
		}
	}
}

// FuzzSignature signs and verifies, and gives Verify the rest of the input as a
// signature. gnark-crypto's verifier must agree with every answer.
func FuzzSignature(f *testing.F) {
	f.Add(make([]byte, 32), make([]byte, 32), make([]byte, 64))
	private := testKey().d.Bytes()
	f.Add(private[:], bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{1}, 64))
	f.Add(bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, private, message, forged []byte) {
		var d fr.Element
		if d.SetBytes(private); d.IsZero() {
			d.SetOne()
		}
		key := newKey(&d)
		var hash felt.Felt
		hash.SetBytes(message)
		if !below251(&hash) {
			return
		}
		sig := sign(t, key, hash)
		require.NoError(t, Verify(key.PublicKey(), hash, sig))
		if back := must(Parse(sig.Bytes())); back != sig {
			t.Fatal("the signature reads back as another one")
		}
		other := felt.FromUint64(1)
		if other.Sub(&hash, &other); below251(&other) && Verify(key.PublicKey(), other, sig) == nil {
			t.Fatal("the signature is good for another hash")
		}
		checkForged(t, key, hash, forged)
	})
}

func checkForged(t *testing.T, key *key, hash felt.Felt, forged []byte) {
	sig, err := Parse(forged)
	if err != nil {
		return
	}
	// The public key is only a coordinate, so either point may be the signer's.
	q := key.Point()
	want := gnarkVerify(t, q, hash, sig)
	q.Y.Neg(&q.Y)
	want = want || gnarkVerify(t, q, hash, sig)
	if err := Verify(key.PublicKey(), hash, sig); (err == nil) != want {
		t.Fatalf("we say %v, gnark %t", err, want)
	}
}

// randomHash returns a random number below 2^251.
func randomHash() felt.Felt {
	var b [felt.Size]byte
	rand.Read(b[:])
	b[0] &= 0x07
	return must(felt.FromBytes(b[:]))
}
