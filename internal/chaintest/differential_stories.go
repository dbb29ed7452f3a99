package chaintest

import (
	"slices"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
)

// A story is a plan that chance alone would seldom carry out: a sequence tells a few of
// them, with other operations between. Each of its parts is left out if it cannot be made
// up, since something that came between has made it impossible.
type story func(g *generator) []maker

// stories are told in turn. Sequences begin at different ones.
var stories = []story{
	sundries, paidJob, rejectedJob, falseVote, contestedJob, twoResults, expiredJobs,
	unstaking, ownership, newModel, newProfile, auditor, staleAction, pauses,
	leavingValidator, faucetClaims, withdrawals, flawedTransactions, allowances, intrusions, offers, sundries, records,
}

// atTime waits until a time, unless that has passed.
func (o move) atTime(time uint64) move {
	o.at = time
	return o
}

// jobStory is a job that is accepted and proven, with other parts after that.
func (g *generator) jobStory(rest func(j *job) []maker) []maker {
	client, worker := pick(g, g.clients[:]...), pick(g, g.workers[:]...)
	j := g.newJob(g.t, client, worker, 0)
	return append([]maker{
		func(g *generator) move {
			j.fee = min(client.balance(g.t), elgamal.Amount(1+g.rng.IntN(500)))
			j.lock = g.now + 2*24*3600
			j.deadline = j.lock + 24*3600
			return client.does("submits a job", j.submitCall(j.payment(g.t)))
		},
		func(g *generator) move { return g.stranger.does("accepts what is another's", j.acceptCall()) },
		func(g *generator) move { return worker.operator.does("accepts", j.acceptCall()) },
		func(g *generator) move { return worker.does("submits a proof", j.submitProofCall(g.t)) },
	}, rest(j)...)
}

// certifies records a certificate by the members of the set but some.
func (g *generator) certifies(j *job, v proofverifier.Verdict, without ...int) move {
	epoch := g.epoch(g.t)
	c := proofverifier.Certificate{Epoch: epoch, Verdict: v}
	for i, m := range g.set(epoch) {
		if !slices.Contains(without, i) {
			c.Bitmap |= 1 << i
			c.Signatures = append(c.Signatures, g.voted(m, epoch, j.factID(), v))
		}
	}
	return g.anyone().does("records a certificate", g.verifier.call(proofverifier.RecordCertificateCall(j.fact(), c)))
}

func paidJob(g *generator) []maker {
	return g.jobStory(func(j *job) []maker {
		p := j.worker
		return []maker{
			func(g *generator) move { return g.anyone().does("finalizes early", j.finalizeCall()) },
			func(g *generator) move { return g.certifies(j, valid) },
			func(g *generator) move { return g.anyone().does("lets a decided job expire", j.expireCall()) },
			func(g *generator) move { return g.anyone().does("finalizes", j.finalizeCall()) },
			func(g *generator) move { return g.anyone().does("releases a payment", j.releaseCall(g.t)) },
			func(g *generator) move { return g.anyone().does("releases a payment again", j.releaseCall(g.t)) },
			func(g *generator) move { return p.does("rolls over", p.rolloverCall(g.t)) },
			func(g *generator) move { return p.does("withdraws", p.withdrawCall(g.t, p.balance(g.t)/2, g.anyone())) },
		}
	})
}

func rejectedJob(g *generator) []maker {
	return g.jobStory(func(j *job) []maker {
		return []maker{
			func(g *generator) move { return g.certifies(j, invalid) },
			func(g *generator) move { return g.anyone().does("finalizes a rejected job", j.finalizeCall()) },
			func(g *generator) move { return g.anyone().does("releases a refunded payment", j.releaseCall(g.t)) },
			func(g *generator) move { return j.client.does("rolls over", j.client.rolloverCall(g.t)) },
		}
	})
}

// falseVote has a validator vote against a certificate that it did not sign.
func falseVote(g *generator) []maker {
	return g.jobStory(func(j *job) []maker {
		accuse := func(v proofverifier.Verdict) maker {
			return func(g *generator) move {
				epoch := g.epoch(g.t)
				set := g.set(epoch)
				if len(set) == 0 {
					return none
				}
				return g.anyone().does("reports a false vote", g.registry.call(validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{
					Epoch: epoch, Fact: validatorregistry.FactID{Value: j.factID()}, Verdict: validatorregistry.Verdict(v),
					Signature: validatorregistry.Signature(g.voted(set[0], epoch, j.factID(), v))})))
			}
		}
		return []maker{
			accuse(invalid),
			func(g *generator) move { return g.certifies(j, valid, 0) },
			accuse(valid), accuse(invalid), accuse(invalid),
			func(g *generator) move { return g.anyone().does("finalizes", j.finalizeCall()) },
		}
	})
}

