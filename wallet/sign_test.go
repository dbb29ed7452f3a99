package wallet

import (
	"context"
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

const maxHash = "0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" // 2^251 - 1

// TestScureEdges compares signatures under testKey with @scure/starknet 2.4.0 at
// the edges of the hash's range, and for two hashes whose nonce begins with a zero
// byte, where that library departs from RFC 6979.
func TestScureEdges(t *testing.T) {
	key := testKey()
	for _, c := range []struct{ hash, r, s string }{
		{"0x0", "0x026fa80ebe1034a98f1e12a084ad675d43cfa7380a1cf8cdf629fb176681abe6", "0x06a292eaeeaefb49c42a5aec211a326d68a952c9e3d1222d76107a393a1bc94a"},
		{"0x1", "0x03d8032c12c7341380231d9827a70231d7e7103fb878f2a6eb1de2eee30c9226", "0x02b6ea4d92809475e4a778a831e3181a9690c169cefb0ce56c24a7c6ea4faa03"},
		{"0x80000000000000000000000000000000000000000000000000000000000000", "0x006bba7ada32ad56c230ccf8057673f28f6db8e0ab8ed571e613d7851dac6450", "0x01e6292ed59991382a5daf8dfc18fbf3ec7b7a5939cf8ad585d5bf65387160de"},
		{"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "0x0723a1243caeee8bb2e250fde27695e8e8d5e94ca9d2abd5cc9a8cf17987eb9c", "0x0286db4a77950fe62a39cea943d9027e26bd398bacc026f51477696d0ebdf1ca"},
		{"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe", "0x07dec3c6f524308c71591636b08d4ffa9c59d3c81c8db295f2fa16d1f07430a1", "0x0329c21259ee9b84c907ab47d2dd1fc648d4a6df966cf3ae227c914d898c05f2"},
		{maxHash, "0x026de1a20c261b3cb0189420545f3715350ba7c9ed2d805728da21a21c25a8a9", "0x0493645b1ecdf342b8c3d2dc1d1ccfa39a81195f6506b621fea665022c549811"},
		{"0xa3", "0x056d6d4f274f0a86ff8d90cc2aceaf44be07cc83e67f6dd88913f2e83b022233", "0x0419da5c7f708d29db496d56ad3f0ca71f5be48815f594dbe6f788ebb0a6427f"},
		{"0xed", "0x00b094772b4d59e6773bca8deeb7c2716b9d7787712274485446bb3d389e6047", "0x05d5e40b6cfe0acd8da65d8ec8f58645fb47bf0c17d19c7f23708d3dd435bb7d"},
	} {
		hash := felt.MustParse(c.hash)
		sig := sign(t, key, hash)
		if sig.R.Padded() != c.r || sig.S.Padded() != c.s {
			t.Errorf("hash %s: signature %x", c.hash, sig.Bytes())
		}
		assert.NoError(t, Verify(key.PublicKey(), hash, sig), "hash %s", c.hash)
	}
}

func TestSignRefuses(t *testing.T) {
	key, ctx := testKey(), context.Background()
	for _, h := range []string{"0x800000000000000000000000000000000000000000000000000000000000000", "0x800000000000011000000000000000000000000000000000000000000000000"} {
		if _, err := key.Sign(ctx, felt.MustParse(h)); !errors.Is(err, ErrHashRange) {
			t.Errorf("hash %s: got %v", h, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := key.Sign(ended, felt.Felt{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: got %v", err)
	}
	if _, err := (Key{}).Sign(ctx, felt.Felt{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("empty key: got %v", err)
	}
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
		d := new(fr.Element).SetUint64(i + 1)
		key := newKey(d)
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
		"other key":        {must(NewKey(append(make([]byte, 31), 1))).PublicKey(), hash, good, ErrSignature},
		"other r":          {public, hash, Signature{one, good.S}, ErrSignature},
		"other s":          {public, hash, Signature{good.R, one}, ErrSignature},
		"swapped":          {public, hash, Signature{one, good.R}, ErrSignature},
		"r zero":           {public, hash, Signature{zero, good.S}, ErrSignatureRange},
		"s zero":           {public, hash, Signature{good.R, zero}, ErrSignatureRange},
		"r 2^251":          {public, hash, Signature{two251, good.S}, ErrSignatureRange},
		"r order":          {public, hash, Signature{order, good.S}, ErrSignatureRange},
		"s order":          {public, hash, Signature{good.R, order}, ErrSignatureRange},
		"1/s 2^251":        {public, hash, Signature{good.R, must(felt.FromBig(wide))}, ErrSignatureRange},
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
	if back, err := ParseSignature(sig.Bytes()); err != nil || back != sig {
		t.Errorf("%v", err)
	}
	for _, n := range []int{0, 63, 65} {
		if _, err := ParseSignature(make([]byte, n)); !errors.Is(err, ErrSignatureSize) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
	for i := range 2 {
		for _, fill := range []byte{0, 0xff} {
			b := sig.Bytes()
			for j := range felt.Size {
				b[i*felt.Size+j] = fill
			}
			if _, err := ParseSignature(b); !errors.Is(err, ErrSignatureRange) {
				t.Errorf("half %d of bytes %#x: got %v", i, fill, err)
			}
		}
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
		key := must(NewKey(theirs.Bytes()[felt.Size:]))
		if point := key.Point(); !point.Equal(&theirs.PublicKey.A) {
			t.Fatal("another public key")
		}
		hash := randomHash()
		if !gnarkVerify(t, key.Point(), hash, sign(t, key, hash)) {
			t.Errorf("gnark refuses our signature of %s by %v", hash, key)
		}
		msg := hash.Bytes()
		sig := must(ParseSignature(must(theirs.Sign(msg[:], nil))))
		assert.NoError(t, Verify(key.PublicKey(), hash, sig), "we refuse gnark's signature of %s by %v", hash, key)
	}
}

// randomHash returns a random number below 2^251.
func randomHash() felt.Felt {
	var b [felt.Size]byte
	rand.Read(b[:])
	b[0] &= 0x07
	return must(felt.FromBytes(b[:]))
}
