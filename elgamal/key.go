package elgamal

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// PublicKey is y = g^x. The zero PublicKey is invalid; where a key may be absent
// it means that there is none.
type PublicKey struct{ Point }

// NewPublicKey returns the key with the coordinates x and y.
func NewPublicKey(x, y Felt) (PublicKey, error) {
	p, err := NewPoint(x, y)
	return PublicKey{p}, err
}

// DecodePublicKey reads 64 bytes: the coordinates x and y.
func DecodePublicKey(data []byte) (PublicKey, error) {
	p, err := DecodePoint(data)
	return PublicKey{p}, err
}

// Equal reports whether y and z are the same key.
func (y PublicKey) Equal(z PublicKey) bool { return y.Point.Equal(z.Point) }

// SecretKey is x with its public key g^x. It prints as a placeholder in every
// format. The zero SecretKey has no key in it; its methods return [ErrKey].
type SecretKey struct{ s func() *secretKey }

// The secret sits in a closure because fmt prints unexported fields of a
// surrounding struct without asking their methods, and follows a pointer there
// if the verb is a wrong one. Of a function it prints the address.
type secretKey struct {
	x fr.Element
	y PublicKey
}

// GenerateKey makes a key from crypto/rand.
func GenerateKey() (SecretKey, error) { return newProver().key() }

func (p prover) key() (SecretKey, error) {
	x, err := p.scalar()
	if err != nil {
		return SecretKey{}, err
	}
	return keyOf(x), nil
}

func keyOf(x fr.Element) SecretKey {
	s := &secretKey{x, PublicKey{baseG().mul(&x)}}
	return SecretKey{func() *secretKey { return s }}
}

// DecodeSecretKey reads 32 big-endian bytes: a number in [1, n).
func DecodeSecretKey(data []byte) (SecretKey, error) {
	s, err := DecodeScalar(data)
	if err != nil {
		return SecretKey{}, err
	}
	if s.s.IsZero() {
		return SecretKey{}, invalid(CheckZero, "secret key")
	}
	return keyOf(s.s), nil
}

// Bytes returns the secret as 32 bytes, to be stored encrypted. It is nil for the
// zero SecretKey.
func (k SecretKey) Bytes() []byte {
	if k.s == nil {
		return nil
	}
	b := k.s().x.Bytes()
	return b[:]
}

// Public returns g^x.
func (k SecretKey) Public() PublicKey {
	if k.s == nil {
		return PublicKey{}
	}
	return k.s().y
}

// String returns a placeholder.
func (k SecretKey) String() string { return "elgamal.SecretKey(redacted)" }

// GoString returns a placeholder.
func (k SecretKey) GoString() string { return k.String() }

// Format prints a placeholder whatever the verb.
func (k SecretKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue returns a placeholder.
func (k SecretKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Opening is what the maker of a ciphertext knows about it: the key, the amount
// and the randomness. Like a secret key it prints as a placeholder, and its zero
// value opens nothing.
type Opening struct{ o func() *opening }

type opening struct {
	y    PublicKey
	b, r fr.Element
}

// String returns a placeholder.
func (o Opening) String() string { return "elgamal.Opening(redacted)" }

// GoString returns a placeholder.
func (o Opening) GoString() string { return o.String() }

// Format prints a placeholder whatever the verb.
func (o Opening) Format(f fmt.State, _ rune) { io.WriteString(f, o.String()) }

// LogValue returns a placeholder.
func (o Opening) LogValue() slog.Value { return slog.StringValue(o.String()) }

func newOpening(y PublicKey, b, r fr.Element) Opening {
	o := &opening{y, b, r}
	return Opening{func() *opening { return o }}
}