// contestedJob has two certificates, and punishes one who signed both.
func contestedJob(g *generator) []maker {
	return g.jobStory(func(j *job) []maker {
		accuse := func(g *generator) move { return g.equivocates(g.epoch(g.t), j, 1, invalid) }
		return []maker{
			accuse,
			func(g *generator) move { return g.certifies(j, valid, 0) },
			func(g *generator) move { return g.certifies(j, invalid, 3) },
			accuse, accuse,
			func(g *generator) move { return g.anyone().does("finalizes a contested job", j.finalizeCall()) },
			func(g *generator) move {
				return g.anyone().does("lets a contested job expire", j.expireCall()).atTime(j.deadline + uint64(g.rng.IntN(2)))
			},
		}
	})
}

func twoResults(g *generator) []maker {
	return g.jobStory(func(j *job) []maker {
		report := func(g *generator) move {
			other := *j
			other.resultRoot = digest("another output")
			return g.anyone().does("reports two results", other.accused(g.t))
		}
		return []maker{report, report,
			func(g *generator) move { return g.certifies(j, valid) },
			func(g *generator) move { return g.anyone().does("finalizes", j.finalizeCall()) },
			report,
		}
	})
}

// expiredJobs end in each of the states that have a deadline, and by the client.
func expiredJobs(g *generator) []maker {
	var out []maker
	for i := range 4 {
		parts := g.jobStory(func(j *job) []maker {
			if i == 3 {
				return []maker{
					func(g *generator) move { return g.stranger.does("cancels", j.cancelCall()) },
					func(g *generator) move { return j.client.does("cancels", j.cancelCall()) },
				}
			}
			end := func(g *generator) uint64 {
				if i == 0 {
					return j.lock
				}
				return j.deadline
			}
			return []maker{
				func(g *generator) move {
					return g.anyone().does("lets a job expire early", j.expireCall()).atTime(end(g))
				},
				func(g *generator) move {
					return g.anyone().does("lets a job expire", j.expireCall()).atTime(end(g) + 1)
				},
			}
		})
		if i == 3 {
			parts = slices.Delete(parts, 1, 3)
		} else {
			parts = slices.Delete(parts, 1+i, 3)
		}
		out = append(out, parts...)
	}
	return out
}

// unstaking takes a stake through all its times, each a second too early first.
func unstaking(g *generator) []maker {
	p := pick(g, g.stranger, g.heir, g.validators[3])
	request := func(early uint64) maker {
		return func(g *generator) move {
			s := p.stakeOf(g.t)
			return p.does("requests to unstake", g.staking.call(stakingmanager.RequestUnstakeCall(s.Amount))).atTime(s.LockedUntil - min(early, s.LockedUntil))
		}
	}
	complete := func(early uint64) maker {
		return func(g *generator) move {
			until := p.stakeOf(g.t).UnbondingUntil
			return p.does("completes to unstake", g.staking.call(stakingmanager.CompleteUnstakeCall())).atTime(until - min(early, until))
		}
	}
	leave := func(g *generator) move { return p.does("deregisters", g.staking.call(stakingmanager.DeregisterCall())) }
	return []maker{
		func(g *generator) move {
			return p.does("stakes", g.token.call(sagetoken.ApproveCall(g.staking.address, largest)), p.stakeCall(sage(1_000), "T4", 7*day))
		},
		func(g *generator) move { return p.does("registers as a worker", p.offersCall(g.t)) },
		func(g *generator) move {
			return p.does("sends a heartbeat", g.staking.call(stakingmanager.HeartbeatCall(p.Address())))
		},
		func(g *generator) move {
			return p.does("names a peer", g.staking.call(stakingmanager.SetPeerCall(p.Address(), "another peer of "+p.name)))
		},
		func(g *generator) move {
			return p.does("increases its stake", g.staking.call(stakingmanager.IncreaseStakeCall(u256(sage(int64(g.rng.IntN(10)))), 24*3600)))
		},
		complete(0), request(1), request(0), leave, leave, request(0), request(0), complete(1), complete(0),
	}
}

