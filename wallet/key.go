package wallet

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/starksig"
)

// KeySize is the number of bytes of a private key.
const KeySize = fr.Bytes

var (
	// ErrKeyRange means that a number is not a private key of the Stark curve: it
	// is zero or not below the order of the curve, about 2^251. Private keys of
	// Ethereum, for one, are mostly larger.
	ErrKeyRange = errors.New("wallet: not a Stark private key: the number is zero or not below the curve's order")
	// ErrKeySyntax means that a text is not a hexadecimal private key.
	ErrKeySyntax = errors.New("wallet: a private key is written as 1 to 64 hexadecimal digits, with or without 0x")
	// ErrNoKey means that a Key holds no secret, because it is the zero value or
	// because Zero erased it.
	ErrNoKey = errors.New("wallet: the key is empty or was erased")
)

// Key is a private key of the Stark curve. Make one with NewKey, ParseKey,
// GenerateKey, Mnemonic.Key or OpenKey; the zero value holds no secret. Copies
// share the secret. A Key may be used by several goroutines at once.
type Key struct {
	// secret is behind a function so that nothing that prints a Key by reflection,
	// for example as an unexported field, reaches it. Printers follow pointers.
	secret func() *secret
}

type secret struct {
	mu    sync.RWMutex
	d     fr.Element          // private scalar; zero once erased
	point starkcurve.G1Affine // dG
}

// NewKey reads a private key of 32 bytes, the most significant first. It fails
// with ErrKeyRange if the number is not between 1 and the order of the curve,
// exclusive, or if there are not 32 bytes.
func NewKey(private []byte) (*Key, error) {
	var d fr.Element
	if len(private) != KeySize || d.SetBytesCanonical(private) != nil || d.IsZero() {
		return nil, ErrKeyRange
	}
	return newKey(&d), nil
}

// ParseKey reads a private key written as hexadecimal digits, with or without 0x,
// as other wallets export it. It fails with ErrKeySyntax or ErrKeyRange.
func ParseKey(s string) (*Key, error) {
	digits := strings.TrimPrefix(strings.TrimSpace(s), "0x")
	if digits == "" || len(digits) > 2*KeySize {
		return nil, ErrKeySyntax
	}
	var b [KeySize]byte
	defer clear(b[:])
	digits = strings.Repeat("0", 2*KeySize-len(digits)) + digits
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return nil, ErrKeySyntax // the cause would quote a digit of the secret
	}
	return NewKey(b[:])
}

// GenerateKey returns a random key. No mnemonic restores it.
func GenerateKey() *Key {
	var b [KeySize]byte
	defer clear(b[:])
	for {
		rand.Read(b[:])
		b[0] &= 0x0f // the order has 252 bits
		if k, err := NewKey(b[:]); err == nil {
			return k
		}
	}
}

func newKey(d *fr.Element) *Key {
	s := &secret{d: *d, point: starksig.MulBase(d)}
	return &Key{func() *secret { return s }}
}

// scalar returns a copy of the private scalar.
func (k Key) scalar() (fr.Element, error) {
	if k.secret == nil {
		return fr.Element{}, ErrNoKey
	}
	s := k.secret()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.d.IsZero() {
		return fr.Element{}, ErrNoKey
	}
	return s.d, nil
}

// PublicKey returns the x coordinate of the public point, which is what Starknet
// calls a public key. It stays available after Zero. For a Key without secret it
// is zero.
func (k Key) PublicKey() felt.Felt { return felt.Felt(k.Point().X) }

// Point returns the public point.
func (k Key) Point() starkcurve.G1Affine {
	if k.secret == nil {
		return starkcurve.G1Affine{}
	}
	return k.secret().point
}

// Reveal returns the private key as 32 bytes, the most significant first. Clear
// them after use.
func (k Key) Reveal() ([]byte, error) {
	d, err := k.scalar()
	if err != nil {
		return nil, err
	}
	b := d.Bytes()
	return b[:], nil
}

// Zero erases the private key from this Key and all its copies, as far as Go
// allows. Later signatures fail with ErrNoKey.
func (k Key) Zero() {
	if k.secret == nil {
		return
	}
	s := k.secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d.SetZero()
}

// String returns the public key.
func (k Key) String() string { return "Key(public " + k.PublicKey().Padded() + ")" }

// GoString returns the public key.
func (k Key) GoString() string { return "wallet." + k.String() }

// Format writes the public key, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue returns the public key.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText returns the public key as String does. There is no inverse: see
// SealKey for storing a key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
