package chaintest

import (
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// scene has parties and jobs in every state in which something can be refused.
type scene struct {
	*world
	stranger  *party // has claimed from the faucet today and has nothing else to do with anything
	client    *party
	worker    *party // of 2,000 SAGE
	rival     *party // another worker
	busy      *party // a worker all of whose stake is bonded
	quitter   *party // a worker that has deregistered
	unlocked  *party // a worker of 1,000 SAGE, 100 of it bonded, whose lock is over
	leaver    *party // a worker of 2,000 SAGE whose lock is over, with another 1,000 unbonding
	impatient *party // a worker of 1,000 SAGE, all free, whose lock is over
	heir      *party // owner by an action that is not ready yet
	oldHeir   *party // owner by an action that has expired

	committee [4]*party
	candidate *party // has staked to be a validator
	exiting   *party // a validator of the current epoch that has left
	barred    *party // a validator that voted both ways

	old, current uint64 // epochs: of long ago, and now

	submitted, accepted, proven *job // with a month to go
	payable, released, refunded *job
	stripped                    *job // proven by a worker that lost the bond for a second result
	decided                     *job // late, with a certificate
	lateSubmitted, lateAccepted *job
	forQuitter, forUnlocked     *job // submitted
	forBusy                     *job

	crowd []*party // validators that fill all places
	last  *snapshot

	spent []chain.Felt // the payment of a job that was submitted
	key   elgamal.SecretKey
}

const sceneFee = elgamal.Amount(100)

func setScene(t *testing.T, w *world) *scene {
	s := &scene{world: w, key: must(elgamal.GenerateKey())(t)}
	s.setParties(t)
	s.setJobs(t)
	s.scheduleActions(t, s.oldHeir, text("old model"), "old profile")

	s.old = s.epoch(t)
	s.nextEpoch(t)
	s.pass(t, 16*day)
	s.nextEpoch(t)
	s.setValidators(t)
	s.current = s.epoch(t)
	s.scheduleActions(t, s.heir, text("model"), "profile")
	s.leaver.do(t, s.staking.call(stakingmanager.RequestUnstakeCall(u256(sage(1_000)))))
	s.stranger.do(t, s.faucet.call(faucet.ClaimCall()))
	return s
}

func (s *scene) setParties(t *testing.T) {
	s.stranger, s.heir, s.oldHeir = s.newcomer(t, "stranger"), s.newcomer(t, "heir"), s.newcomer(t, "old heir")
	s.client = s.newClient(t, "client", 500_000)
	s.worker, s.rival = s.newWorker(t, "worker", sage(2_000), year), s.newWorker(t, "rival", sage(1_000), year)
	s.busy, s.quitter = s.newWorker(t, "busy", sage(1_000), year), s.newWorker(t, "quitter", sage(1_000), year)
	s.unlocked, s.leaver = s.newWorker(t, "unlocked", sage(1_000), 7*day), s.newWorker(t, "leaver", sage(3_000), 7*day)
	s.impatient = s.newWorker(t, "impatient", sage(1_000), 7*day)
	s.worker.do(t, s.reputation.call(reputationmanager.InitializeCall()))
	s.committee = s.newCommittee(t)
}

// begin submits a job that can be accepted for one time and must be done within another.
func (s *scene) begin(t *testing.T, worker *party, lock, deadline time.Duration) *job {
	t.Helper()
	j := s.newJob(t, s.client, worker, sceneFee)
	now := s.now(t)
	j.lock, j.deadline = now+uint64(lock/time.Second), now+uint64(deadline/time.Second)
	s.spent = j.payment(t)
	s.client.do(t, j.submitCall(s.spent))
	return j
}

const (
	soon  = time.Hour
	later = 80 * day
)

func (s *scene) setJobs(t *testing.T) {
	long := func(worker *party) *job { return s.begin(t, worker, later, later+day) }
	s.submitted, s.forQuitter, s.forUnlocked = long(s.worker), long(s.quitter), long(s.unlocked)
	s.quitter.do(t, s.staking.call(stakingmanager.DeregisterCall()))
	long(s.unlocked).accept(t)

	s.lateSubmitted, s.lateAccepted = s.begin(t, s.worker, soon, later), s.begin(t, s.worker, soon, 2*soon)
	s.lateAccepted.accept(t)
	s.accepted = long(s.worker)
	s.accepted.accept(t)
	proven := func() *job {
		j := long(s.worker)
		j.accept(t)
		j.prove(t)
		return j
	}
	s.proven, s.stripped = proven(), proven()
	second := *s.stripped
	second.proofHash = digest("a second proof")
	s.owner.do(t, second.accused(t))

	s.payable, s.released = proven(), proven()
	for _, j := range []*job{s.payable, s.released} {
		j.certify(t, valid, s.committee[:3]...)
		s.owner.do(t, j.finalizeCall())
	}
	s.owner.do(t, s.released.releaseCall(t))
	s.refunded = long(s.worker)
	s.client.do(t, s.refunded.cancelCall())
	s.decided = s.begin(t, s.worker, soon, 2*soon)
	s.decided.accept(t)
	s.decided.prove(t)
	s.decided.certify(t, valid, s.committee[:3]...)

	for range 10 {
		long(s.busy).accept(t)
	}
	s.forBusy = long(s.busy)
}

// accused reports that the worker signed this job's result for a job of which the
// chain has another.
func (j *job) accused(t *testing.T) chain.Call {
	t.Helper()
	s := j.worker.signs(t, j.factID())
	return j.w.jobs.call(jobmanager.ReportEquivocationCall(j.key(), j.resultRoot, j.proofHash, jobmanager.Signature(s)))
}

// setValidators lets one validator vote both ways, one leave, and one stake.
func (s *scene) setValidators(t *testing.T) {
	s.barred = s.newValidator(t, "barred", sage(10_000))
	s.exiting = s.newValidator(t, "exiting", sage(10_000))
	s.nextEpoch(t)
	s.owner.do(t, s.barred.accused(t, s.proven.factID()))
	s.exiting.do(t, s.registry.call(validatorregistry.ExitCall()))
	s.owner.do(t, s.exiting.contradicts(t, s.payable.factID(), invalid))
	s.candidate = s.newcomer(t, "candidate")
	s.candidate.stake(t, sage(20_000), "Validator", 365*day)
}

// scheduleActions schedules one action of every kind.
func (s *scene) scheduleActions(t *testing.T, heir *party, model chain.Felt, profile string) {
	t.Helper()
	var calls []chain.Call
	schedule := func(c contract, action chain.Felt) {
		s.actions = append(s.actions, action)
		calls = append(calls, c.call(stakingmanager.ScheduleCall(action)))
	}
	for _, name := range owned {
		schedule(s.named(name), ownershipAction(heir))
	}
	schedule(s.staking, modelAction(model, stakingmanager.TierConsumer))
	schedule(s.verifier, profileAction(profile, 60))
	if heir == s.heir {
		schedule(s.privacy, s.auditorAction())
	}
	s.owner.do(t, calls...)
}

var (
	// owned are the contracts that have an owner.
	owned = []string{"Faucet", "StakingManager", "ProofVerifier", "JobManager", "PrivacyRouter"}
	// pausable are those that it can pause.
	pausable = []string{"Faucet", "StakingManager", "JobManager", "PrivacyRouter"}
)

func ownershipAction(heir *party) chain.Felt {
	return poseidon.HashMany(text("accept_ownership"), heir.Address())
}

func modelAction(model chain.Felt, tier stakingmanager.Tier) chain.Felt {
	return poseidon.HashMany(text("add_model"), model, chain.Uint(uint64(tier)))
}

func profileAction(profile string, bits uint64) chain.Felt {
	return poseidon.HashMany(text("add_profile"), text(profile), chain.Uint(bits))
}

func (s *scene) auditorAction() chain.Felt {
	f := s.key.Public().Felts()
	return poseidon.HashMany(text("set_auditor"), chain.Uint(0), f[0], f[1])
}

var noAuditorAction = poseidon.HashMany(text("set_auditor"), chain.Uint(1))

// useUpBareFaucet lets the bare faucet give all that it may.
func (s *scene) useUpBareFaucet(t *testing.T) {
	s.owner.do(t, s.bare.token.call(sagetoken.ApproveCall(s.bare.faucet.address, u256(sage(2_000)))),
		s.bare.faucet.call(faucet.RefillCall(u256(sage(2_000)))))
	s.heir.do(t, s.bare.faucet.call(faucet.ClaimCall()))
}

// pauseAll also makes sure that what looks for traces sees those of a pause.
func (s *scene) pauseAll(t *testing.T) {
	before := s.look(t, s.deployment)
	for _, name := range pausable {
		r := s.owner.do(t, s.named(name).call(faucet.PauseCall()))
		equal(t, "traces", strings.Join(s.traces(t, r), ", "), name+" emitted an event, "+name+" changed its storage")
	}
	if before.differs(s.look(t, s.deployment)) == nil {
		t.Error("a snapshot does not see a pause")
	}
}

func (s *scene) unpauseAll(t *testing.T) {
	for _, name := range pausable {
		s.owner.do(t, s.named(name).call(faucet.UnpauseCall()))
	}
}

// setAuditor carries out the action that was scheduled with the others.
func (s *scene) setAuditor(t *testing.T) {
	key := point(s.key.Public())
	s.pass(t, day)
	s.owner.do(t, s.privacy.call(privacyrouter.SetAuditorCall(&key)), s.privacy.call(stakingmanager.ScheduleCall(noAuditorAction)))
}

func (s *scene) removeAuditor(t *testing.T) {
	s.pass(t, day)
	s.owner.do(t, s.privacy.call(privacyrouter.SetAuditorCall(nil)))
}

// takePlaces fills all places for validators.
func (s *scene) takePlaces(t *testing.T) {
	for range 64 - len(s.committee) {
		s.crowd = append(s.crowd, s.newValidator(t, "crowd", sage(10_000)))
	}
}

// leavePlaces lets a larger stake take the place of the smallest, and ends the epoch.
func (s *scene) leavePlaces(t *testing.T) {
	s.candidate.do(t, s.candidate.validateCall(t, sage(10_001)))
	equal(t, "the first of the smallest", s.committee[0].isValidator(t), false)
	s.nextEpoch(t)
	for _, p := range s.crowd {
		p.do(t, s.registry.call(validatorregistry.ExitCall()))
	}
}
