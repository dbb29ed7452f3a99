package wallet

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/crypto/sha3"
	"golang.org/x/text/unicode/norm"
)

// MaxKeystoreSize is the largest keystore that is read, in bytes.
const MaxKeystoreSize = 64 << 10

var (
	// ErrPassword means that a keystore's check value does not match. Nearly always
	// the password is wrong. A change to the salt, to another parameter of scrypt,
	// to the ciphertext or to the check value itself has the same effect, and the
	// format gives no means to tell these apart.
	ErrPassword = errors.New("wallet: wrong password, or the keystore's salt, scrypt parameters, ciphertext or MAC were damaged: the format cannot tell which")
	// ErrEmptyPassword means that no password was given.
	ErrEmptyPassword = errors.New("wallet: the password is empty")
)

// KeystoreError says what of a keystore is damaged, or is not supported.
type KeystoreError struct {
	Field  string // such as crypto.kdfparams.n; empty for the file as a whole
	Reason string
}

// Error implements error.
func (e *KeystoreError) Error() string {
	if e.Field == "" {
		return "wallet: keystore: " + e.Reason
	}
	return fmt.Sprintf("wallet: keystore: %s: %s", e.Field, e.Reason)
}

// Scrypt holds the cost of turning a password into a key. It takes 128 N R bytes
// of memory and time in proportion to N R P.
type Scrypt struct {
	N int // a power of two
	R int // block size
	P int // repetitions
}

// DefaultScrypt is the cost of new keystores: 128 MiB and about half a second.
var DefaultScrypt = Scrypt{N: 1 << 17, R: 8, P: 1}

// Bounds of what is read and written. They hold a hostile file to 1 GiB of memory
// and eight times the work of the strongest setting in use, geth's N = 2^18, R = 8.
const (
	minScryptN    = 1 << 10
	maxScryptN    = 1 << 20
	maxScryptRP   = 64
	maxScryptNR   = 1 << 23 // 128 N R bytes
	maxScryptWork = 1 << 24 // N R P
)

func (s Scrypt) check() error {
	switch {
	case s.N < minScryptN || s.N > maxScryptN || s.N&(s.N-1) != 0:
		return &KeystoreError{"crypto.kdfparams.n", "not a power of two from 2^10 to 2^20"}
	case s.R < 1 || s.R > maxScryptRP || s.N*s.R > maxScryptNR:
		return &KeystoreError{"crypto.kdfparams.r", "not positive, or so large that n and r ask for more than 1 GiB"}
	case s.P < 1 || s.P > maxScryptRP || s.R*s.P > maxScryptRP || s.N*s.R*s.P > maxScryptWork:
		return &KeystoreError{"crypto.kdfparams.p", "not positive, or so large that r*p exceeds 64 or n*r*p 2^24"}
	}
	return nil
}

// The file format is Web3 Secret Storage, version 3 (ethereum.org documentation),
// with scrypt and AES-128-CTR and without its address field, which is Ethereum's.
type keystoreFile struct {
	Crypto  keystoreCrypto `json:"crypto"`
	ID      string         `json:"id"`
	Version int            `json:"version"`
}

type keystoreCrypto struct {
	Cipher       string       `json:"cipher"`
	CipherText   string       `json:"ciphertext"`
	CipherParams cipherParams `json:"cipherparams"`
	KDF          string       `json:"kdf"`
	KDFParams    kdfParams    `json:"kdfparams"`
	MAC          string       `json:"mac"`
}

type cipherParams struct {
	IV string `json:"iv"`
}

type kdfParams struct {
	DKLen int    `json:"dklen"`
	N     int    `json:"n"`
	P     int    `json:"p"`
	R     int    `json:"r"`
	Salt  string `json:"salt"`
}

// sealed is what a keystore file holds.
type sealed struct {
	scrypt                    Scrypt
	salt, iv, ciphertext, mac []byte
}

const (
	cipherName  = "aes-128-ctr"
	kdfName     = "scrypt"
	keyLength   = 32 // of the key derived from the password
	minSaltSize = 8
	maxSaltSize = 128
)

// SealKey encrypts a key under a password and returns a keystore file. The zero
// Scrypt means DefaultScrypt.
//
// The password is used in Unicode's form NFKC, as by ethers: the same password
// typed on another system opens the file. Programs that do not normalise, such as
// geth and eth-keyfile, open it with the password in that form, which is how most
// keyboards give it.
func SealKey(k *Key, password []byte, cost Scrypt) ([]byte, error) {
	if cost == (Scrypt{}) {
		cost = DefaultScrypt
	}
	if err := cost.check(); err != nil {
		return nil, err
	}
	if len(password) == 0 {
		return nil, ErrEmptyPassword
	}
	if k == nil {
		return nil, ErrNoKey
	}
	private, err := k.Reveal()
	if err != nil {
		return nil, err
	}
	defer clear(private)
	s := &sealed{scrypt: cost, salt: make([]byte, 32), iv: make([]byte, aes.BlockSize)}
	rand.Read(s.salt)
	rand.Read(s.iv)
	if err := s.seal(private, norm.NFKC.Bytes(password)); err != nil {
		return nil, err
	}
	return s.marshal()
}

// OpenKey decrypts a keystore file. It fails with ErrPassword, with a
// *KeystoreError if the file is damaged or of another kind, or with ErrKeyRange if
// it holds a number that is no Stark key.
//
// The password is tried as it is and then, if that differs, in form NFKC. OpenKey
// takes as long and as much memory as the file asks for, within bounds of 1 GiB
// and about ten seconds.
func OpenKey(file, password []byte) (*Key, error) {
	s, err := parseKeystore(file)
	if err != nil {
		return nil, err
	}
	private, err := s.open(password)
	if norm := norm.NFKC.Bytes(password); errors.Is(err, ErrPassword) && !bytes.Equal(norm, password) {
		private, err = s.open(norm)
	}
	if err != nil {
		return nil, err
	}
	defer clear(private)
	return NewKey(private)
}