// announced is an action of an owner from its announcement to its execution.
func (g *generator) announced(a *action) []maker {
	carry := func(early uint64) maker {
		return func(g *generator) move {
			ready := view(g.t, g.world, a.in.call(stakingmanager.ReadyAtCall(a.hash)), stakingmanager.DecodeReadyAt)
			return a.by.does("carries out an action", a.call).atTime(ready - min(early, ready))
		}
	}
	announce := func(what string, call chain.Call) maker {
		return func(g *generator) move { return g.ownerOf(a.in).does(what, call) }
	}
	schedule := announce("schedules", a.in.call(stakingmanager.ScheduleCall(a.hash)))
	unschedule := announce("unschedules", a.in.call(stakingmanager.UnscheduleCall(a.hash)))
	if a.by != g.heir {
		a.by = g.ownerOf(a.in)
	}
	if g.chance(50) {
		return []maker{schedule, carry(1), carry(0)}
	}
	return []maker{carry(0), unschedule, schedule, schedule, unschedule, schedule, carry(1), carry(0), carry(0)}
}

// ownerOf is who owns a contract now.
func (g *generator) ownerOf(c contract) *party {
	return g.of(view(g.t, g.world, c.call(stakingmanager.OwnerCall()), stakingmanager.DecodeOwner))
}

// commanded is a call of each of the contracts that belong to whoever owns the first.
func (g *generator) commanded(what string, call func(a action) chain.Call) move {
	var calls []chain.Call
	owner := g.ownerOf(g.actions[0].in)
	for _, a := range g.actions[:len(owned)] {
		if g.ownerOf(a.in) == owner {
			calls = append(calls, call(a))
		}
	}
	return owner.does(what, calls...)
}

func scheduled(a action) chain.Call   { return a.in.call(stakingmanager.ScheduleCall(a.hash)) }
func unscheduled(a action) chain.Call { return a.in.call(stakingmanager.UnscheduleCall(a.hash)) }

// ownership is offered and taken.
func ownership(g *generator) []maker {
	accept := func(early uint64) maker {
		return func(g *generator) move {
			o := g.commanded("accepts", func(a action) chain.Call { return a.call })
			o.what, o.by = "heir accepts what it is offered", g.heir
			ready := view(g.t, g.world, g.actions[0].in.call(stakingmanager.ReadyAtCall(g.actions[0].hash)), stakingmanager.DecodeReadyAt)
			return o.atTime(ready - min(early, ready))
		}
	}
	return []maker{
		func(g *generator) move { return g.commanded("offers all that it owns", scheduled) },
		accept(1), accept(0), accept(0),
	}
}

// offers are made twice and withdrawn twice.
func offers(g *generator) []maker {
	out := []maker{func(g *generator) move { return g.commanded("offers all that it owns", scheduled) }}
	for _, a := range g.actions[:len(owned)] {
		out = append(out, func(g *generator) move { return g.ownerOf(a.in).does("offers again", scheduled(a)) })
	}
	out = append(out, func(g *generator) move { return g.commanded("withdraws its offers", unscheduled) })
	for _, a := range g.actions[:len(owned)] {
		out = append(out, func(g *generator) move { return g.ownerOf(a.in).does("withdraws its offer again", unscheduled(a)) })
	}
	return out
}

func newModel(g *generator) []maker   { return g.announced(&g.actions[len(owned)]) }
func newProfile(g *generator) []maker { return g.announced(&g.actions[len(owned)+1]) }

func auditor(g *generator) []maker {
	p := g.clients[0]
	return append(g.announced(&g.actions[len(owned)+2+g.rng.IntN(2)]),
		func(g *generator) move {
			return p.does("transfers units", p.transferCall(g.t, g.clients[1], p.balance(g.t)/3))
		},
		func(g *generator) move { return p.does("withdraws", p.withdrawCall(g.t, p.balance(g.t)/3, g.heir)) },
	)
}

// staleAction waits too long.
func staleAction(g *generator) []maker {
	a := &g.actions[g.rng.IntN(len(g.actions))]
	late := func(by uint64) maker {
		return func(g *generator) move {
			ready := view(g.t, g.world, a.in.call(stakingmanager.ReadyAtCall(a.hash)), stakingmanager.DecodeReadyAt)
			return a.by.does("carries out an old action", a.call).atTime(ready + by)
		}
	}
	return []maker{
		func(g *generator) move {
			return g.ownerOf(a.in).does("schedules", a.in.call(stakingmanager.ScheduleCall(a.hash)))
		},
		late(14*24*3600 + 1), late(0),
	}
}

