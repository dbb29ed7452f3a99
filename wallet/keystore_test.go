package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var password = []byte("correct horse")

func seal(t testing.TB, k *Key) []byte {
	t.Helper()
	data, err := SealKey(k, password, cheap)
	require.NoError(t, err)
	return data
}

func TestKeystoreRoundTrip(t *testing.T) {
	key := testKey()
	data := seal(t, key)
	back, err := OpenKey(data, password)
	require.NoError(t, err)
	if !bytes.Equal(must(back.Reveal()), must(key.Reveal())) {
		t.Error("another key came back")
	}
	if bytes.Equal(data, seal(t, key)) {
		t.Error("two files of one key are the same")
	}
	if strings.Contains(strings.ToLower(string(data)), "address") {
		t.Error("the file has an address")
	}
	if len(data) > MaxKeystoreSize {
		t.Errorf("%d bytes", len(data))
	}
}

// TestDefaultScrypt opens a file of the default cost, once.
func TestDefaultScrypt(t *testing.T) {
	data, err := SealKey(testKey(), password, Scrypt{})
	require.NoError(t, err)
	if s := must(parseKeystore(data)); s.scrypt != (Scrypt{131072, 8, 1}) {
		t.Errorf("cost %+v", s.scrypt)
	}
	if _, err := OpenKey(data, password); err != nil {
		t.Error(err)
	}
}

// TestSpecVector opens the scrypt example of the Web3 Secret Storage definition,
// whose key is an Ethereum key of the range that Stark keys have.
func TestSpecVector(t *testing.T) {
	const file = `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
		"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt",
		"kdfparams":{"dklen":32,"n":262144,"p":8,"r":1,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
		"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
		"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`
	s := must(parseKeystore([]byte(file)))
	private, err := s.open([]byte("testpassword"))
	if err != nil || !bytes.Equal(private, unhex(t, "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")) {
		t.Errorf("%x, %v", private, err)
	}
	if _, err := OpenKey([]byte(file), []byte("testpassword")); !errors.Is(err, ErrKeyRange) {
		t.Errorf("an Ethereum key: got %v", err)
	}
}

func TestSealRefuses(t *testing.T) {
	var ke *KeystoreError
	for _, c := range []Scrypt{{N: 512, R: 8, P: 1}, {N: 1 << 21, R: 1, P: 1}, {N: 3000, R: 8, P: 1}, {N: 1024, R: 0, P: 1}, {N: 1024, R: 8, P: 9}} {
		if _, err := SealKey(testKey(), password, c); !errors.As(err, &ke) {
			t.Errorf("%+v: got %v", c, err)
		}
	}
	if _, err := SealKey(testKey(), nil, cheap); !errors.Is(err, ErrEmptyPassword) {
		t.Errorf("no password: got %v", err)
	}
	for _, k := range []*Key{nil, {}} {
		if _, err := SealKey(k, password, cheap); !errors.Is(err, ErrNoKey) {
			t.Errorf("no key: got %v", err)
		}
	}
}

// TestUnicodePassword wants a password to open the file however its accents were
// encoded when it was made, and files of other programs that took it as it was.
func TestUnicodePassword(t *testing.T) {
	const composed, decomposed = "pa\u00dfw\u00f6rt \ufb01", "pa\u00dfwo\u0308rt \ufb01"
	for _, write := range []string{composed, decomposed} {
		data := must(SealKey(testKey(), []byte(write), cheap))
		for _, read := range []string{composed, decomposed} {
			if _, err := OpenKey(data, []byte(read)); err != nil {
				t.Errorf("%q by %q: %v", write, read, err)
			}
		}
	}
	raw := must(parseKeystore(seal(t, testKey())))
	require.NoError(t, raw.seal(must(testKey().Reveal()), []byte(decomposed)))
	if _, err := OpenKey(must(raw.marshal()), []byte(decomposed)); err != nil {
		t.Errorf("not normalised by its writer: %v", err)
	}
}

// edit changes one field of a keystore, or deletes it if v is nil.
func edit(t testing.TB, data []byte, field string, v any) []byte {
	t.Helper()
	var root map[string]any
	require.NoError(t, json.Unmarshal(data, &root))
	at, path := root, strings.Split(field, ".")
	for _, name := range path[:len(path)-1] {
		at = at[name].(map[string]any)
	}
	if last := path[len(path)-1]; v == nil {
		delete(at, last)
	} else {
		at[last] = v
	}
	return must(json.Marshal(root))
}

