package chaintest

import (
	"math/big"
	"slices"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
)

// none is a move that cannot be made up now.
var none move

func (p *party) does(what string, calls ...chain.Call) move {
	return move{what: p.name + " " + what, by: p, calls: calls}
}

func (o move) around(g *generator, boundary uint64) move {
	o.at = g.around(boundary)
	return o
}

// makers are all kinds of operations; what is listed twice is done twice as often.
var makers = []maker{
	transfer, approve, transferFrom, burn, claim, refill, pause, unpause, schedule, unschedule, carryOut,
	stake, increaseStake, requestUnstake, completeUnstake, setOperator, registerWorker, heartbeat, setPeer, deregister,
	registerValidator, exit, release, advanceEpoch, advanceEpoch, equivocate, equivocate, falseVerdict, falseVerdict,
	initialize, submitJob, submitJob, accept, accept, accept, accept, accept, submitProof, submitProof, submitProof, submitProof, submitProof,
	certify, certify, certify, certify, certify, certify, certify, certify, finalize, finalize, finalize, finalize, finalize,
	payOut, payOut, payOut, payOut, payOut, cancelJob, expire, expire, reportEquivocation,
	registerKey, deposit, transferUnits, transferUnits, rollover, rollover, withdraw, ragequit,
	wild, wild, command, command,
}

// beginning are the steps with which every sequence begins.
func (g *generator) beginning() []maker {
	out := []maker{func(g *generator) move {
		var calls []chain.Call
		for _, p := range g.parties[1:] {
			calls = append(calls, g.token.call(sagetoken.TransferCall(p.Address(), u256(sage(int64(10_000+g.rng.IntN(10_000)))))))
		}
		return g.owner.does("pays everyone", calls...)
	}}
	for _, p := range g.clients {
		out = append(out, func(g *generator) move { return g.opens(p) },
			func(g *generator) move { return g.deposits(p, elgamal.Amount(50_000+g.rng.IntN(50_000))) })
	}
	for _, p := range g.workers {
		out = append(out, func(g *generator) move {
			lock := time.Duration(7+g.rng.IntN(60)) * day
			o := g.opens(p)
			o.calls = append(o.calls, g.token.call(sagetoken.ApproveCall(g.staking.address, largest)),
				p.stakeCall(sage(int64(1_000+g.rng.IntN(500))), "T4", lock),
				g.staking.call(stakingmanager.SetOperatorCall(p.operator.Address())), p.offersCall(g.t))
			return o
		})
	}
	for _, p := range g.validators {
		out = append(out, func(g *generator) move {
			amount := sage(int64(10_000 + g.rng.IntN(500)))
			return p.does("becomes a validator", g.token.call(sagetoken.ApproveCall(g.staking.address, largest)),
				p.stakeCall(amount, "Validator", 300*day), p.validateCall(g.t, sage(10_000)))
		})
	}
	out = append(out, func(g *generator) move {
		return g.stranger.does("begins the first epoch", g.registry.call(validatorregistry.AdvanceEpochCall()))
	})
	return append(out, submitJob, submitJob, submitJob)
}

// SageToken

func transfer(g *generator) move {
	p := g.anyone()
	return p.does("transfers", g.token.call(sagetoken.TransferCall(g.anyone().Address(), g.amount(p.tokens(g.t)))))
}

func approve(g *generator) move {
	spender := pick(g, g.staking.address, g.privacy.address, g.faucet.address, g.anyone().Address())
	return g.anyone().does("approves", g.token.call(sagetoken.ApproveCall(spender, g.amount(sage(20_000)))))
}

func transferFrom(g *generator) move {
	p, from := g.anyone(), g.anyone()
	allowed := view(g.t, g.world, g.token.call(sagetoken.AllowanceCall(from.Address(), p.Address())), sagetoken.DecodeAllowance).Big()
	return p.does("transfers from another", g.token.call(sagetoken.TransferFromCall(from.Address(), g.anyone().Address(), g.amount(allowed))))
}

func burn(g *generator) move {
	p := g.anyone()
	return p.does("burns", g.token.call(sagetoken.BurnCall(g.amount(p.tokens(g.t), big.NewInt(1)))))
}

