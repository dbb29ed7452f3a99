package chaintest

import (
	"math/big"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/wallet"
)

const (
	valid   = proofverifier.VerdictValid
	invalid = proofverifier.VerdictInvalid
)

func validatorRefusals() []refusal {
	const c = "ValidatorRegistry"
	return slices.Concat([]refusal{
		{c, "configure", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.registry, validatorregistry.ConfigureCall(s.stranger.Address()))
		}},
		{c, "configure", "a second time", "ALREADY_CONFIGURED", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.registry, validatorregistry.ConfigureCall(s.owner.Address()))
		}},
		{c, "exit", "by a stranger", "NOT_A_VALIDATOR", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.registry, validatorregistry.ExitCall())
		}},
		{c, "exit", "a second time", "NOT_A_VALIDATOR", func(t *testing.T, s *scene) attempt {
			return s.exiting.at(s.registry, validatorregistry.ExitCall())
		}},
		{c, "release", "by a stranger", "NOT_A_VALIDATOR", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.registry, validatorregistry.ReleaseCall())
		}},
		{c, "release", "by an active validator", "NOT_A_VALIDATOR", func(t *testing.T, s *scene) attempt {
			return s.committee[0].at(s.registry, validatorregistry.ReleaseCall())
		}},
		{c, "release", "in the last epoch", "EPOCH_NOT_OVER", func(t *testing.T, s *scene) attempt {
			return s.exiting.at(s.registry, validatorregistry.ReleaseCall())
		}},
		{c, "release", "by who voted both ways, in the last epoch", "EPOCH_NOT_OVER", func(t *testing.T, s *scene) attempt {
			return s.barred.at(s.registry, validatorregistry.ReleaseCall())
		}},
		{c, "advance_epoch", "before the end", "EPOCH_NOT_OVER", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.registry, validatorregistry.AdvanceEpochCall())
		}},
	}, entryRefusals(), equivocationRefusals(), falseVerdictRefusals(), certificateRefusals(), profileRefusals())
}

// entryRefusals are those of becoming a validator.
func entryRefusals() []refusal {
	type entry struct {
		by         *party
		stake      *big.Int
		key        chain.Felt
		possession wallet.Signature
	}
	row := func(when, code string, change func(*testing.T, *scene, *entry)) refusal {
		return refusal{"ValidatorRegistry", "register", when, code, func(t *testing.T, s *scene) attempt {
			by := s.candidate
			e := entry{by, sage(10_000), by.hot.PublicKey(), by.signs(t, possessionHash(s.chainID, s.registry.address, by.Address()))}
			change(t, s, &e)
			return e.by.at(s.registry, validatorregistry.RegisterCall(u256(e.stake), e.key, validatorregistry.Signature(e.possession)))
		}}
	}
	possession := func(when string, change func(*scene) (contract, account, chainID chain.Felt)) refusal {
		return row("with a possession "+when, "BAD_SIGNATURE", func(t *testing.T, s *scene, e *entry) {
			contract, account, chainID := change(s)
			e.possession = s.candidate.signs(t, possessionHash(chainID, contract, account))
		})
	}
	return []refusal{
		row("below the minimum", "BELOW_MINIMUM", func(t *testing.T, s *scene, e *entry) { e.stake = sage(9_999) }),
		row("without a stake", "STAKE_NOT_VALID", func(t *testing.T, s *scene, e *entry) { e.by = s.stranger }),
		row("with the stake of a worker", "STAKE_NOT_VALID", func(t *testing.T, s *scene, e *entry) { e.by = s.worker }),
		row("with more than was staked", "BOND_EXCEEDS_STAKE", func(t *testing.T, s *scene, e *entry) { e.stake = sage(20_001) }),
		row("with another's vote key", "KEY_IN_USE", func(t *testing.T, s *scene, e *entry) { e.key = s.committee[0].hot.PublicKey() }),
		row("with the key of who voted both ways", "KEY_IN_USE", func(t *testing.T, s *scene, e *entry) { e.key = s.barred.hot.PublicKey() }),
		row("with a key that it does not have", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *entry) { e.key = s.stranger.hot.PublicKey() }),
		row("with a key off the curve", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *entry) { e.key = offCurveX }),
		possession("of another account", func(s *scene) (_, _, _ chain.Felt) { return s.registry.address, s.stranger.Address(), s.chainID }),
		possession("for another registry", func(s *scene) (_, _, _ chain.Felt) {
			return s.bare.registry.address, s.candidate.Address(), s.chainID
		}),
		possession("on another chain", func(s *scene) (_, _, _ chain.Felt) {
			return s.registry.address, s.candidate.Address(), text("SN_OTHER")
		}),
		row("by a validator", "ALREADY_VALIDATOR", func(t *testing.T, s *scene, e *entry) { e.by = s.committee[0] }),
		row("by who has left but not gone", "ALREADY_VALIDATOR", func(t *testing.T, s *scene, e *entry) { e.by = s.exiting }),
		row("by who voted both ways", "TOMBSTONED", func(t *testing.T, s *scene, e *entry) { e.by = s.barred }),
	}
}

