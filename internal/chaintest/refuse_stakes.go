package chaintest

import (
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/calldata"
)

const week = uint64(7 * 24 * 3600)

func stakingRefusals() []refusal {
	const c = "StakingManager"
	stake := func(by func(*scene) *party, sum int64, tier string, lock uint64) func(*testing.T, *scene) attempt {
		return func(t *testing.T, s *scene) attempt {
			return by(s).at(s.staking, stakingmanager.StakeCall(u256(sage(sum)), text(tier), lock))
		}
	}
	stranger := func(s *scene) *party { return s.stranger }
	staker := func(s *scene) *party { return s.worker }
	increase := func(by func(*scene) *party, sum int64, lock uint64) func(*testing.T, *scene) attempt {
		return func(t *testing.T, s *scene) attempt {
			return by(s).at(s.staking, stakingmanager.IncreaseStakeCall(u256(sage(sum)), lock))
		}
	}
	unstake := func(by func(*scene) *party, sum int64) func(*testing.T, *scene) attempt {
		return func(t *testing.T, s *scene) attempt {
			return by(s).at(s.staking, stakingmanager.RequestUnstakeCall(u256(sage(sum))))
		}
	}
	setPeer := func(by, of func(*scene) *party, peer string) func(*testing.T, *scene) attempt {
		return func(t *testing.T, s *scene) attempt {
			return by(s).at(s.staking, stakingmanager.SetPeerCall(of(s).Address(), peer))
		}
	}
	quitter := func(s *scene) *party { return s.quitter }
	unlocked := func(s *scene) *party { return s.unlocked }
	leaver := func(s *scene) *party { return s.leaver }
	out := []refusal{
		{c, "configure", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.ConfigureCall(s.stranger.Address(), s.stranger.Address()))
		}},
		{c, "configure", "a second time", "ALREADY_CONFIGURED", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.staking, stakingmanager.ConfigureCall(s.owner.Address(), s.owner.Address()))
		}},
		{c, "add_model", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.AddModelCall(text("model"), stakingmanager.TierConsumer))
		}},
		{c, "add_model", "of no tier", "UNKNOWN_TIER", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.staking, stakingmanager.AddModelCall(text("model"), stakingmanager.TierNone))
		}},
		{c, "add_model", "of a known model", "MODEL_EXISTS", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.staking, stakingmanager.AddModelCall(text("H100"), stakingmanager.TierConsumer))
		}},
		{c, "add_model", "that was not announced", "ACTION_UNKNOWN", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.staking, stakingmanager.AddModelCall(text("model"), stakingmanager.TierFrontier))
		}},
		{c, "add_model", "before a day has passed", "ACTION_NOT_READY", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.staking, stakingmanager.AddModelCall(text("model"), stakingmanager.TierConsumer))
		}},
		{c, "add_model", "after 15 days", "ACTION_STALE", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.staking, stakingmanager.AddModelCall(text("old model"), stakingmanager.TierConsumer))
		}},
		{c, "stake", "of what is not allowed", "INSUFFICIENT_ALLOWANCE", stake(stranger, 1_000, "T4", week)},
		{c, "stake", "a second time", "ALREADY_STAKED", stake(staker, 1_000, "T4", week)},
		{c, "stake", "of an unknown model", "UNKNOWN_TIER", stake(stranger, 1_000, "H1000", week)},
		{c, "stake", "below the minimum", "BELOW_MINIMUM", stake(stranger, 9_999, "H100", week)},
		{c, "stake", "locked for too short", "LOCK_DURATION", stake(stranger, 1_000, "T4", week-1)},
		{c, "stake", "locked for too long", "LOCK_DURATION", stake(stranger, 1_000, "T4", 4*365*24*3600+1)},
		{c, "stake", "locked for longer than time", "LOCK_DURATION", stake(stranger, 1_000, "T4", 1<<64-1)},
		{c, "stake", "of the largest number", "u256_add Overflow", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.StakeCall(largest, text("T4"), week))
		}},
		{c, "increase_stake", "without a stake", "NO_STAKE", increase(stranger, 1, 0)},
		{c, "increase_stake", "by nothing", "ZERO_AMOUNT", increase(staker, 0, 0)},
		{c, "increase_stake", "locked for too short", "LOCK_DURATION", increase(staker, 1, week-1)},
		{c, "increase_stake", "of what is not allowed", "INSUFFICIENT_ALLOWANCE", increase(staker, 1, 0)},
		{c, "increase_stake", "by the largest number", "u256_add Overflow", func(t *testing.T, s *scene) attempt {
			return s.worker.at(s.staking, stakingmanager.IncreaseStakeCall(largest, 0))
		}},
		{c, "request_unstake", "before the lock ends", "STAKE_LOCKED", unstake(staker, 1)},
		{c, "request_unstake", "of nothing", "ZERO_AMOUNT", unstake(staker, 0)},
		{c, "request_unstake", "without a stake", "NO_STAKE", unstake(stranger, 1)},
		{c, "request_unstake", "by the operator", "NO_STAKE", unstake(func(s *scene) *party { return s.unlocked.operator }, 1)},
		{c, "request_unstake", "a second time", "UNBONDING_PENDING", unstake(leaver, 1)},
		{c, "request_unstake", "of what is bonded", "BOND_EXCEEDS_STAKE", unstake(unlocked, 901)},
		{c, "request_unstake", "that leaves less than the minimum", "BELOW_MINIMUM", unstake(unlocked, 1)},
		{c, "request_unstake", "of all by a worker", "WORKER_ACTIVE", func(t *testing.T, s *scene) attempt {
			return s.impatient.at(s.staking, stakingmanager.RequestUnstakeCall(u256(sage(1_000))))
		}},
		{c, "complete_unstake", "without a request", "NOTHING_UNBONDING", func(t *testing.T, s *scene) attempt {
			return s.worker.at(s.staking, stakingmanager.CompleteUnstakeCall())
		}},
		{c, "complete_unstake", "by the operator", "NOTHING_UNBONDING", func(t *testing.T, s *scene) attempt {
			return s.leaver.operator.at(s.staking, stakingmanager.CompleteUnstakeCall())
		}},
		{c, "complete_unstake", "before the time", "STILL_UNBONDING", func(t *testing.T, s *scene) attempt {
			return s.leaver.at(s.staking, stakingmanager.CompleteUnstakeCall())
		}},
		{c, "set_operator", "to what is no address", malformed, func(t *testing.T, s *scene) attempt {
			one := chain.Uint(1)
			return s.worker.at(s.staking, stakingmanager.SetOperatorCall(*new(chain.Felt).Neg(&one)))
		}},
		{c, "heartbeat", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.HeartbeatCall(s.worker.Address()))
		}},
		{c, "heartbeat", "by another worker's operator", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.rival.operator.at(s.staking, stakingmanager.HeartbeatCall(s.worker.Address()))
		}},
		{c, "heartbeat", "of nobody", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.HeartbeatCall(nobody))
		}},
		{c, "heartbeat", "of who is no worker", "NOT_A_WORKER", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.HeartbeatCall(s.stranger.Address()))
		}},
		{c, "set_peer", "by a stranger", "UNAUTHORIZED", setPeer(stranger, staker, "peer")},
		{c, "set_peer", "by the client of a job", "UNAUTHORIZED", setPeer(func(s *scene) *party { return s.client }, staker, "peer")},
		{c, "set_peer", "by the owner", "UNAUTHORIZED", setPeer(func(s *scene) *party { return s.owner }, staker, "peer")},
		{c, "set_peer", "by another worker", "UNAUTHORIZED", setPeer(func(s *scene) *party { return s.rival }, staker, "peer")},
		{c, "set_peer", "by another worker's operator", "UNAUTHORIZED", setPeer(func(s *scene) *party { return s.rival.operator }, staker, "peer")},
		{c, "set_peer", "of nobody", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.SetPeerCall(nobody, "peer"))
		}},
		{c, "set_peer", "of who is no worker", "NOT_A_WORKER", setPeer(stranger, stranger, "peer")},
		{c, "set_peer", "of who has deregistered", "NOT_A_WORKER", setPeer(quitter, quitter, "peer")},
		{c, "set_peer", "by the operator of who has deregistered", "NOT_A_WORKER", setPeer(func(s *scene) *party { return s.quitter.operator }, quitter, "peer")},
		{c, "set_peer", "to no peer", "BAD_PEER_ID", setPeer(staker, staker, "")},
		{c, "set_peer", "to too long a peer", "BAD_PEER_ID", setPeer(staker, staker, strings.Repeat("p", 65))},
		{c, "set_peer", "to too long a peer by the operator", "BAD_PEER_ID", setPeer(func(s *scene) *party { return s.worker.operator }, staker, strings.Repeat("p", 65))},
		{c, "deregister", "of who is no worker", "NOT_A_WORKER", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.staking, stakingmanager.DeregisterCall())
		}},
		{c, "deregister", "by the operator", "NOT_A_WORKER", func(t *testing.T, s *scene) attempt {
			return s.worker.operator.at(s.staking, stakingmanager.DeregisterCall())
		}},
		{c, "deregister", "a second time", "NOT_A_WORKER", func(t *testing.T, s *scene) attempt {
			return s.quitter.at(s.staking, stakingmanager.DeregisterCall())
		}},
	}
	return append(append(out, registrationRefusals()...), holderRefusals()...)
}