// Faucet

func claim(g *generator) move {
	p := g.anyone()
	next := view(g.t, g.world, g.faucet.call(faucet.ClaimInfoCall(p.Address())), faucet.DecodeClaimInfo).NextClaim
	return p.does("claims", g.faucet.call(faucet.ClaimCall())).around(g, next)
}

func refill(g *generator) move {
	return g.anyone().does("refills the faucet", g.token.call(sagetoken.ApproveCall(g.faucet.address, u256(sage(1_000)))),
		g.faucet.call(faucet.RefillCall(g.amount(sage(1_000)))))
}

// Owners

func pause(g *generator) move {
	if !g.chance(30) {
		return none
	}
	return g.mostly(g.owner).does("pauses", g.named(pick(g, pausable...)).call(faucet.PauseCall()))
}

func unpause(g *generator) move {
	var calls []chain.Call
	for _, name := range pausable {
		if c := g.named(name); view(g.t, g.world, c.call(faucet.PausedCall()), faucet.DecodePaused) {
			calls = append(calls, c.call(faucet.UnpauseCall()))
		}
	}
	if calls == nil {
		calls = append(calls, g.faucet.call(faucet.UnpauseCall()))
	}
	return g.mostly(g.owner).does("unpauses", calls...)
}

func schedule(g *generator) move {
	a := &g.actions[g.rng.IntN(len(g.actions))]
	a.ready = g.now + 24*3600
	return g.mostly(g.owner).does("schedules", a.in.call(stakingmanager.ScheduleCall(a.hash)))
}

func unschedule(g *generator) move {
	a := pick(g, g.actions...)
	return g.mostly(g.owner).does("unschedules", a.in.call(stakingmanager.UnscheduleCall(a.hash)))
}

func carryOut(g *generator) move {
	a := pick(g, g.actions...)
	ready := view(g.t, g.world, a.in.call(stakingmanager.ReadyAtCall(a.hash)), stakingmanager.DecodeReadyAt)
	if ready == 0 && !g.chance(10) {
		return none
	}
	if g.chance(10) {
		ready += 14 * 24 * 3600
	}
	return g.mostly(a.by).does("carries out an action", a.call).around(g, ready)
}

func addProfile(name string, bits uint16) cairo.Call {
	return proofverifier.AddProfileCall(text(name), bits)
}

// StakingManager

// staker is somebody who may have a stake.
func (g *generator) staker() *party {
	return pick(g, append(slices.Clone(g.parties[1:]), g.workers[0], g.workers[1], g.workers[0], g.workers[1])...)
}

func stake(g *generator) move {
	p, tier := g.staker(), pick(g, "T4", "Consumer", "L4", "Workstation", "H100", "Validator", "New GPU", "nothing")
	amount := view(g.t, g.world, g.staking.call(stakingmanager.MinimumStakeCall(text("T4"))), stakingmanager.DecodeMinimumStake).Big()
	if g.chance(60) {
		tier = "T4"
	}
	lock := pick(g, 7*24*3600, 7*24*3600-1, uint64(8+g.rng.IntN(100))*24*3600, 4*365*24*3600, 4*365*24*3600+1, 4*366*24*3600, 1<<64-1)
	return p.does("stakes", g.token.call(sagetoken.ApproveCall(g.staking.address, u256(sage(20_000)))),
		g.staking.call(stakingmanager.StakeCall(g.amount(amount, amount, p.tokens(g.t)), text(tier), lock)))
}

func increaseStake(g *generator) move {
	lock := pick[uint64](g, 0, 0, 30*24*3600, 1<<63)
	return g.staker().does("increases its stake", g.token.call(sagetoken.ApproveCall(g.staking.address, u256(sage(20_000)))),
		g.staking.call(stakingmanager.IncreaseStakeCall(g.amount(sage(10)), lock)))
}

func requestUnstake(g *generator) move {
	p := g.staker()
	s := p.stakeOf(g.t)
	free := new(big.Int).Sub(s.Amount.Big(), s.Bonded.Big())
	return p.does("requests to unstake", g.staking.call(stakingmanager.RequestUnstakeCall(g.amount(s.Amount.Big(), free.Abs(free))))).around(g, s.LockedUntil)
}

