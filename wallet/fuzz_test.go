package wallet

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