func registrationRefusals() []refusal {
	const c = "StakingManager"
	type offer struct {
		by      *party
		peer    string
		signing chain.Felt
		key     stakingmanager.Point
	}
	row := func(when, code string, change func(*scene, *offer)) refusal {
		return refusal{c, "register_worker", when, code, func(t *testing.T, s *scene) attempt {
			y := s.worker.secret.Public().Felts()
			o := offer{s.worker, "peer", s.worker.hot.PublicKey(), stakingmanager.Point{X: y[0], Y: y[1]}}
			change(s, &o)
			return o.by.at(s.staking, stakingmanager.RegisterWorkerCall(o.peer, o.signing, o.key, calldata.U256{}))
		}}
	}
	return []refusal{
		row("without a stake", "STAKE_NOT_VALID", func(s *scene, o *offer) { o.by = s.stranger }),
		row("by the operator", "STAKE_NOT_VALID", func(s *scene, o *offer) { o.by = s.worker.operator }),
		row("with the stake of a validator", "STAKE_NOT_VALID", func(s *scene, o *offer) { o.by = s.candidate }),
		row("with a stake that is not locked", "STAKE_NOT_VALID", func(s *scene, o *offer) { o.by = s.unlocked }),
		row("without a peer", "BAD_PEER_ID", func(s *scene, o *offer) { o.peer = "" }),
		row("with too long a peer", "BAD_PEER_ID", func(s *scene, o *offer) { o.peer = strings.Repeat("p", 65) }),
		row("with a signing key off the curve", "BAD_KEY", func(s *scene, o *offer) { o.signing = offCurveX }),
		row("with an encryption key off the curve", "BAD_KEY", func(s *scene, o *offer) { o.key.Y = o.key.X }),
		row("with the identity as encryption key", "BAD_KEY", func(s *scene, o *offer) { o.key = stakingmanager.Point{} }),
	}
}