func completeUnstake(g *generator) move {
	p := g.staker()
	return p.does("completes to unstake", g.staking.call(stakingmanager.CompleteUnstakeCall())).around(g, p.stakeOf(g.t).UnbondingUntil)
}

func setOperator(g *generator) move {
	p := g.staker()
	to := p.operates().Address()
	if g.chance(20) {
		to = pick(g, chain.Felt{}, g.anyone().Address())
	}
	return p.does("names an operator", g.staking.call(stakingmanager.SetOperatorCall(to)))
}

func registerWorker(g *generator) move {
	p := g.staker()
	if !g.chance(15) {
		return p.does("registers as a worker", p.offersCall(g.t))
	}
	key := p.secret.Public().Felts()
	return p.does("registers as another worker", g.staking.call(stakingmanager.RegisterWorkerCall(g.peer(), pick(g, p.hot.PublicKey(), g.felt()),
		stakingmanager.Point{X: key[0], Y: pick(g, key[1], g.felt())}, digest("quote of "+p.name))))
}

// peer is a libp2p identity of a length at which a byte array changes its form, or of one
// that is refused.
func (g *generator) peer() string {
	peer := make([]byte, pick(g, 0, 1, 30, 31, 32, 62, 63, 64, 65))
	for i := range peer {
		peer[i] = byte('a' + g.rng.IntN(26))
	}
	return string(peer)
}

func setPeer(g *generator) move {
	p := pick(g, g.workers[:]...)
	return pick(g, p, p.operator, p.operator, g.anyone()).does("names a peer", g.staking.call(stakingmanager.SetPeerCall(p.Address(), g.peer())))
}

func heartbeat(g *generator) move {
	p := pick(g, g.workers[:]...)
	return pick(g, p, p.operator, g.anyone()).does("sends a heartbeat", g.staking.call(stakingmanager.HeartbeatCall(p.Address())))
}

func deregister(g *generator) move {
	if !g.chance(40) {
		return none
	}
	return g.staker().does("deregisters", g.staking.call(stakingmanager.DeregisterCall()))
}

// ValidatorRegistry

func registerValidator(g *generator) move {
	p := pick(g, g.validators[:]...)
	return p.does("registers as a validator", p.validateCall(g.t, g.amount(sage(10_000), p.stakeOf(g.t).Amount.Big()).Big()))
}

func exit(g *generator) move {
	if !g.chance(50) {
		return none
	}
	return pick(g, g.validators[:]...).does("exits", g.registry.call(validatorregistry.ExitCall()))
}

func release(g *generator) move {
	return pick(g, g.validators[:]...).does("takes its bond back", g.registry.call(validatorregistry.ReleaseCall()))
}

func advanceEpoch(g *generator) move {
	if !g.chance(50) {
		return none
	}
	start := view(g.t, g.world, g.registry.call(validatorregistry.EpochStartCall(g.epoch(g.t))), validatorregistry.DecodeEpochStart)
	return g.anyone().does("advances the epoch", g.registry.call(validatorregistry.AdvanceEpochCall())).around(g, start+3600)
}

// voted is a vote by a member of a set.
func (g *generator) voted(m validatorregistry.Member, epoch uint64, fact chain.Felt, v proofverifier.Verdict) proofverifier.Signature {
	return proofverifier.Signature(g.of(m.Validator).signs(g.t, voteHash(g.chainID, epoch, g.setRoot(g.t, epoch), fact, v)))
}

func equivocate(g *generator) move {
	epoch, j := g.someEpoch(), g.job()
	set := g.set(epoch)
	if len(set) == 0 || j == nil {
		return none
	}
	return g.aroundEvidence(g.equivocates(epoch, j, g.rng.IntN(len(set)), pick(g, invalid, invalid, invalid, valid)), epoch)
}

