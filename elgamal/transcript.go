package elgamal

import (
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/internal/poseidon"
)

// domain opens every transcript. It changes with the format.
const domain = "bitsage.elgamal.v1"

// The operations of the contracts, each with one kind of proof.
const (
	OpRegister = "register_key" // ownership
	OpDeposit  = "deposit"      // ownership, with the amount as its value
	OpRollover = "rollover"     // ownership
	OpTransfer = "transfer"     // transfer
	OpEscrow   = "submit_job"   // transfer, into the escrow of a job
	OpWithdraw = "withdraw"     // withdraw
	OpRagequit = "ragequit"     // ragequit
	OpAudit    = "audit"        // reencryption
)

// Context is what an operation is about besides its own values. The verifier
// fills it in from what it knows, never from what the prover sent.
type Context struct {
	Operation string     // its name, 1 to 31 ASCII characters
	ChainID   Felt       // the chain
	Contract  Felt       // the contract that verifies
	Sender    Felt       // the account that calls it
	Nonce     uint64     // of the confidential account; each operation takes the next one
	Balance   Ciphertext // of the confidential account, before the operation; Zero(y) for a new one
	JobID     [32]byte   // zero outside of jobs
	// ProofHash is that of the job's proof; zero where there is none yet.
	ProofHash [32]byte
}

// Transcript is everything that a proof is bound to. The challenges of the
// Fiat–Shamir transformation are hashes of its [Transcript.Prefix] and the
// proof's commitments.
type Transcript struct {
	Kind string // of the proof
	Context
	Keys        []PublicKey
	Ciphertexts []Ciphertext // besides the balance
	Commitments []Point      // the sums of the bits' commitments
	Values      []Felt       // public amounts, addresses, numbers of bits
}

// Felts returns the felts that are hashed. Every list comes after its length, so
// different transcripts have different felts.
func (t *Transcript) Felts() ([]Felt, error) {
	kind, ok := shortString(t.Kind)
	operation, named := shortString(t.Operation)
	if !ok || !named {
		return nil, invalid(CheckContext, "name")
	}
	if !t.Balance.Valid() {
		return nil, invalid(CheckIdentity, "balance")
	}
	f := []Felt{mustShortString(domain), kind, operation, t.ChainID, t.Contract, t.Sender, feltOf(t.Nonce)}
	f = appendWord(f, t.JobID)
	f = appendWord(f, t.ProofHash)
	f = append(f, t.Balance.Felts()...)
	return t.appendLists(f)
}

func (t *Transcript) appendLists(f []Felt) ([]Felt, error) {
	f = append(f, feltOf(uint64(len(t.Keys))))
	for _, y := range t.Keys {
		if !y.Valid() {
			return nil, invalid(CheckIdentity, "key")
		}
		f = append(f, y.Felts()...)
	}
	f = append(f, feltOf(uint64(len(t.Ciphertexts))))
	for _, c := range t.Ciphertexts {
		if !c.Valid() {
			return nil, invalid(CheckIdentity, "ciphertext")
		}
		f = append(f, c.Felts()...)
	}
	f = append(f, feltOf(uint64(len(t.Commitments))))
	for _, v := range t.Commitments {
		if !v.Valid() {
			return nil, invalid(CheckIdentity, "commitment")
		}
		f = append(f, v.Felts()...)
	}
	f = append(f, feltOf(uint64(len(t.Values))))
	return append(f, t.Values...), nil
}

// Prefix is poseidon_hash_many of the transcript's felts.
func (t *Transcript) Prefix() (Felt, error) {
	f, err := t.Felts()
	if err != nil {
		return Felt{}, err
	}
	return poseidon.HashMany(f...), nil
}

// challenge is poseidon_hash_many of the prefix and the coordinates of the
// points. One that is 0 or not below n is no challenge: the prover starts again
// with other randomness, the verifier rejects. So challenges are uniform in
// [1, n). Of the field's elements, one in 2^125 is none.
func challenge(prefix Felt, points ...Point) (fr.Element, bool) {
	var sponge poseidon.Sponge
	sponge.Absorb(&prefix)
	for i := range points {
		sponge.Absorb((*Felt)(&points[i].p.X))
		sponge.Absorb((*Felt)(&points[i].p.Y))
	}
	return reduce(sponge.Sum())
}

func reduce(h Felt) (fr.Element, bool) {
	c, err := NewScalar(h)
	return c.s, err == nil && !c.s.IsZero()
}
