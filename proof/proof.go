// Package proof says what is proven and checks it: programs, statements, proofs,
// their encodings, and the verifier with its security report.
//
// A proof shows that the output of a program belongs to its input. It is a Circle
// STARK in the format of the Rust crate stwo 2.3.0 over Blake2s, complete and
// sound to the number of bits that [Verify] reports, but not zero-knowledge:
// proofs reveal values of the trace. Use it for validity, not for privacy.
//
// The package is sequential Go, runs in a browser too (js/wasm), and imports
// nothing of the prover. (Its hash and field libraries use assembly on some
// processors; the build tag purego avoids it.)
package proof

import (
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/stark/codec"
)

// MaxBytes is the largest size of a proof in its binary form.
const MaxBytes = codec.MaxBytes

// Proof is an immutable proof. Get one from a Worker, from package prover or from
// a decoder.
type Proof struct {
	kind  stark.Kind
	stark *stark.Proof
}

// New wraps a proof of the internal form. It is meant for packages of this module.
func New(p *stark.Proof, kind stark.Kind) *Proof { return &Proof{kind, p} }

// STARK returns the internal form, which must not be changed.
func (p *Proof) STARK() *stark.Proof { return p.stark }

// MarshalBinary returns the canonical binary form (docs/spec/proof.md): every
// proof has exactly one, of at most MaxBytes.
func (p *Proof) MarshalBinary() ([]byte, error) { return codec.Encode(p.stark, p.kind) }

// Parse decodes the canonical binary form and nothing else: data that is too
// long, truncated, followed by more or encoded in another way is refused with an
// error that matches [MalformedError].
func Parse(data []byte) (*Proof, error) {
	s, kind, err := codec.Decode(data)
	if err != nil {
		return nil, malformed(err)
	}
	return &Proof{kind, s}, nil
}

// Compress returns the canonical binary form compressed with zstd.
func (p *Proof) Compress() ([]byte, error) {
	raw, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return codec.Compress(raw), nil
}

// Decompress is the inverse of Compress. Its memory is bounded whatever the data.
func Decompress(data []byte) (*Proof, error) {
	raw, err := codec.Decompress(data)
	if err != nil {
		return nil, malformed(err)
	}
	return Parse(raw)
}

// Hash returns the identity of the proof: the BLAKE3 hash of the canonical binary
// form, in key derivation mode under a context string of its own.
func (p *Proof) Hash() (Digest, error) {
	raw, err := p.MarshalBinary()
	if err != nil {
		return Digest{}, err
	}
	return Digest(codec.Hash(raw)), nil
}

// MarshalJSON returns the form that serde gives stwo's StarkProof.
func (p *Proof) MarshalJSON() ([]byte, error) {
	if p.stark == nil {
		return nil, errors.New("proof: the zero Proof has no encoding")
	}
	return p.stark.AppendJSON(nil, p.kind), nil
}

// maxJSON bounds a JSON proof: a byte of a hash takes up to four characters.
const maxJSON = 8 * MaxBytes

// UnmarshalJSON reads the form of MarshalJSON, with members in its order, for the
// channel of the profiles.
func (p *Proof) UnmarshalJSON(data []byte) error {
	if len(data) > maxJSON {
		return malformed(fmt.Errorf("%d bytes of JSON, want at most %d", len(data), maxJSON))
	}
	s, err := stark.ParseJSON(data, profileKind)
	if err != nil {
		return malformed(err)
	}
	*p = Proof{profileKind, s}
	return nil
}

// MalformedError says that data is no proof in any canonical form. Whoever signed
// or sent it as a proof is guilty: it matches ErrInvalid.
type MalformedError struct{ Err error }

// Error implements error.
func (e *MalformedError) Error() string { return "malformed proof: " + e.Err.Error() }

// Unwrap returns the decoder's error.
func (e *MalformedError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrInvalid) true.
func (e *MalformedError) Is(target error) bool { return target == ErrInvalid }

func malformed(err error) error { return &MalformedError{err} }