// pauses pauses and opens each contract, with an attempt between.
func pauses(g *generator) []maker {
	var out []maker
	tries := map[string]maker{"Faucet": claim, "StakingManager": stake, "JobManager": submitJob, "PrivacyRouter": deposit}
	for _, name := range pausable {
		c := g.named(name)
		act := func(call chain.Call) maker {
			return func(g *generator) move { return g.ownerOf(c).does("acts as an owner", call) }
		}
		open, shut := act(c.call(faucet.UnpauseCall())), act(c.call(faucet.PauseCall()))
		out = append(out, open, shut, shut, tries[name], open)
	}
	return out
}

// leavingValidator takes its bond back after its last epoch.
func leavingValidator(g *generator) []maker {
	p := g.validators[g.rng.IntN(len(g.validators))]
	out := func(g *generator) move {
		return p.does("takes its bond back", g.registry.call(validatorregistry.ReleaseCall()))
	}
	exit := func(g *generator) move { return p.does("exits", g.registry.call(validatorregistry.ExitCall())) }
	advance := func(early uint64) maker {
		return func(g *generator) move {
			start := view(g.t, g.world, g.registry.call(validatorregistry.EpochStartCall(g.epoch(g.t))), validatorregistry.DecodeEpochStart)
			return g.anyone().does("advances the epoch", g.registry.call(validatorregistry.AdvanceEpochCall())).atTime(start + 3600 - early)
		}
	}
	return []maker{out, exit, exit, out, advance(1), advance(0), out, out,
		func(g *generator) move { return p.does("registers as a validator", p.validateCall(g.t, sage(10_000))) }}
}

// faucetClaims claim until the faucet is empty or its cap reached.
func faucetClaims(g *generator) []maker {
	p := g.anyone()
	again := func(early uint64) maker {
		return func(g *generator) move {
			next := view(g.t, g.world, g.faucet.call(faucet.ClaimInfoCall(p.Address())), faucet.DecodeClaimInfo).NextClaim
			return p.does("claims", g.faucet.call(faucet.ClaimCall())).atTime(next - min(early, next))
		}
	}
	claims := func(g *generator) move { return g.anyone().does("claims", g.faucet.call(faucet.ClaimCall())) }
	more := func(g *generator) move {
		return g.stranger.does("refills the faucet", g.token.call(sagetoken.ApproveCall(g.faucet.address, largest)), g.faucet.call(faucet.RefillCall(u256(sage(1_000)))))
	}
	return []maker{again(0), again(1), again(0), claims, claims, more, claims, claims, claims, claims}
}

func withdrawals(g *generator) []maker {
	p, to := pick(g, g.clients[:]...), pick(g, g.workers[:]...)
	rollover := func(p *party) maker {
		return func(g *generator) move { return p.does("rolls over", p.rolloverCall(g.t)) }
	}
	return []maker{
		func(g *generator) move { return g.deposits(p, elgamal.Amount(1+g.rng.IntN(1_000))) },
		func(g *generator) move { return p.does("transfers units", p.transferCall(g.t, to, p.balance(g.t)/2)) },
		rollover(p), rollover(to),
		func(g *generator) move {
			return to.does("withdraws", to.withdrawCall(g.t, to.balance(g.t)/2, g.anyone()))
		},
		func(g *generator) move { return to.does("quits", to.ragequitCall(g.t, g.anyone())) },
		func(g *generator) move { return to.does("quits with nothing", to.ragequitCall(g.t, g.anyone())) },
	}
}

// flawedTransactions has one of every flaw.
func flawedTransactions(g *generator) []maker {
	var out []maker
	for f := flawless + 1; f < flaws; f++ {
		out = append(out, func(g *generator) move {
			p := g.anyone()
			if f == usedNonce {
				p = g.owner // others may not have used any
			}
			o := p.does("sends "+f.String(), g.token.call(sagetoken.TransferCall(g.anyone().Address(), u256(sage(1)))))
			o.flaw = f
			return o
		})
	}
	return out
}

