package proof

import (
	"encoding/binary"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/air/matmul"
)

// VerifierVersion is the version of what Verify accepts. It grows with every
// change after which some proof is judged differently, and enters ID: validators
// of different versions never vote on the same fact.
const VerifierVersion = 1

// ID returns the program_id of the contracts: a digest of everything that a proof
// of the program is verified against besides its profile and statement. It hashes
// kind and shape of the program, the type of its entries, and the versions of
// encoding and verifier (docs/spec/job.md).
func (p Program) ID() Digest {
	h := blake3.NewDeriveKey("github.com/bitsage/bitsage program v1")
	for _, w := range []uint32{
		statementTag, StatementVersion, VerifierVersion,
		uint32(p.m), uint32(p.k), uint32(p.n), uint32(p.dtype), matmul.W,
	} {
		h.Write(binary.LittleEndian.AppendUint32(nil, w))
	}
	var id Digest
	h.Sum(id[:0])
	return id
}

// Rows returns the number of rows of the program's trace, a power of two, to which
// the work of proving is about proportional. The program must be valid.
func (p Program) Rows() int { return 1 << p.shape().LogRows() }