// equivocates reports that a member of a set voted valid and something else.
func (g *generator) equivocates(epoch uint64, j *job, index int, other proofverifier.Verdict) move {
	set, fact := g.set(epoch), j.factID()
	if index >= len(set) {
		return none
	}
	return g.anyone().does("reports two votes", g.registry.call(validatorregistry.SubmitEquivocationCall(validatorregistry.Equivocation{
		Epoch: epoch, Index: uint32(index), Fact: validatorregistry.FactID{Value: fact},
		Valid:   validatorregistry.Signature(g.voted(set[index], epoch, fact, valid)),
		Invalid: validatorregistry.Signature(g.voted(set[index], epoch, fact, other))})))
}

func falseVerdict(g *generator) move {
	epoch, j := g.someEpoch(), g.jobIn(jobmanager.JobStateProven, jobmanager.JobStateFinalized, jobmanager.JobStateRejected)
	set := g.set(epoch)
	if len(set) == 0 || j == nil {
		return none
	}
	i, fact, v := g.rng.IntN(len(set)), j.factID(), pick(g, valid, invalid)
	o := g.anyone().does("reports a false vote", g.registry.call(validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{
		Epoch: epoch, Index: uint32(i), Fact: validatorregistry.FactID{Value: fact}, Verdict: validatorregistry.Verdict(v),
		Signature: validatorregistry.Signature(g.voted(set[i], epoch, fact, v))})))
	return g.aroundEvidence(o, epoch)
}

// aroundEvidence sometimes waits for the end of the time for evidence.
func (g *generator) aroundEvidence(o move, epoch uint64) move {
	if !g.chance(10) {
		return o
	}
	start := view(g.t, g.world, g.registry.call(validatorregistry.EpochStartCall(epoch)), validatorregistry.DecodeEpochStart)
	return o.around(g, start+3600+6*24*3600)
}

// ProofVerifier

func certify(g *generator) move {
	epoch, j := g.someEpoch(), g.jobIn(jobmanager.JobStateProven)
	if g.chance(15) {
		j = g.job()
	}
	set := g.set(epoch)
	if len(set) == 0 || j == nil {
		return none
	}
	c := proofverifier.Certificate{Epoch: epoch, Verdict: pick(g, valid, valid, invalid)}
	for i, m := range set {
		if g.chance(85) {
			c.Bitmap |= 1 << i
			c.Signatures = append(c.Signatures, g.voted(m, epoch, j.factID(), c.Verdict))
		}
	}
	return g.anyone().does("records a certificate", g.verifier.call(proofverifier.RecordCertificateCall(j.fact(), c)))
}

// ReputationManager

func initialize(g *generator) move {
	return g.anyone().does("begins a record", g.reputation.call(reputationmanager.InitializeCall()))
}

// JobManager

func submitJob(g *generator) move {
	client, worker := pick(g, g.clients[:]...), pick(g, g.workers[:]...)
	if !g.has(client) || !g.has(worker) {
		return none
	}
	j := g.newJob(g.t, client, worker, 0)
	j.fee = min(client.balance(g.t), elgamal.Amount(g.rng.IntN(500)))
	lock := pick(g, 3_600, 24*3600, 5*24*3600, 20*24*3600)
	j.lock = g.now + uint64(lock)
	j.deadline = j.lock + uint64(pick(g, 3_600, 24*3600, 5*24*3600))
	switch g.rng.IntN(20) {
	case 0:
		j.deadline = j.lock
	case 1:
		j.lock = g.now
	case 2:
		j.deadline = g.now + 90*24*3600 + uint64(g.rng.IntN(120))
	case 3:
		j.profile = pick(g, "matmul-p80", "tight", "new", "nothing")
	case 4:
		return client.does("submits a job for itself", withArgument(j.submitCall(j.payment(g.t)), 7, client.Address()))
	}
	return client.does("submits a job", j.submitCall(j.payment(g.t)))
}

func accept(g *generator) move {
	j := g.jobIn(jobmanager.JobStateSubmitted)
	if j == nil || g.now+3_600 > j.lock && !g.chance(15) {
		return none
	}
	o := g.mostly(pick(g, j.worker, j.worker.operator)).does("accepts", j.acceptCall())
	if g.chance(20) {
		return o.around(g, j.lock)
	}
	return o
}

