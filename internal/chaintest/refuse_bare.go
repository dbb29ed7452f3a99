package chaintest

import (
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
)

// bareRefusals are those of contracts that do not know each other yet. The bare
// faucet is empty.
func bareRefusals() []refusal {
	by := func(who func(*scene) *party, at func(deployment) contract, c cairo.Call) func(*testing.T, *scene) attempt {
		return func(t *testing.T, s *scene) attempt { return who(s).at(at(s.bare), c) }
	}
	owner := func(s *scene) *party { return s.owner }
	stranger := func(s *scene) *party { return s.stranger }
	staking := func(d deployment) contract { return d.staking }
	reputation := func(d deployment) contract { return d.reputation }
	registry := func(d deployment) contract { return d.registry }
	verifier := func(d deployment) contract { return d.verifier }
	jobs := func(d deployment) contract { return d.jobs }
	payments := func(d deployment) contract { return d.payments }
	privacy := func(d deployment) contract { return d.privacy }

	id, ciphertext := paymentrouter.JobID{}, privacyrouter.Ciphertext{}
	fact := proofverifier.Fact{Profile: text("std")}
	some := felt.FromUint64(1)
	return []refusal{
		{"StakingManager", "configure", "by a stranger", "UNAUTHORIZED", by(stranger, staking, stakingmanager.ConfigureCall(some, some))},
		{"StakingManager", "configure", "with no JobManager", "ZERO_ADDRESS", by(owner, staking, stakingmanager.ConfigureCall(nobody, some))},
		{"StakingManager", "configure", "with no ValidatorRegistry", "ZERO_ADDRESS", by(owner, staking, stakingmanager.ConfigureCall(some, nobody))},
		{"StakingManager", "lock_bond", "of anybody", "NOT_CONFIGURED", by(owner, staking, stakingmanager.LockBondCall(some, unit))},
		{"StakingManager", "unlock_bond", "of anybody", "NOT_CONFIGURED", by(owner, staking, stakingmanager.UnlockBondCall(some, unit))},
		{"StakingManager", "seize_bond", "of anybody", "NOT_CONFIGURED", by(owner, staking, stakingmanager.SeizeBondCall(some, unit, some))},
		{"StakingManager", "slash", "of anybody", "NOT_CONFIGURED", by(owner, staking, stakingmanager.SlashCall(some, unit, text("X"), some))},
		{"ReputationManager", "configure", "by a stranger", "UNAUTHORIZED", by(stranger, reputation, reputationmanager.ConfigureCall(some))},
		{"ReputationManager", "configure", "with no JobManager", "ZERO_ADDRESS", by(owner, reputation, reputationmanager.ConfigureCall(nobody))},
		{"ReputationManager", "record", "of anybody", "NOT_CONFIGURED", by(owner, reputation, reputationmanager.RecordCall(some, reputationmanager.OutcomeFinalized))},
		{"ValidatorRegistry", "configure", "by a stranger", "UNAUTHORIZED", by(stranger, registry, validatorregistry.ConfigureCall(some))},
		{"ValidatorRegistry", "configure", "with no ProofVerifier", "ZERO_ADDRESS", by(owner, registry, validatorregistry.ConfigureCall(nobody))},
		{"ValidatorRegistry", "advance_epoch", "without a validator", "SET_EMPTY", by(stranger, registry, validatorregistry.AdvanceEpochCall())},
		{"ValidatorRegistry", "submit_equivocation", "of anybody", "NOT_CONFIGURED", by(stranger, registry, validatorregistry.SubmitEquivocationCall(validatorregistry.Equivocation{}))},
		{"ValidatorRegistry", "submit_false_verdict", "of anybody", "NOT_CONFIGURED", by(stranger, registry, validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{}))},
		{"ProofVerifier", "record_certificate", "before the first epoch", "BAD_EPOCH", by(stranger, verifier,
			proofverifier.RecordCertificateCall(fact, proofverifier.Certificate{Verdict: proofverifier.VerdictValid}))},
		{"JobManager", "configure", "by a stranger", "UNAUTHORIZED", by(stranger, jobs, jobmanager.ConfigureCall(some))},
		{"JobManager", "configure", "with no PaymentRouter", "ZERO_ADDRESS", by(owner, jobs, jobmanager.ConfigureCall(nobody))},
		{"JobManager", "submit_job", "without a router", "NOT_CONFIGURED", by(stranger, jobs,
			jobmanager.SubmitJobCall(unit, unit, unit, text("std"), some, 1, 2, nil))},
		{"PaymentRouter", "escrow", "by the owner", "UNAUTHORIZED", by(owner, payments, paymentrouter.EscrowCall(id, some, some, nil))},
		{"PaymentRouter", "settle", "by the owner", "UNAUTHORIZED", by(owner, payments, paymentrouter.SettleCall(id, unit))},
		{"PaymentRouter", "refund", "by the owner", "UNAUTHORIZED", by(owner, payments, paymentrouter.RefundCall(id))},
		{"PrivacyRouter", "configure", "by a stranger", "UNAUTHORIZED", by(stranger, privacy, privacyrouter.ConfigureCall(some))},
		{"PrivacyRouter", "configure", "with no PaymentRouter", "ZERO_ADDRESS", by(owner, privacy, privacyrouter.ConfigureCall(nobody))},
		{"PrivacyRouter", "debit", "of anybody", "NOT_CONFIGURED", by(owner, privacy, privacyrouter.DebitCall(privacyrouter.JobID{}, some, some, nil))},
		{"PrivacyRouter", "credit", "of anybody", "NOT_CONFIGURED", by(owner, privacy, privacyrouter.CreditCall(some, ciphertext))},
		{"Faucet", "claim", "of an empty faucet", "FAUCET_EMPTY", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.bare.faucet, faucet.ClaimCall())
		}},
	}
}

// pausedRefusals are those of contracts that are paused.
func pausedRefusals() []refusal {
	out := []refusal{
		{"Faucet", "claim", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return s.heir.at(s.faucet, faucet.ClaimCall())
		}},
		{"StakingManager", "stake", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return attempt{s.owner, s.owner.stakeCall(sage(1_000), "T4", 7*day)}
		}},
		{"StakingManager", "increase_stake", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return s.worker.at(s.staking, stakingmanager.IncreaseStakeCall(nothing, 3*365*24*3600))
		}},
		{"JobManager", "submit_job", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			j := s.newJob(t, s.client, s.worker, sceneFee)
			return attempt{s.client, j.submitCall(j.payment(t))}
		}},
		{"PrivacyRouter", "register_key", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return s.opening(t, identity, unchanged)
		}},
		{"PrivacyRouter", "deposit", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return attempt{s.client, s.client.depositCall(t, 1)}
		}},
		{"PrivacyRouter", "transfer", "when paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return attempt{s.client, s.client.transferCall(t, s.worker, 1)}
		}},
	}
	for _, c := range pausable {
		out = append(out, refusal{c, "pause", "when it is paused", "PAUSED", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.named(c), faucet.PauseCall())
		}})
	}
	return out
}
