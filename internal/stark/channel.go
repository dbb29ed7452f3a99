package stark

import (
	"fmt"
	"math/bits"

	"github.com/bitsage/bitsage/internal/m31"
)

// Hash is the output of a commitment scheme's hash function: a Blake2s digest,
// or a felt252 in big-endian form.
type Hash [32]byte

// Kind selects the hash function of both the Fiat-Shamir channel and the Merkle
// trees. The zero Kind is invalid.
type Kind uint8

const (
	Blake2s     Kind = iota + 1 // Blake2s-256
	Blake2sM31                  // Blake2s-256 with every output word reduced modulo p
	Poseidon252                 // Starknet's Poseidon over the 252-bit field
)

var kindNames = map[Kind]string{Blake2s: "blake2s", Blake2sM31: "blake2s_m31", Poseidon252: "poseidon252"}

// String returns the name used in AIR files.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("stark.Kind(%d)", uint8(k))
}

// MarshalText implements [encoding.TextMarshaler].
func (k Kind) MarshalText() ([]byte, error) {
	if s, ok := kindNames[k]; ok {
		return []byte(s), nil
	}
	return nil, fmt.Errorf("stark: no channel kind %d", uint8(k))
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *Kind) UnmarshalText(text []byte) error {
	for kind, name := range kindNames {
		if name == string(text) {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("stark: unknown channel %q (want blake2s, blake2s_m31 or poseidon252)", text)
}

// Channel is a Fiat-Shamir transcript. Its state is a digest and the number of
// draws since the last mix. It is not safe for concurrent use.
type Channel interface {
	// Digest returns the current state.
	Digest() Hash
	// MixRoot absorbs a Merkle root.
	MixRoot(Hash)
	// MixFelts absorbs field elements in one call; splitting a list over several
	// calls gives another transcript.
	MixFelts([]m31.QM31)
	// MixU32s absorbs words in one call.
	MixU32s([]uint32)
	// MixU64 absorbs one number.
	MixU64(uint64)
	// DrawFelt squeezes one element and discards the rest of the block.
	DrawFelt() m31.QM31
	// DrawFelts squeezes n elements, two from a block.
	DrawFelts(n int) []m31.QM31
	// DrawU32s squeezes one block of words: 8 for Blake2s, 7 for Poseidon252.
	DrawU32s() []uint32
	// Pow returns the search for a proof of work on the current state.
	Pow(bits int) Pow
	// VerifyPow tells whether a nonce is a proof of work on the current state.
	VerifyPow(bits int, nonce uint64) bool
}

// Pow asks for a nonce whose hash behind Seed begins, as a little-endian number,
// or, for Poseidon252, ends with Bits bits that are zero. Up to 128 bits count; no
// nonce has more.
type Pow struct {
	Kind Kind
	Seed Hash // of the transcript and Bits
	Bits int
}

// Check tells whether a nonce is a proof of work.
func (p Pow) Check(nonce uint64) bool {
	var lo, hi uint64
	if p.Kind == Poseidon252 {
		lo, hi = poseidonWork(&p.Seed, nonce)
	} else {
		lo, hi = blakeWork(&p.Seed, nonce, p.Kind == Blake2sM31)
	}
	zeros := bits.TrailingZeros64(lo)
	if lo == 0 {
		zeros += bits.TrailingZeros64(hi)
	}
	return zeros >= p.Bits
}

// NewChannel returns a channel in its initial state. It panics on an invalid
// kind, which decoders never return.
func (k Kind) NewChannel() Channel {
	switch k {
	case Blake2s, Blake2sM31:
		return &blakeChannel{reduced: k == Blake2sM31}
	case Poseidon252:
		return new(poseidonChannel)
	}
	panic("stark: " + k.String())
}

// Hasher hashes the rows and nodes of Merkle trees. It is immutable and safe
// for concurrent use.
type Hasher interface {
	// Leaf hashes a row of values.
	Leaf(row []m31.Elem) Hash
	// Node hashes two children.
	Node(left, right *Hash) Hash
}

// Hasher returns the hash function of the kind's Merkle trees.
func (k Kind) Hasher() Hasher {
	switch k {
	case Blake2s, Blake2sM31:
		return blakeHasher{reduced: k == Blake2sM31}
	case Poseidon252:
		return poseidonHasher{}
	}
	panic("stark: " + k.String())
}

// drawFelts serves DrawFelts from draws of eight base elements.
func drawFelts(n int, draw func() [8]m31.Elem) []m31.QM31 {
	out := make([]m31.QM31, 0, n+1)
	for len(out) < n {
		b := draw()
		out = append(out, m31.Q(b[0], b[1], b[2], b[3]), m31.Q(b[4], b[5], b[6], b[7]))
	}
	return out[:n]
}

const powPrefix = 0x12345678
