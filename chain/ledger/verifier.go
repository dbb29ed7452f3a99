package ledger

type certificate struct {
	Epoch      uint64
	Verdict    verdict
	Bitmap     uint64
	Signatures []signature
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
	registry     variable[address]
	facts        mapping[factID, factRecord]
	validVotes   mapping[factID, votes]
	invalidVotes mapping[factID, votes]
	profiles     mapping[Felt, uint16]
}

func newProofVerifier(f *frame) *proofVerifier {
	return &proofVerifier{newOwnable(f), variable[address]{f, "registry"}, mapping[factID, factRecord]{f, "facts"},
		mapping[factID, votes]{f, "valid_votes"}, mapping[factID, votes]{f, "invalid_votes"}, mapping[Felt, uint16]{f, "profiles"}}
}

var proofVerifierClass = contract("ProofVerifier", methods(newProofVerifier, functions{
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
}), ownableFunctions)

// standardBits are the proven bits of the profiles that are known from the start.
var standardBits = map[Felt]uint16{
	shortString("matmul-p96"): 96, shortString("matmul-p90"): 90, shortString("matmul-p80"): 78,
	shortString("std"): 60, shortString("fast"): 60, shortString("tight"): 60,
}

func (t *proofVerifier) constructor(owner, registry address) {
	assert(!registry.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.registry.write(registry)
}

func (t *proofVerifier) recordCertificate(x fact, c certificate) factID {
	assert(c.Verdict != undecided, "BAD_VERDICT")
	assert(t.profileBits(x.Profile) != 0, "BAD_PROFILE")
	id := t.factID(x)
	ballots := t.invalidVotes
	if c.Verdict == valid {
		ballots = t.validVotes
	}
	assert(ballots.read(id).Epoch == 0, "FACT_RECORDED")
	weight := t.certifiedWeight(id, c)

	ballots.write(id, votes{c.Epoch, c.Bitmap})
	r := t.facts.read(id)
	if r.Verdict != undecided {
		r.Contested = true
		t.facts.write(id, r)
		t.emit("FactContested", key{id, x.JobID}, c.Verdict, c.Epoch, c.Bitmap, weight)
		return id
	}
	r = factRecord{c.Verdict, byCertificate, t.profileBits(x.Profile), false, t.timestamp()}
	t.facts.write(id, r)
	t.emit("FactRegistered", key{id, x.JobID}, r.Verdict, r.Kind, r.Bits, c.Epoch, c.Bitmap, weight)
	return id
}

func (t *proofVerifier) addProfile(profile Felt, bits uint16) {
	t.assertOwner()
	assert(bits != 0 && t.profileBits(profile) == 0, "BAD_PROFILE")
	t.execute(t.profileAction(profile, bits))
	t.profiles.write(profile, bits)
	t.emit("ProfileAdded", key{profile}, bits)
}

func (t *proofVerifier) isValid(id factID, minBits uint16, k kind) bool {
	r := t.facts.read(id)
	return r.Verdict == valid && !r.Contested && r.Bits >= minBits && (k == byCertificate || r.Kind == inFull)
}

func (t *proofVerifier) fact(id factID) factRecord { return t.facts.read(id) }

func (t *proofVerifier) conflict(id factID, epoch uint64) uint64 {
	a, b := t.validVotes.read(id), t.invalidVotes.read(id)
	if epoch == 0 || a.Epoch != epoch || b.Epoch != epoch {
		return 0
	}
	return a.Bitmap & b.Bitmap
}

func (t *proofVerifier) profileBits(profile Felt) uint16 {
	if bits, ok := standardBits[profile]; ok {
		return bits
	}
	return t.profiles.read(profile)
}

func (t *proofVerifier) profileAction(profile Felt, bits uint16) Felt {
	return t.hash(shortString("add_profile"), profile, bits)
}

func (t *proofVerifier) factIdentifier(x fact) factID { return t.factID(x) }

func (t *proofVerifier) voteHash(epoch uint64, root Felt, id factID, v verdict) Felt {
	return t.frame.voteHash(epoch, root, id, v)
}

// certifiedWeight is the weight behind a certificate, which is a quorum of the current
// epoch or of the one before.
func (t *proofVerifier) certifiedWeight(id factID, c certificate) u256 {
	registry := t.registry.read()
	current := call[uint64](t.frame, registry, "current_epoch")
	assert(c.Epoch != 0 && c.Epoch <= current && current-c.Epoch <= 1, "BAD_EPOCH")
	hash := t.voteHash(c.Epoch, call[Felt](t.frame, registry, "set_root", c.Epoch), id, c.Verdict)

	var weight u256
	bitmap, signatures := c.Bitmap, c.Signatures
	for _, m := range call[[]member](t.frame, registry, "validator_set", c.Epoch) {
		bit := bitmap & 1
		if bitmap >>= 1; bit == 0 {
			continue
		}
		assert(len(signatures) > 0, "SIGNATURE_COUNT")
		assert(t.signed(hash, m.VoteKey, signatures[0]), "BAD_SIGNATURE")
		signatures = signatures[1:]
		weight = weight.add(m.Weight.wide())
	}
	assert(bitmap == 0, "BAD_INDEX")
	assert(len(signatures) == 0, "SIGNATURE_COUNT")
	total := call[u256](t.frame, registry, "total_weight", c.Epoch)
	assert(!weight.less(quorum(total)), "NO_QUORUM")
	return weight
}
