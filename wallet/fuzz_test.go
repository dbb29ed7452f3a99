package wallet

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
)

// FuzzKeystore reads rubbish. What is accepted is within the bounds, survives being
// written again, and, if it is cheap, can be opened or says why not.
func FuzzKeystore(f *testing.F) {
	good := must(SealKey(testKey(), password, cheap))
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("crypto"), []byte("Crypto"), 1))
	f.Add(edit(f, good, "crypto.kdfparams.n", 1<<20))
	f.Add([]byte(`{"version":3}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseKeystore(data)
		if err != nil {
			var e *KeystoreError
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		require.NoError(t, s.scrypt.check())
		again, err := parseKeystore(must(s.marshal()))
		if err != nil || again.scrypt != s.scrypt || !bytes.Equal(again.ciphertext, s.ciphertext) ||
			!bytes.Equal(again.mac, s.mac) || !bytes.Equal(again.salt, s.salt) || !bytes.Equal(again.iv, s.iv) {
			t.Fatalf("written again it reads as %+v, %v", again, err)
		}
		if s.scrypt.N*s.scrypt.R*s.scrypt.P > 1<<12 {
			return
		}
		if _, err := OpenKey(data, password); err != nil && !errors.Is(err, ErrPassword) && !errors.Is(err, ErrKeyRange) {
			t.Fatal(err)
		}
	})
}

// FuzzMnemonic reads rubbish. What is accepted reads back as itself and gives a
// key; every refusal has its name.
func FuzzMnemonic(f *testing.F) {
	f.Add(abandon)
	f.Add(strings.ToUpper(abandon))
	f.Add(strings.Repeat("zoo ", 12))
	f.Add("\uff41bandon")
	for _, n := range []int{15, 18, 21, 24} {
		f.Add(must(NewMnemonic(n)).Reveal())
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMnemonic(text)
		if err != nil {
			var count *WordCountError
			var word *WordError
			if !errors.As(err, &count) && !errors.As(err, &word) && !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrPhraseSize) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		again, err := ParseMnemonic(m.Reveal())
		if err != nil || again.Reveal() != m.Reveal() || again.Words() != m.Words() || !validCount(m.Words()) {
			t.Fatalf("%q reads back as %q, %v", m.Reveal(), again.Reveal(), err)
		}
		if _, err := m.Key("", SchemeArgent, 0); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSignature signs and verifies, and gives Verify the rest of the input as a
// signature. gnark-crypto's verifier must agree with every answer.
func FuzzSignature(f *testing.F) {
	f.Add(make([]byte, 32), make([]byte, 32), make([]byte, 64))
	f.Add(must(testKey().Reveal()), bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{1}, 64))
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
		if back := must(ParseSignature(sig.Bytes())); back != sig {
			t.Fatal("the signature reads back as another one")
		}
		other := felt.FromUint64(1)
		if other.Sub(&hash, &other); below251(&other) && Verify(key.PublicKey(), other, sig) == nil {
			t.Fatal("the signature is good for another hash")
		}
		checkForged(t, key, hash, forged)
	})
}

func checkForged(t *testing.T, key *Key, hash felt.Felt, forged []byte) {
	sig, err := ParseSignature(forged)
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
