package wallet

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
)

func TestParseKey(t *testing.T) {
	for in, want := range map[string]string{
		"0x1":                                "01",
		"1":                                  "01",
		" 0xAbC\n":                           "0abc",
		"0x" + strings.Repeat("0", 63) + "2": "02",
	} {
		k, err := ParseKey(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := bytes.TrimLeft(must(k.Reveal()), "\x00"); !bytes.Equal(got, bytes.TrimLeft(unhex(t, want), "\x00")) {
			t.Errorf("%q: %x", in, got)
		}
	}
	order := fr.Modulus().Text(16)
	for in, want := range map[string]error{
		"":                             ErrKeySyntax,
		"0x":                           ErrKeySyntax,
		"0xz":                          ErrKeySyntax,
		"0x-1":                         ErrKeySyntax,
		"1 2":                          ErrKeySyntax,
		"0x" + strings.Repeat("0", 65): ErrKeySyntax,
		"0x0":                          ErrKeyRange,
		order:                          ErrKeyRange,
		"0x" + strings.Repeat("f", 64): ErrKeyRange,
		// An Ethereum key.
		"0x1ab42cc412b618bdea3a599e3c9bae199ebf030895b039e9db1e30dafb12b727": ErrKeyRange,
	} {
		_, err := ParseKey(in)
		if !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", in, err, want)
		}
		if digits := strings.TrimPrefix(in, "0x"); len(digits) > 8 && strings.Contains(err.Error(), digits[:8]) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestNewKeySize(t *testing.T) {
	for _, n := range []int{0, 31, 33} {
		b := make([]byte, n)
		if n > 0 {
			b[n-1] = 1
		}
		if _, err := NewKey(b); !errors.Is(err, ErrKeyRange) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

func TestGenerateKey(t *testing.T) {
	seen := make(map[felt.Felt]bool)
	for range 50 {
		k := GenerateKey()
		if b := must(k.Reveal()); must(NewKey(b)).PublicKey() != k.PublicKey() {
			t.Error("the revealed key has another public key")
		}
		seen[k.PublicKey()] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d different keys of 50", len(seen))
	}
}

// TestRevealCopies wants a caller that clears what Reveal returned, or what it gave
// to NewKey, to leave the key alone.
func TestRevealCopies(t *testing.T) {
	b := must(testKey().Reveal())
	k := must(NewKey(b))
	clear(b)
	clear(must(k.Reveal()))
	if !bytes.Equal(must(k.Reveal()), must(testKey().Reveal())) {
		t.Error("the key changed")
	}
}

func TestZero(t *testing.T) {
	k := testKey()
	public, other := k.PublicKey(), *k
	k.Zero()
	if _, err := other.Sign(context.Background(), felt.Felt{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("Sign by a copy: %v", err)
	}
	if _, err := k.Reveal(); !errors.Is(err, ErrNoKey) {
		t.Errorf("Reveal: %v", err)
	}
	if _, err := SealKey(k, []byte("pw"), cheap); !errors.Is(err, ErrNoKey) {
		t.Errorf("SealKey: %v", err)
	}
	if k.PublicKey() != public {
		t.Error("the public key is gone")
	}
	(Key{}).Zero()
	if p := (Key{}).PublicKey(); !p.IsZero() {
		t.Error("the empty key has a public key")
	}
}

// TestConcurrentZero erases a key while others sign: each signature is right, or
// missing. The race detector looks on.
func TestConcurrentZero(t *testing.T) {
	k, hash := testKey(), felt.MustParse("0x7")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				sig, err := k.Sign(context.Background(), hash)
				if errors.Is(err, ErrNoKey) {
					return
				}
				if err != nil || VerifyPoint(k.Point(), hash, sig) != nil {
					t.Errorf("a wrong signature: %v", err)
					return
				}
			}
		})
	}
	wg.Go(k.Zero)
	wg.Wait()
}