// TestDamagedFields wants each field that can be seen to be damaged to be named.
func TestDamagedFields(t *testing.T) {
	good := seal(t, testKey())
	many := strings.Repeat("00", maxSaltSize+1)
	for _, c := range []struct {
		field string
		value any
	}{
		{"version", nil}, {"version", 1}, {"version", 4}, {"version", "3"},
		{"crypto.cipher", nil}, {"crypto.cipher", "aes-256-ctr"}, {"crypto.cipher", 1},
		{"crypto.kdf", nil}, {"crypto.kdf", "pbkdf2"},
		{"crypto.kdfparams.dklen", 31}, {"crypto.kdfparams.dklen", 1 << 40}, {"crypto.kdfparams.dklen", nil},
		{"crypto.kdfparams.n", nil}, {"crypto.kdfparams.n", 0}, {"crypto.kdfparams.n", -1024}, {"crypto.kdfparams.n", 512},
		{"crypto.kdfparams.n", 1025}, {"crypto.kdfparams.n", 1 << 21}, {"crypto.kdfparams.n", 1 << 62}, {"crypto.kdfparams.n", 1024.5}, {"crypto.kdfparams.n", "1024"},
		{"crypto.kdfparams.r", nil}, {"crypto.kdfparams.r", -1}, {"crypto.kdfparams.r", 65}, {"crypto.kdfparams.r", 1 << 62},
		{"crypto.kdfparams.p", nil}, {"crypto.kdfparams.p", -8}, {"crypto.kdfparams.p", 65}, {"crypto.kdfparams.p", 1 << 62},
		{"crypto.kdfparams.salt", nil}, {"crypto.kdfparams.salt", "00"}, {"crypto.kdfparams.salt", many}, {"crypto.kdfparams.salt", "0x00112233445566778899"},
		{"crypto.cipherparams.iv", nil}, {"crypto.cipherparams.iv", "00"}, {"crypto.cipherparams.iv", "zz"},
		{"crypto.ciphertext", nil}, {"crypto.ciphertext", strings.Repeat("00", 31)}, {"crypto.ciphertext", strings.Repeat("0", 63)},
		{"crypto.mac", nil}, {"crypto.mac", strings.Repeat("00", 33)},
	} {
		_, err := OpenKey(edit(t, good, c.field, c.value), password)
		var e *KeystoreError
		if !errors.As(err, &e) || e.Field != c.field || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%s = %.20v: got %v", c.field, c.value, err)
		}
	}
}

// TestScryptBounds wants the products bounded as well as the factors.
func TestScryptBounds(t *testing.T) {
	for _, c := range []struct {
		Scrypt
		field string // that is refused; empty if none is
	}{
		{Scrypt{1 << 20, 8, 1}, ""},
		{Scrypt{1 << 18, 1, 8}, ""}, // eth-keyfile
		{Scrypt{1 << 12, 8, 6}, ""}, // geth's light setting
		{Scrypt{1 << 18, 8, 8}, ""}, // the most work
		{Scrypt{1 << 20, 16, 1}, "crypto.kdfparams.r"},
		{Scrypt{1 << 19, 8, 8}, "crypto.kdfparams.p"},
		{Scrypt{1 << 10, 9, 8}, "crypto.kdfparams.p"},
	} {
		err := c.check()
		var e *KeystoreError
		if got := errors.As(err, &e); got != (c.field != "") || got && e.Field != c.field {
			t.Errorf("%+v: got %v", c.Scrypt, err)
		}
	}
}

// TestPasswordOrDamage wants ErrPassword for all that the check value covers.
func TestPasswordOrDamage(t *testing.T) {
	good := seal(t, testKey())
	for _, p := range []string{"", "Correct horse", "correct horse ", "\xff"} {
		if _, err := OpenKey(good, []byte(p)); !errors.Is(err, ErrPassword) {
			t.Errorf("password %q: got %v", p, err)
		}
	}
	zero := strings.Repeat("00", 32)
	for field, v := range map[string]any{
		"crypto.kdfparams.salt": zero, "crypto.kdfparams.n": 2048, "crypto.kdfparams.p": 2,
		"crypto.ciphertext": zero, "crypto.mac": zero,
	} {
		if _, err := OpenKey(edit(t, good, field, v), password); !errors.Is(err, ErrPassword) {
			t.Errorf("%s changed: got %v", field, err)
		}
	}
}

func TestNotAKeystore(t *testing.T) {
	good := string(seal(t, testKey()))
	for name, data := range map[string]string{
		"empty":     "",
		"text":      "hello",
		"array":     "[]",
		"cut":       good[:len(good)/2],
		"two":       good + good,
		"rubbish":   good + "x",
		"too large": good + strings.Repeat(" ", MaxKeystoreSize),
		"binary":    "\x00\xff\x00",
	} {
		var e *KeystoreError
		if _, err := OpenKey([]byte(data), password); !errors.As(err, &e) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := OpenKey([]byte(good+" \n\t"), password); err != nil {
		t.Errorf("white space at the end: %v", err)
	}
}

// TestForeignFields opens a file with what other programs add.
func TestForeignFields(t *testing.T) {
	data := edit(t, seal(t, testKey()), "address", "008aeeda4d805471df9b2a5b0f38a0c3bcba786b")
	data = edit(t, data, "x-ethers", map[string]any{"client": "ethers"})
	data = bytes.Replace(data, []byte(`"crypto"`), []byte(`"Crypto"`), 1)
	if _, err := OpenKey(data, password); err != nil {
		t.Error(err)
	}
}