// fullSetRefusals are those of a set without a free place.
func fullSetRefusals() []refusal {
	return []refusal{{"ValidatorRegistry", "register", "with no more than the others", "SET_FULL", func(t *testing.T, s *scene) attempt {
		return attempt{s.candidate, s.candidate.validateCall(t, sage(10_000))}
	}}}
}

// vote is a vote with everything that it is about.
type vote struct {
	by      *party
	chainID chain.Felt
	epoch   uint64
	fact    chain.Felt
	verdict proofverifier.Verdict
}

func (v vote) sign(t *testing.T) wallet.Signature {
	t.Helper()
	return v.by.signs(t, voteHash(v.chainID, v.epoch, v.by.w.setRoot(t, v.epoch), v.fact, v.verdict))
}

// equivocationRefusals are those of evidence that a validator voted both ways. The
// votes are by a member of the set of the current epoch, on one fact.
func equivocationRefusals() []refusal {
	type evidence struct {
		epoch          uint64
		index          uint32
		fact           chain.Felt
		valid, invalid vote
	}
	row := func(when, code string, change func(*testing.T, *scene, *evidence)) refusal {
		return refusal{"ValidatorRegistry", "submit_equivocation", when, code, func(t *testing.T, s *scene) attempt {
			by, fact := s.committee[0], s.proven.factID()
			e := evidence{s.current, by.index(t, s.current), fact,
				vote{by, s.chainID, s.current, fact, valid}, vote{by, s.chainID, s.current, fact, invalid}}
			change(t, s, &e)
			return s.stranger.at(s.registry, validatorregistry.SubmitEquivocationCall(validatorregistry.Equivocation{
				Epoch: e.epoch, Index: e.index, Fact: validatorregistry.FactID{Value: e.fact},
				Valid: validatorregistry.Signature(e.valid.sign(t)), Invalid: validatorregistry.Signature(e.invalid.sign(t))}))
		}}
	}
	return []refusal{
		row("of the same vote twice", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.invalid.verdict = valid }),
		row("with the votes exchanged", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.valid, e.invalid = e.invalid, e.valid }),
		row("on two facts", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.invalid.fact = s.accepted.factID() }),
		row("in two epochs", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.invalid.epoch = s.current - 1 }),
		row("on two chains", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.invalid.chainID = text("SN_OTHER") }),
		row("by two validators", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.invalid.by = s.committee[1] }),
		row("of another validator", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.index = s.committee[1].index(t, s.current) }),
		row("in no epoch", "BAD_EPOCH", func(t *testing.T, s *scene, e *evidence) { e.epoch = 0 }),
		row("in an epoch to come", "BAD_EPOCH", func(t *testing.T, s *scene, e *evidence) { e.epoch++ }),
		row("of nobody", "BAD_INDEX", func(t *testing.T, s *scene, e *evidence) { e.index = 6 }),
		row("in an epoch of long ago", "EVIDENCE_EXPIRED", func(t *testing.T, s *scene, e *evidence) {
			e.epoch, e.valid.epoch, e.invalid.epoch = s.old, s.old, s.old
		}),
		row("a second time", "ALREADY_SLASHED", func(t *testing.T, s *scene, e *evidence) {
			e.index, e.valid.by, e.invalid.by = s.barred.index(t, s.current), s.barred, s.barred
		}),
	}
}

