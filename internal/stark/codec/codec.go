// Package codec writes and reads proofs in three forms: a canonical binary one
// ([Encode], [Decode]), the same compressed ([Compress], [Decompress]), and a
// list of Starknet field elements ([Calldata], [ParseCalldata]).
// docs/spec/proof.md specifies them.
//
// The binary form and the calldata are canonical: a proof has one encoding and
// an encoding is of one proof, so that [Hash] of the binary form names it. Both
// hold exactly the proofs of at most [MaxBytes] whose shape
// [stark.Layout.CheckShape] accepts for some layout within the limits below.
//
// Decoders are written for hostile data: they check every length against what
// is left of the data before they allocate, and use memory linear in its size.
// All functions are pure and safe for concurrent use.
package codec

import (
	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/stark"
)

// MaxBytes is the largest size of a proof's binary form. It binds all forms.
const MaxBytes = 256 << 10

// Version is the version of the binary form and of the calldata.
const Version = 1

// Limits on the counts in a proof. The ones on the number of columns and trees
// are above what any layout uses; the last follows from MaxBytes.
const (
	maxTrees   = 8
	maxColumns = 4096          // of one tree
	maxInner   = 31            // FRI layers after the first
	maxItems   = MaxBytes / 16 // QM31 or hashes in one list
)

// hashContext separates the identity of proofs from other uses of BLAKE3.
const hashContext = "github.com/bitsage/bitsage proof v1"

// Hash returns the identity of the proof whose binary form is data: BLAKE3 in
// key derivation mode under this format's context string.
func Hash(data []byte) (sum [32]byte) {
	blake3.DeriveKey(hashContext, data, sum[:])
	return sum
}

// knownKind reports whether the kind has a code in the formats.
func knownKind(kind stark.Kind) bool {
	switch kind {
	case stark.Blake2s, stark.Blake2sM31, stark.Poseidon252:
		return true
	}
	return false
}

// prime is the modulus of Starknet's field, 2^251 + 17*2^192 + 1, big-endian.
var prime = [32]byte{0: 8, 7: 0x11, 31: 1}

// reduced reports whether the big-endian number b is below prime.
func reduced(b *[32]byte) bool {
	for i, p := range prime {
		if b[i] != p {
			return b[i] < p
		}
	}
	return false
}