// allowances are given, used up, and asked too much of.
func allowances(g *generator) []maker {
	p, from := pick(g, g.clients[:]...), pick(g, g.workers[:]...)
	take := func(amount int64) maker {
		return func(g *generator) move {
			return p.does("transfers from another", g.token.call(sagetoken.TransferFromCall(from.Address(), g.anyone().Address(), u256(sage(amount)))))
		}
	}
	return []maker{
		func(g *generator) move {
			return from.does("approves nobody", g.token.call(sagetoken.ApproveCall(chain.Felt{}, u256(sage(3)))))
		},
		func(g *generator) move {
			return from.does("approves", g.token.call(sagetoken.ApproveCall(p.Address(), u256(sage(3)))))
		},
		take(2), take(2), take(1),
		func(g *generator) move { return from.does("burns", g.token.call(sagetoken.BurnCall(u256(sage(1))))) },
		func(g *generator) move {
			return from.does("burns too much", g.token.call(sagetoken.BurnCall(u256(sage(1_000_000)))))
		},
	}
}

// intrusions call what only contracts may call, and what was called once for ever.
func intrusions(g *generator) []maker {
	var out []maker
	for _, f := range abi() {
		if _, ok := inner[f.contract+"."+f.name]; !ok {
			continue
		}
		out = append(out, func(g *generator) move {
			o := g.anyone().does("intrudes", g.somehow(f))
			for i, p := range f.params {
				// Where a number is expected that may be out of range, a small one never is.
				if p == "bitsage::interfaces::Outcome" {
					o.calls[0].Calldata[i] = chain.Uint(1)
				}
			}
			return o
		})
	}
	g.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// records are begun twice, and money is asked for that nobody proves to own.
func records(g *generator) []maker {
	p := pick(g, g.clients[:]...)
	start := func(g *generator) move {
		return p.does("begins a record", g.reputation.call(reputationmanager.InitializeCall()))
	}
	wrong := func(what string, call func(g *generator) chain.Call) maker {
		return func(g *generator) move {
			c := call(g)
			return p.does(what+" by a wrong proof", withArgument(c, len(c.Calldata)-1, chain.Uint(g.rng.Uint64())))
		}
	}
	return []maker{start, start,
		wrong("withdraws", func(g *generator) chain.Call { return p.withdrawCall(g.t, p.balance(g.t)/2, g.heir) }),
		wrong("quits", func(g *generator) chain.Call { return p.ragequitCall(g.t, g.heir) }),
		wrong("rolls over", func(g *generator) chain.Call { return p.rolloverCall(g.t) }),
		wrong("transfers", func(g *generator) chain.Call { return p.transferCall(g.t, g.workers[0], p.balance(g.t)/2) }),
	}
}

// sundries are small things that others leave out.
func sundries(g *generator) []maker {
	by := func(p *party, what string, calls ...chain.Call) maker {
		return func(g *generator) move { return p.does(what, calls...) }
	}
	out := []maker{
		by(g.workers[0], "increases its stake", g.staking.call(stakingmanager.IncreaseStakeCall(u256(sage(5)), 0))),
		by(g.stranger, "sends another's heartbeat", g.staking.call(stakingmanager.HeartbeatCall(g.workers[0].Address()))),
		by(g.stranger, "names another's peer", g.staking.call(stakingmanager.SetPeerCall(g.workers[0].Address(), "a stranger's peer"))),
		by(g.stranger, "transfers too much", g.token.call(sagetoken.TransferCall(g.heir.Address(), largest))),
		by(g.stranger, "refills nothing", g.faucet.call(faucet.RefillCall(u256(sage(0))))),
		by(g.stranger, "quits without an account", g.privacy.call(privacyrouter.RagequitCall(1, g.stranger.Address(), nil))),
		by(g.stranger, "withdraws without an account", g.privacy.call(privacyrouter.WithdrawCall(1, g.stranger.Address(), nil))),
		func(g *generator) move { return g.stranger.does("cancels another's job", g.work[0].cancelCall()) },
	}
	for _, a := range g.actions[:len(owned)] {
		out = append(out, by(g.stranger, "accepts what nobody offered", a.call))
	}
	return append(out, by(g.stranger, "advances the epoch", g.registry.call(validatorregistry.AdvanceEpochCall())),
		by(g.stranger, "advances the epoch again", g.registry.call(validatorregistry.AdvanceEpochCall())))
}