// falseVerdictRefusals are those of evidence that a validator voted against a
// certificate.
func falseVerdictRefusals() []refusal {
	type evidence struct {
		epoch   uint64
		index   uint32
		fact    chain.Felt
		verdict proofverifier.Verdict
		vote    vote
	}
	row := func(when, code string, change func(*testing.T, *scene, *evidence)) refusal {
		return refusal{"ValidatorRegistry", "submit_false_verdict", when, code, func(t *testing.T, s *scene) attempt {
			by, fact := s.committee[0], s.payable.factID()
			e := evidence{s.current, by.index(t, s.current), fact, invalid, vote{by, s.chainID, s.current, fact, invalid}}
			change(t, s, &e)
			return s.stranger.at(s.registry, validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{
				Epoch: e.epoch, Index: e.index, Fact: validatorregistry.FactID{Value: e.fact},
				Verdict: validatorregistry.Verdict(e.verdict), Signature: validatorregistry.Signature(e.vote.sign(t))}))
		}}
	}
	return []refusal{
		row("with a vote by another", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.vote.by = s.committee[1] }),
		row("with a vote on another fact", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.vote.fact = s.proven.factID() }),
		row("with a vote of another epoch", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.vote.epoch = s.current - 1 }),
		row("with a vote on another chain", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.vote.chainID = text("SN_OTHER") }),
		row("with the other verdict", "BAD_SIGNATURE", func(t *testing.T, s *scene, e *evidence) { e.vote.verdict = valid }),
		row("that agrees", "NO_OFFENCE", func(t *testing.T, s *scene, e *evidence) { e.verdict, e.vote.verdict = valid, valid }),
		row("without a verdict", "BAD_VERDICT", func(t *testing.T, s *scene, e *evidence) { e.verdict = proofverifier.VerdictUndecided }),
		row("on what nobody has decided", "NO_OFFENCE", func(t *testing.T, s *scene, e *evidence) {
			e.fact, e.vote.fact = s.proven.factID(), s.proven.factID()
		}),
		row("in no epoch", "BAD_EPOCH", func(t *testing.T, s *scene, e *evidence) { e.epoch = 0 }),
		row("in an epoch to come", "BAD_EPOCH", func(t *testing.T, s *scene, e *evidence) { e.epoch++ }),
		row("of nobody", "BAD_INDEX", func(t *testing.T, s *scene, e *evidence) { e.index = 6 }),
		row("in an epoch of long ago", "EVIDENCE_EXPIRED", func(t *testing.T, s *scene, e *evidence) { e.epoch, e.vote.epoch = s.old, s.old }),
		row("a second time", "ALREADY_SLASHED", func(t *testing.T, s *scene, e *evidence) {
			e.index, e.vote.by = s.exiting.index(t, s.current), s.exiting
		}),
	}
}