// offCurveX is the x coordinate of no point.
var offCurveX = chain.Uint(5)

// outsiders may not call what is between contracts.
var outsiders = []struct {
	name string
	of   func(*scene) *party
}{
	{"a stranger", func(s *scene) *party { return s.stranger }},
	{"the owner", func(s *scene) *party { return s.owner }},
	{"the worker", func(s *scene) *party { return s.worker }},
	{"the client", func(s *scene) *party { return s.client }},
}

// holderRefusals are those of the functions of JobManager and ValidatorRegistry. The
// owner is an outsider like everybody.
func holderRefusals() []refusal {
	var out []refusal
	functions := []struct {
		name string
		call func(staker, caller chain.Felt) cairo.Call
	}{
		{"lock_bond", func(staker, caller chain.Felt) cairo.Call { return stakingmanager.LockBondCall(staker, unit) }},
		{"unlock_bond", func(staker, caller chain.Felt) cairo.Call { return stakingmanager.UnlockBondCall(staker, unit) }},
		{"seize_bond", func(staker, caller chain.Felt) cairo.Call {
			return stakingmanager.SeizeBondCall(staker, unit, caller)
		}},
		{"slash", func(staker, caller chain.Felt) cairo.Call {
			return stakingmanager.SlashCall(staker, unit, text("X"), caller)
		}},
	}
	for _, who := range outsiders {
		for _, f := range functions {
			out = append(out, refusal{"StakingManager", f.name, "by " + who.name, "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				p := who.of(s)
				return p.at(s.staking, f.call(s.worker.Address(), p.Address()))
			}})
		}
		out = append(out, refusal{"ReputationManager", "record", "by " + who.name, "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return who.of(s).at(s.reputation, reputationmanager.RecordCall(s.worker.Address(), reputationmanager.OutcomeFinalized))
		}})
	}
	return append(out,
		refusal{"ReputationManager", "initialize", "a second time", "BAD_STATE", func(t *testing.T, s *scene) attempt {
			return s.worker.at(s.reputation, reputationmanager.InitializeCall())
		}},
		refusal{"ReputationManager", "configure", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.reputation, reputationmanager.ConfigureCall(s.stranger.Address()))
		}},
		refusal{"ReputationManager", "configure", "a second time", "ALREADY_CONFIGURED", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.reputation, reputationmanager.ConfigureCall(s.owner.Address()))
		}},
	)
}
