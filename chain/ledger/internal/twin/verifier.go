package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

type certificate struct {
	Epoch      uint64
	Verdict    verdict
	Bitmap     uint64
	Signatures []cairo.Signature
}

type factRecord struct {
	Verdict    verdict
	Kind       kind
	Bits       uint16
	Contested  bool
	RecordedAt uint64
}

// votes are the signers of a certificate; epoch 0 means that there is none.
type votes struct{ Epoch, Bitmap uint64 }

// proofVerifier is contracts/src/verifier.cairo.
type proofVerifier struct {
	ownable
	registry     cairo.Variable[cairo.Address]
	facts        cairo.Mapping[factID, factRecord]
	validVotes   cairo.Mapping[factID, votes]
	invalidVotes cairo.Mapping[factID, votes]
	profiles     cairo.Mapping[felt.Felt, uint16]
}

func newProofVerifier(f *cairo.Frame) *proofVerifier {
	return &proofVerifier{
		newOwnable(f),
		cairo.NewVariable[cairo.Address](f, "registry"),
		cairo.NewMapping[factID, factRecord](f, "facts"),
		cairo.NewMapping[factID, votes](f, "valid_votes"),
		cairo.NewMapping[factID, votes](f, "invalid_votes"),
		cairo.NewMapping[felt.Felt, uint16](f, "profiles"),
	}
}

func proofVerifierClass() *cairo.Class {
	return contract("ProofVerifier", cairo.Methods(newProofVerifier, cairo.Functions{
		"constructor":        (*proofVerifier).constructor,
		"record_certificate": (*proofVerifier).recordCertificate,
		"add_profile":        (*proofVerifier).addProfile,
		"is_valid":           (*proofVerifier).isValid,
		"fact":               (*proofVerifier).fact,
		"conflict":           (*proofVerifier).conflict,
		"profile_bits":       (*proofVerifier).profileBits,
		"profile_action":     (*proofVerifier).profileAction,
		"fact_id":            (*proofVerifier).factIdentifier,
		"vote_hash":          (*proofVerifier).voteHash,
	}), ownableFunctions())
}

// standardBits are the proven bits of the profiles that are known from the start.
func standardBits(profile felt.Felt) (uint16, bool) {
	switch profile {
	case cairo.ShortString("matmul-p96"):
		return 96, true
	case cairo.ShortString("matmul-p90"):
		return 90, true
	case cairo.ShortString("matmul-p80"):
		return 78, true
	case cairo.ShortString("std"), cairo.ShortString("fast"), cairo.ShortString("tight"):
		return 60, true
	}
	return 0, false
}

func (t *proofVerifier) constructor(owner, registry cairo.Address) {
	cairo.Assert(!registry.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.registry.Write(registry)
}

func (t *proofVerifier) recordCertificate(x fact, c certificate) factID {
	cairo.Assert(c.Verdict != undecided, "BAD_VERDICT")
	cairo.Assert(t.profileBits(x.Profile) != 0, "BAD_PROFILE")
	id := hashFact(t.Frame, x)
	ballots := t.invalidVotes
	if c.Verdict == valid {
		ballots = t.validVotes
	}
	cairo.Assert(ballots.Read(id).Epoch == 0, "FACT_RECORDED")
	weight := t.certifiedWeight(id, c)

	ballots.Write(id, votes{c.Epoch, c.Bitmap})
	r := t.facts.Read(id)
	if r.Verdict != undecided {
		r.Contested = true
		t.facts.Write(id, r)
		t.Emit("FactContested", cairo.Keys{id, x.JobID}, c.Verdict, c.Epoch, c.Bitmap, weight)
		return id
	}
	r = factRecord{c.Verdict, byCertificate, t.profileBits(x.Profile), false, t.Timestamp()}
	t.facts.Write(id, r)
	t.Emit("FactRegistered", cairo.Keys{id, x.JobID}, r.Verdict, r.Kind, r.Bits, c.Epoch, c.Bitmap, weight)
	return id
}

func (t *proofVerifier) addProfile(profile felt.Felt, bits uint16) {
	t.assertOwner()
	cairo.Assert(bits != 0 && t.profileBits(profile) == 0, "BAD_PROFILE")
	t.execute(t.profileAction(profile, bits))
	t.profiles.Write(profile, bits)
	t.Emit("ProfileAdded", cairo.Keys{profile}, bits)
}

func (t *proofVerifier) isValid(id factID, minBits uint16, k kind) bool {
	r := t.facts.Read(id)
	return r.Verdict == valid && !r.Contested && r.Bits >= minBits && (k == byCertificate || r.Kind == inFull)
}

func (t *proofVerifier) fact(id factID) factRecord { return t.facts.Read(id) }

func (t *proofVerifier) conflict(id factID, epoch uint64) uint64 {
	a, b := t.validVotes.Read(id), t.invalidVotes.Read(id)
	if epoch == 0 || a.Epoch != epoch || b.Epoch != epoch {
		return 0
	}
	return a.Bitmap & b.Bitmap
}

func (t *proofVerifier) profileBits(profile felt.Felt) uint16 {
	if bits, ok := standardBits(profile); ok {
		return bits
	}
	return t.profiles.Read(profile)
}

func (t *proofVerifier) profileAction(profile felt.Felt, bits uint16) felt.Felt {
	return t.Hash(cairo.ShortString("add_profile"), profile, bits)
}

func (t *proofVerifier) factIdentifier(x fact) factID { return hashFact(t.Frame, x) }

func (t *proofVerifier) voteHash(epoch uint64, root felt.Felt, id factID, v verdict) felt.Felt {
	return hashVote(t.Frame, epoch, root, id, v)
}

// certifiedWeight is the weight behind a certificate, which is a quorum of the current
// epoch or of the one before.
func (t *proofVerifier) certifiedWeight(id factID, c certificate) cairo.U256 {
	registry := t.registry.Read()
	current := cairo.Call[uint64](t.Frame, registry, "current_epoch")
	cairo.Assert(c.Epoch != 0 && c.Epoch <= current && current-c.Epoch <= 1, "BAD_EPOCH")
	hash := t.voteHash(c.Epoch, cairo.Call[felt.Felt](t.Frame, registry, "set_root", c.Epoch), id, c.Verdict)

	var weight cairo.U256
	bitmap, signatures := c.Bitmap, c.Signatures
	for _, m := range cairo.Call[[]member](t.Frame, registry, "validator_set", c.Epoch) {
		bit := bitmap & 1
		if bitmap >>= 1; bit == 0 {
			continue
		}
		cairo.Assert(len(signatures) > 0, "SIGNATURE_COUNT")
		cairo.Assert(t.Signed(hash, m.VoteKey, signatures[0]), "BAD_SIGNATURE")
		signatures = signatures[1:]
		weight = weight.Add(m.Weight.Wide())
	}
	cairo.Assert(bitmap == 0, "BAD_INDEX")
	cairo.Assert(len(signatures) == 0, "SIGNATURE_COUNT")
	total := cairo.Call[cairo.U256](t.Frame, registry, "total_weight", c.Epoch)
	cairo.Assert(!weight.Less(quorum(total)), "NO_QUORUM")
	return weight
}
