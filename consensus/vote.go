package consensus

import (
	"errors"
	"math/bits"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// Verdict is what a validator found out about a fact. Its numbers enter hashes.
type Verdict uint8

// The verdicts. The zero Verdict is none.
const (
	Valid   Verdict = 1 // the proof verifies and the output it commits to is served
	Invalid Verdict = 2
)

// String returns the verdict's name.
func (v Verdict) String() string {
	switch v {
	case Valid:
		return "Valid"
	case Invalid:
		return "Invalid"
	}
	return "Undecided"
}

func (v Verdict) ok() bool { return v == Valid || v == Invalid }

// opposite returns the other verdict.
func (v Verdict) opposite() Verdict { return Valid + Invalid - v }

// The reasons for which a vote, a certificate or evidence is refused, one per
// check, in the order of the checks. ErrSignature comes last.
var (
	// ErrEpoch means that the set at hand is that of another epoch.
	ErrEpoch = errors.New("consensus: of another epoch")
	// ErrVerdict means that a verdict is neither Valid nor Invalid.
	ErrVerdict = errors.New("consensus: neither valid nor invalid")
	// ErrIndex means that the set has no member of an index.
	ErrIndex = errors.New("consensus: no member of the set has this index")
	// ErrSignatureCount means that a certificate has not one signature for each bit.
	ErrSignatureCount = errors.New("consensus: not one signature for each bit of the bitmap")
	// ErrQuorum means that the signers of a certificate weigh too little.
	ErrQuorum = errors.New("consensus: the signers weigh less than the quorum")
)

// VoteHash returns what a member of the set signs to vote.
func VoteHash(chain felt.Felt, set *ValidatorSet, fact FactID, verdict Verdict) felt.Felt {
	return poseidon.HashMany(domainVote, chain, number(set.epoch), set.root, fact.Felt(), number(uint64(verdict)))
}

// hashFunc returns the VoteHash of a verdict on one fact by one set.
type hashFunc func(Verdict) felt.Felt

func hasher(chain felt.Felt, set *ValidatorSet, fact FactID) hashFunc {
	return func(v Verdict) felt.Felt { return VoteHash(chain, set, fact, v) }
}

// Vote is a validator's signed verdict. The vote is (Epoch, Index, Fact, Verdict);
// a second signature of it is not a second vote.
type Vote struct {
	Epoch     uint64
	Index     uint8 // in the epoch's set
	Fact      FactID
	Verdict   Verdict
	Signature Signature
}

// Verify checks a vote against the set of its epoch. It returns nil, ErrEpoch,
// ErrVerdict, ErrIndex or ErrSignature.
func (v *Vote) Verify(chain felt.Felt, set *ValidatorSet) error {
	return v.verify(set, hasher(chain, set, v.Fact))
}

func (v *Vote) verify(set *ValidatorSet, hash hashFunc) error {
	if err := v.checkShape(set); err != nil {
		return err
	}
	return v.checkSignature(set, hash(v.Verdict))
}

func (v *Vote) checkShape(set *ValidatorSet) error {
	if v.Epoch != set.epoch {
		return ErrEpoch
	}
	if !v.Verdict.ok() {
		return ErrVerdict
	}
	if int(v.Index) >= set.Len() {
		return ErrIndex
	}
	return nil
}

// checkSignature is the rest of Verify, given the vote's hash.
func (v *Vote) checkSignature(set *ValidatorSet, hash felt.Felt) error {
	if !set.checks[v.Index](hash, v.Signature) {
		return ErrSignature
	}
	return nil
}

// Certificate is the proof that more than two thirds of the weight of an epoch's
// set agree on a verdict.
type Certificate struct {
	Epoch      uint64
	Fact       FactID
	Verdict    Verdict
	Bitmap     uint64      // bit i stands for member i
	Signatures []Signature // one for each bit, by increasing index
}

// Verify checks a certificate against the set of its epoch. It returns nil or one
// of the errors of this file; no signature is looked at before all else is right.
func (c *Certificate) Verify(chain felt.Felt, set *ValidatorSet) error {
	return c.verify(set, hasher(chain, set, c.Fact))
}

func (c *Certificate) verify(set *ValidatorSet, hasher hashFunc) error {
	if c.Epoch != set.epoch {
		return ErrEpoch
	}
	if !c.Verdict.ok() {
		return ErrVerdict
	}
	if c.Bitmap&^set.all() != 0 {
		return ErrIndex
	}
	if len(c.Signatures) != bits.OnesCount64(c.Bitmap) {
		return ErrSignatureCount
	}
	if set.Weight(c.Bitmap).Cmp(set.quorum) < 0 {
		return ErrQuorum
	}
	hash := hasher(c.Verdict)
	next := 0
	for b := c.Bitmap; b != 0; b &= b - 1 {
		if !set.checks[bits.TrailingZeros64(b)](hash, c.Signatures[next]) {
			return ErrSignature
		}
		next++
	}
	return nil
}

// normalized returns a copy with normalized signatures.
func (c *Certificate) normalized() *Certificate {
	n := *c
	n.Signatures = make([]Signature, len(c.Signatures))
	for i, s := range c.Signatures {
		n.Signatures[i] = Normalize(s)
	}
	return &n
}

// votes returns the votes that the certificate is made of.
func (c *Certificate) votes() []Vote {
	votes := make([]Vote, 0, len(c.Signatures))
	for b := c.Bitmap; b != 0; b &= b - 1 {
		votes = append(votes, Vote{c.Epoch, uint8(bits.TrailingZeros64(b)), c.Fact, c.Verdict, c.Signatures[len(votes)]})
	}
	return votes
}

// Calldata returns the certificate as the contracts' struct Certificate, which
// follows the Fact in a call of record_certificate.
func (c *Certificate) Calldata() []felt.Felt {
	felts := []felt.Felt{number(c.Epoch), number(uint64(c.Verdict)), number(c.Bitmap), number(uint64(len(c.Signatures)))}
	for _, s := range c.Signatures {
		felts = append(felts, s.R, s.S)
	}
	return felts
}

func number(x uint64) felt.Felt {
	var f felt.Felt
	f.SetUint64(x)
	return f
}

// Evidence is proof of an offence, which the contract ValidatorRegistry checks by
// the signatures alone. It is an *Equivocation or a *FalseVerdict.
type Evidence interface {
	Message
	// Offender returns the epoch and the index of the accused, and the fact.
	Offender() (epoch uint64, index uint8, fact FactID)
	// Calldata returns the argument of the contract's function.
	Calldata() []felt.Felt
}

// Equivocation proves that a validator voted both ways on one fact in one epoch.
// Votes in different epochs are never one.
type Equivocation struct {
	Epoch          uint64
	Index          uint8
	Fact           FactID
	Valid, Invalid Signature
}

// Offender implements Evidence.
func (e *Equivocation) Offender() (uint64, uint8, FactID) { return e.Epoch, e.Index, e.Fact }

// Calldata returns the argument of submit_equivocation.
func (e *Equivocation) Calldata() []felt.Felt {
	return []felt.Felt{number(e.Epoch), number(uint64(e.Index)), e.Fact.Felt(), e.Valid.R, e.Valid.S, e.Invalid.R, e.Invalid.S}
}

// Verify checks the evidence as the contract does. It returns nil or an error of
// Vote.Verify.
func (e *Equivocation) Verify(chain felt.Felt, set *ValidatorSet) error {
	return e.verify(set, hasher(chain, set, e.Fact))
}

func (e *Equivocation) verify(set *ValidatorSet, hash hashFunc) error {
	for _, v := range e.votes() {
		if err := v.verify(set, hash); err != nil {
			return err
		}
	}
	return nil
}

func (e *Equivocation) votes() [2]Vote {
	return [2]Vote{{e.Epoch, e.Index, e.Fact, Valid, e.Valid}, {e.Epoch, e.Index, e.Fact, Invalid, e.Invalid}}
}

// newEquivocation returns the evidence of two votes that differ in the verdict
// alone.
func newEquivocation(a, b *Vote) *Equivocation {
	if a.Verdict == Invalid {
		a, b = b, a
	}
	return &Equivocation{a.Epoch, a.Index, a.Fact, a.Signature, b.Signature}
}

// FalseVerdict proves that a validator voted against what the only certificate of
// the fact says. It is a proof only together with that certificate.
type FalseVerdict struct {
	Vote Vote
}

// ErrNoOffence means that the certificate agrees with the accused vote or is of
// another fact.
var ErrNoOffence = errors.New("consensus: the evidence shows no offence")

// Offender implements Evidence.
func (e *FalseVerdict) Offender() (uint64, uint8, FactID) {
	return e.Vote.Epoch, e.Vote.Index, e.Vote.Fact
}

// Calldata returns the argument of submit_false_verdict.
func (e *FalseVerdict) Calldata() []felt.Felt {
	v := &e.Vote
	return []felt.Felt{number(v.Epoch), number(uint64(v.Index)), v.Fact.Felt(), number(uint64(v.Verdict)), v.Signature.R, v.Signature.S}
}

// Verify checks the evidence against the set of the vote's epoch and the fact's
// certificate, which must have been verified. It returns nil, ErrNoOffence or an
// error of Vote.Verify.
func (e *FalseVerdict) Verify(chain felt.Felt, set *ValidatorSet, c *Certificate) error {
	return e.verify(set, hasher(chain, set, e.Vote.Fact), c)
}

func (e *FalseVerdict) verify(set *ValidatorSet, hash hashFunc, c *Certificate) error {
	if c == nil || c.Fact != e.Vote.Fact || !e.Vote.Verdict.ok() || c.Verdict != e.Vote.Verdict.opposite() {
		return ErrNoOffence
	}
	return e.Vote.verify(set, hash)
}
