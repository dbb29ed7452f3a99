package consensus

import (
	"errors"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// The domains of the hashes. The contracts use the same.
var (
	domainFact   = shortString("bitsage/fact/v1")
	domainVote   = shortString("bitsage/vote/v1")
	domainMember = shortString("bitsage/validator/v1")
	domainJob    = shortString("bitsage/job/v1")
)

func shortString(s string) felt.Felt {
	f, err := felt.ShortString(s)
	if err != nil {
		panic(err)
	}
	return f
}

// Digest is a hash of 32 bytes.
type Digest [32]byte

// felts returns the digest as a u256, most significant byte first: the low half
// and then the high half.
func (d Digest) felts() (low, high felt.Felt) {
	low.SetBytes(d[16:])
	high.SetBytes(d[:16])
	return low, high
}

// JobID returns the identifier of a client's task at a JobManager on a chain, which is
// given as the short string of its name (contracts/README.md, "Hashes").
func JobID(chain, jobManager, client felt.Felt, task Digest) felt.Felt {
	low, high := task.felts()
	return poseidon.HashMany(domainJob, chain, jobManager, client, low, high)
}

// FactID identifies a fact on one chain. It is the hash that the worker signs.
// FactIDs are comparable.
type FactID felt.Felt

// Felt returns the identifier as the contracts have it.
func (id FactID) Felt() felt.Felt { return felt.Felt(id) }

// String returns the identifier as 0x and its digits.
func (id FactID) String() string { return felt.Felt(id).String() }

// Fact is what validators vote on: that a proof shows that a worker's output is
// the result of a job. A felt that is an address or identifier is as on the chain.
type Fact struct {
	JobID      felt.Felt
	ProgramID  Digest    // kind, shape, encoding and verifier version
	Profile    felt.Felt // security profile, a short string
	JobRoot    Digest    // of the input
	ResultRoot Digest
	Worker     felt.Felt // account address
	ProofHash  Digest    // hash of the proof's bytes
}

// ID returns the fact's hash on a chain, given as the short string of its name.
func (f *Fact) ID(chain felt.Felt) FactID {
	felts := append([]felt.Felt{domainFact, chain}, f.Calldata()...)
	return FactID(poseidon.HashMany(felts...))
}

// Calldata returns the fact as the contracts' struct Fact: 11 felts.
func (f *Fact) Calldata() []felt.Felt {
	p0, p1 := f.ProgramID.felts()
	j0, j1 := f.JobRoot.felts()
	o0, o1 := f.ResultRoot.felts()
	c0, c1 := f.ProofHash.felts()
	return []felt.Felt{f.JobID, p0, p1, f.Profile, j0, j1, o0, o1, f.Worker, c0, c1}
}

// MaxProofSize is the largest proof, in bytes, that validators look at.
const MaxProofSize = 256 << 10

// Submission is a worker's claim of a fact.
type Submission struct {
	Fact
	ProofSize uint32    // bytes of the proof
	Expiry    uint64    // Unix time in seconds after which nobody need vote any more
	Signature Signature // by the worker's signing key, over the fact's ID
}

// The reasons for which a submission is refused.
var (
	// ErrProofSize means that the proof is empty or larger than MaxProofSize.
	ErrProofSize = errors.New("consensus: the proof is empty or too large")
	// ErrProfile means that the security profile is not allowed.
	ErrProfile = errors.New("consensus: the security profile is not allowed")
)
