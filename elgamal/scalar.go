package elgamal

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// Scalar is a public number modulo the group's order n, such as a response of a
// proof. The zero Scalar is 0, a valid one.
type Scalar struct{ s fr.Element }

// NewScalar returns the scalar with the value of x, which must be below n.
func NewScalar(x Felt) (Scalar, error) {
	b := x.Bytes()
	var s Scalar
	if err := s.s.SetBytesCanonical(b[:]); err != nil {
		return Scalar{}, invalid(CheckScalar, "")
	}
	return s, nil
}

// DecodeScalar reads 32 big-endian bytes below n.
func DecodeScalar(data []byte) (Scalar, error) {
	var s Scalar
	err := decode(data, "scalar", &s)
	return s, err
}

// Felt returns the scalar as a felt: n is below the field's prime.
func (s Scalar) Felt() Felt { return scalarFelt(&s.s) }

// Bytes returns the scalar as 32 bytes.
func (s Scalar) Bytes() []byte {
	b := s.s.Bytes()
	return b[:]
}

func scalarFelt(s *fr.Element) (x Felt) {
	b := s.Bytes()
	x.SetBytes(b[:])
	return x
}

func scalarOf(v uint64) (s fr.Element) {
	s.SetUint64(v)
	return s
}

func bigOf(s *fr.Element) *big.Int { return s.BigInt(new(big.Int)) }

// prover makes proofs. Its randomness is crypto/rand's except where tests want
// the same proof twice.
type prover struct {
	*setting
	rand io.Reader
}

func newProver() prover { return prover{standard(), rand.Reader} }

// scalar samples uniformly from [1, n): 252 bits at a time until they are a
// number in that range, which about every second try is.
func (p prover) scalar() (fr.Element, error) {
	var b [fr.Bytes]byte
	var s fr.Element
	for {
		if _, err := io.ReadFull(p.rand, b[:]); err != nil {
			return fr.Element{}, fmt.Errorf("elgamal: randomness: %w", err)
		}
		b[0] &= 0x0f
		if s.SetBytesCanonical(b[:]) == nil && !s.IsZero() {
			return s, nil
		}
	}
}

func (p prover) scalars(n int) ([]fr.Element, error) {
	out := make([]fr.Element, n)
	for i := range out {
		s, err := p.scalar()
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}