func submitProof(g *generator) move {
	j := g.jobIn(jobmanager.JobStateAccepted)
	if j == nil || g.now+3_600 > j.deadline && !g.chance(15) {
		return none
	}
	o := g.mostly(pick(g, j.worker, j.worker.operator)).does("submits a proof", j.submitProofCall(g.t))
	if g.chance(20) {
		return o.around(g, j.deadline)
	}
	return o
}

func finalize(g *generator) move {
	j := g.jobIn(jobmanager.JobStateProven)
	if j == nil {
		return none
	}
	record := view(g.t, g.world, g.verifier.call(proofverifier.FactCall(proofverifier.FactID{Value: j.factID()})), proofverifier.DecodeFact)
	if record.Verdict == proofverifier.VerdictUndecided && !g.chance(15) {
		return none
	}
	return g.anyone().does("finalizes", j.finalizeCall())
}

func cancelJob(g *generator) move {
	j := g.job()
	if j == nil {
		return none
	}
	return g.mostly(j.client).does("cancels", j.cancelCall())
}

func expire(g *generator) move {
	j := g.jobIn(jobmanager.JobStateSubmitted, jobmanager.JobStateAccepted, jobmanager.JobStateProven)
	if j == nil || !g.chance(60) {
		return none
	}
	end := j.deadline
	if j.state(g.t) == jobmanager.JobStateSubmitted {
		end = j.lock
	}
	return g.anyone().does("lets a job expire", j.expireCall()).around(g, end)
}

func reportEquivocation(g *generator) move {
	j := g.jobIn(jobmanager.JobStateProven)
	if j == nil || !g.chance(50) {
		return none
	}
	other := *j
	if !g.chance(20) {
		other.resultRoot = digest("another output")
	}
	return g.anyone().does("reports two results", other.accused(g.t))
}

// PaymentRouter

func payOut(g *generator) move {
	j := g.job()
	if j == nil || j.paid(g.t).State != paymentrouter.PaymentStatePayable && !g.chance(10) {
		return none
	}
	return g.anyone().does("releases a payment", j.releaseCall(g.t))
}

// PrivacyRouter

// opens opens a confidential account.
func (g *generator) opens(p *party) move {
	key := p.secret.Public()
	c := elgamal.Context{Operation: elgamal.OpRegister, ChainID: g.chainID, Contract: g.privacy.address, Sender: p.Address(), Balance: elgamal.Zero(key)}
	return p.does("opens an account", g.privacy.call(privacyrouter.RegisterKeyCall(point(key), p.owns(g.t, c))))
}

func registerKey(g *generator) move { return g.opens(g.anyone()) }

func (g *generator) deposits(p *party, amount elgamal.Amount) move {
	return p.does("deposits", g.token.call(sagetoken.ApproveCall(g.privacy.address, largest)), p.depositCall(g.t, amount))
}

func deposit(g *generator) move {
	p := g.holder()
	if p == nil {
		return none
	}
	amount := elgamal.Amount(g.rng.IntN(5_000))
	if g.chance(10) {
		amount = pick(g, 0, elgamal.MaxAmount, elgamal.MaxAmount+1, 1<<64-1)
	}
	return g.deposits(p, amount)
}

func transferUnits(g *generator) move {
	from, to := g.holder(), g.holder()
	if from == nil || to == nil {
		return none
	}
	amount := min(g.units(from.balance(g.t)), from.balance(g.t))
	return from.does("transfers units", from.transferCall(g.t, to, amount))
}

func rollover(g *generator) move {
	p := g.holder()
	if p == nil {
		return none
	}
	return p.does("rolls over", p.rolloverCall(g.t))
}

func withdraw(g *generator) move {
	p := g.holder()
	if p == nil {
		return none
	}
	return p.does("withdraws", p.withdrawCall(g.t, min(g.units(p.balance(g.t)), p.balance(g.t)), g.anyone()))
}

func ragequit(g *generator) move {
	p := g.holder()
	if p == nil || !g.chance(40) {
		return none
	}
	return p.does("quits", p.ragequitCall(g.t, g.anyone()))
}
