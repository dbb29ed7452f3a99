// Package blob stores data under its hash and hands it from peer to peer.
//
// Whoever has a blob can serve it, and whoever fetches one checks it: a peer can
// refuse or delay, but not deceive. Proofs, inputs and outputs travel this way.
package blob

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/stark/codec"
)

// MaxBytes bounds a blob: a matrix of 4096 x 4096 entries of four bytes.
const MaxBytes = 64 << 20

// MaxProof bounds a blob of kind Proof.
const MaxProof = codec.MaxBytes

// Digest is the hash of a blob. A proof.Digest can be assigned to it.
type Digest = [32]byte

// Kind says by which hash a blob is known.
type Kind byte

// The kinds. Peers send the values, which must not change.
const (
	// Data is known by its BLAKE3 hash.
	Data Kind = 1
	// Proof is a proof in canonical binary form, known by the hash that is its
	// identity on the chain (proof.Proof.Hash).
	Proof Kind = 2
)

// ID names a blob. IDs are comparable; the zero ID names none.
type ID struct {
	Kind   Kind
	Digest Digest
}

// String returns the kind and the digest in hexadecimal.
func (id ID) String() string { return fmt.Sprintf("%d-%s", id.Kind, hex.EncodeToString(id.Digest[:])) }

// Valid reports whether the kind is known.
func (id ID) Valid() bool { return id.Kind == Data || id.Kind == Proof }

// Max returns the most bytes that a blob of the kind has.
func (k Kind) Max() int {
	if k == Proof {
		return MaxProof
	}
	return MaxBytes
}

// IDOf returns the name of data as a blob of a kind.
func IDOf(kind Kind, data []byte) ID {
	if kind == Proof {
		return ID{kind, codec.Hash(data)}
	}
	return ID{kind, blake3.Sum256(data)}
}

var (
	// ErrNotFound means that a store does not have the blob.
	ErrNotFound = errors.New("blob: not found")
	// ErrFull means that a store cannot take the blob without exceeding its bound.
	ErrFull = errors.New("blob: the store is full")
	// ErrSize means that a blob is empty or larger than its kind allows.
	ErrSize = errors.New("blob: empty or too large")
	// ErrKind means that a kind of blob is unknown.
	ErrKind = errors.New("blob: unknown kind")
)

// Store keeps blobs. Its methods are safe for concurrent use.
type Store interface {
	// Put stores data and returns its name. It fails with ErrKind, ErrSize,
	// ErrFull, or the error of the medium. data must not be changed afterwards.
	Put(kind Kind, data []byte) (ID, error)
	// Bytes returns a blob, which hashes to its name and must not be changed. It
	// fails with ErrNotFound or the error of the medium.
	Bytes(id ID) ([]byte, error)
	// Delete removes a blob if it is there.
	Delete(id ID) error
	// Retain removes all blobs that are not wanted. wanted must not use the store.
	Retain(wanted func(ID) bool) error
}

// check returns the name of data if it can be a blob of the kind.
func check(kind Kind, data []byte) (ID, error) {
	switch {
	case !(ID{Kind: kind}).Valid():
		return ID{}, ErrKind
	case len(data) == 0 || len(data) > kind.Max():
		return ID{}, ErrSize
	}
	return IDOf(kind, data), nil
}