// seal encrypts the private key into s, whose cost, salt and iv are set.
func (s *sealed) seal(private, password []byte) error {
	key, err := s.deriveKey(password)
	if err != nil {
		return err
	}
	defer clear(key)
	if s.ciphertext, err = s.crypt(key, private); err != nil {
		return err
	}
	s.mac = checkValue(key, s.ciphertext)
	return nil
}

// open returns the private key.
func (s *sealed) open(password []byte) ([]byte, error) {
	key, err := s.deriveKey(password)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if subtle.ConstantTimeCompare(checkValue(key, s.ciphertext), s.mac) != 1 {
		return nil, ErrPassword
	}
	return s.crypt(key, s.ciphertext)
}

func (s *sealed) deriveKey(password []byte) ([]byte, error) {
	key, err := scrypt.Key(password, s.salt, s.scrypt.N, s.scrypt.R, s.scrypt.P, keyLength)
	if err != nil {
		return nil, &KeystoreError{"crypto.kdfparams", err.Error()}
	}
	return key, nil
}

// crypt encrypts or decrypts with AES-128 in counter mode under the first half of
// the derived key.
func (s *sealed) crypt(key, in []byte) ([]byte, error) {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(in))
	cipher.NewCTR(block, s.iv).XORKeyStream(out, in)
	return out, nil
}

// checkValue is Keccak-256 of the second half of the derived key and the
// ciphertext.
func checkValue(key, ciphertext []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(key[16:])
	h.Write(ciphertext)
	return h.Sum(nil)
}

func (s *sealed) marshal() ([]byte, error) {
	f := keystoreFile{ID: newUUID(), Version: 3, Crypto: keystoreCrypto{
		Cipher:       cipherName,
		CipherText:   hex.EncodeToString(s.ciphertext),
		CipherParams: cipherParams{hex.EncodeToString(s.iv)},
		KDF:          kdfName,
		KDFParams:    kdfParams{DKLen: keyLength, N: s.scrypt.N, P: s.scrypt.P, R: s.scrypt.R, Salt: hex.EncodeToString(s.salt)},
		MAC:          hex.EncodeToString(s.mac),
	}}
	data, err := json.MarshalIndent(f, "", "  ")
	return append(data, '\n'), err
}

// newUUID returns a random identifier of RFC 9562, version 4.
func newUUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// parseKeystore reads a keystore file and checks everything that can be checked
// without the password.
func parseKeystore(data []byte) (*sealed, error) {
	if len(data) > MaxKeystoreSize {
		return nil, &KeystoreError{"", "larger than 64 KiB"}
	}
	var f keystoreFile
	if err := decodeOne(data, &f); err != nil {
		return nil, err
	}
	if err := f.checkKinds(); err != nil {
		return nil, err
	}
	c, p := &f.Crypto, &f.Crypto.KDFParams
	s := &sealed{scrypt: Scrypt{N: p.N, R: p.R, P: p.P}}
	if err := s.scrypt.check(); err != nil {
		return nil, err
	}
	for _, x := range []struct {
		out      *[]byte
		field    string
		text     string
		min, max int
	}{
		{&s.salt, "crypto.kdfparams.salt", p.Salt, minSaltSize, maxSaltSize},
		{&s.iv, "crypto.cipherparams.iv", c.CipherParams.IV, aes.BlockSize, aes.BlockSize},
		{&s.ciphertext, "crypto.ciphertext", c.CipherText, KeySize, KeySize},
		{&s.mac, "crypto.mac", c.MAC, 32, 32},
	} {
		b, err := hex.DecodeString(x.text)
		if err != nil {
			return nil, &KeystoreError{x.field, "not hexadecimal"}
		}
		if len(b) < x.min || len(b) > x.max {
			return nil, &KeystoreError{x.field, fmt.Sprintf("has %d bytes, want %d to %d", len(b), x.min, x.max)}
		}
		*x.out = b
	}
	return s, nil
}

// checkKinds refuses other versions and algorithms.
func (f *keystoreFile) checkKinds() error {
	switch c := &f.Crypto; {
	case f.Version != 3:
		return &KeystoreError{"version", fmt.Sprintf("is %d, want 3", f.Version)}
	case c.Cipher != cipherName:
		return &KeystoreError{"crypto.cipher", fmt.Sprintf("is %q, want %s", cut(c.Cipher, 32), cipherName)}
	case c.KDF != kdfName:
		return &KeystoreError{"crypto.kdf", fmt.Sprintf("is %q, want %s", cut(c.KDF, 32), kdfName)}
	case c.KDFParams.DKLen != keyLength:
		return &KeystoreError{"crypto.kdfparams.dklen", fmt.Sprintf("is %d, want %d", c.KDFParams.DKLen, keyLength)}
	}
	return nil
}

// decodeOne reads exactly one JSON value.
func decodeOne(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	err := d.Decode(v)
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typ):
		return &KeystoreError{typ.Field, "is a JSON " + typ.Value + ", which does not belong here"}
	case err != nil:
		return &KeystoreError{"", "not JSON, or cut short"}
	}
	if _, err := d.Token(); err != io.EOF {
		return &KeystoreError{"", "something follows the JSON object"}
	}
	return nil
}