// certificateRefusals are those of a certificate on the fact of the proven job. The
// set has six members, so that five are a quorum.
func certificateRefusals() []refusal {
	type paper struct {
		fact proofverifier.Fact
		proofverifier.Certificate
	}
	row := func(when, code string, change func(*testing.T, *scene, *paper)) refusal {
		return refusal{"ProofVerifier", "record_certificate", when, code, func(t *testing.T, s *scene) attempt {
			p := paper{s.proven.fact(), s.certificateOf(t, s.current, s.proven.factID(), valid, s.five()...)}
			change(t, s, &p)
			return s.stranger.at(s.verifier, proofverifier.RecordCertificateCall(p.fact, p.Certificate))
		}}
	}
	with := func(when string, change func(*scene, *vote)) refusal {
		return row("with a vote "+when, "BAD_SIGNATURE", func(t *testing.T, s *scene, p *paper) {
			v := vote{s.committee[0], s.chainID, s.current, s.proven.factID(), valid}
			change(s, &v)
			p.Signatures[s.committee[0].index(t, s.current)] = proofverifier.Signature(v.sign(t))
		})
	}
	return []refusal{
		row("of two thirds and no more", "NO_QUORUM", func(t *testing.T, s *scene, p *paper) {
			p.Certificate = s.certificateOf(t, s.current, s.proven.factID(), valid, s.committee[:]...)
		}),
		row("of nobody", "NO_QUORUM", func(t *testing.T, s *scene, p *paper) { p.Bitmap, p.Signatures = 0, nil }),
		row("without a verdict", "BAD_VERDICT", func(t *testing.T, s *scene, p *paper) { p.Verdict = proofverifier.VerdictUndecided }),
		row("of the other verdict", "BAD_SIGNATURE", func(t *testing.T, s *scene, p *paper) { p.Verdict = invalid }),
		row("under an unknown profile", "BAD_PROFILE", func(t *testing.T, s *scene, p *paper) { p.fact.Profile = text("weak") }),
		row("a second time", "FACT_RECORDED", func(t *testing.T, s *scene, p *paper) { p.fact = s.payable.fact() }),
		row("of no epoch", "BAD_EPOCH", func(t *testing.T, s *scene, p *paper) { p.Epoch = 0 }),
		row("of an epoch to come", "BAD_EPOCH", func(t *testing.T, s *scene, p *paper) { p.Epoch++ }),
		row("of an epoch of long ago", "BAD_EPOCH", func(t *testing.T, s *scene, p *paper) { p.Epoch = s.old }),
		row("with a signature missing", "SIGNATURE_COUNT", func(t *testing.T, s *scene, p *paper) { p.Signatures = p.Signatures[:4] }),
		row("with a signature too many", "SIGNATURE_COUNT", func(t *testing.T, s *scene, p *paper) { p.Signatures = append(p.Signatures, p.Signatures[0]) }),
		row("with a bit of nobody", "BAD_INDEX", func(t *testing.T, s *scene, p *paper) { p.Bitmap |= 1 << 6 }),
		row("with two signatures exchanged", "BAD_SIGNATURE", func(t *testing.T, s *scene, p *paper) {
			p.Signatures[0], p.Signatures[1] = p.Signatures[1], p.Signatures[0]
		}),
		row("with a signature twice", "BAD_SIGNATURE", func(t *testing.T, s *scene, p *paper) { p.Signatures[1] = p.Signatures[0] }),
		row("for another output", "BAD_SIGNATURE", func(t *testing.T, s *scene, p *paper) { p.fact.ResultRoot = digest("better output") }),
		row("for another worker", "BAD_SIGNATURE", func(t *testing.T, s *scene, p *paper) { p.fact.Worker = s.rival.Address() }),
		with("of another epoch", func(s *scene, v *vote) { v.epoch-- }),
		with("on another chain", func(s *scene, v *vote) { v.chainID = text("SN_OTHER") }),
		with("on another job", func(s *scene, v *vote) { v.fact = s.accepted.factID() }),
		with("of the other verdict", func(s *scene, v *vote) { v.verdict = invalid }),
		with("by another", func(s *scene, v *vote) { v.by = s.stranger }),
	}
}

// five are a quorum of the current epoch.
func (s *scene) five() []*party { return append(s.committee[:], s.exiting) }

func profileRefusals() []refusal {
	row := func(by func(*scene) *party, when, code, profile string, bits uint16) refusal {
		return refusal{"ProofVerifier", "add_profile", when, code, func(t *testing.T, s *scene) attempt {
			return by(s).at(s.verifier, proofverifier.AddProfileCall(text(profile), bits))
		}}
	}
	owner := func(s *scene) *party { return s.owner }
	return []refusal{
		row(func(s *scene) *party { return s.stranger }, "by a stranger", "UNAUTHORIZED", "profile", 60),
		row(owner, "that exists", "BAD_PROFILE", "matmul-p96", 128),
		row(owner, "without bits", "BAD_PROFILE", "profile", 0),
		row(owner, "that was not announced", "ACTION_UNKNOWN", "profile", 128),
		row(owner, "before a day has passed", "ACTION_NOT_READY", "profile", 60),
		row(owner, "after 15 days", "ACTION_STALE", "old profile", 60),
	}
}
