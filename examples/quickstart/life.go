package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
)

// deposit is what the client moves into its confidential balance, and the most that
// it pays for the job.
var deposit = bitsage.SAGE(100)

// life is the life of one job.
type life struct {
	*network
	*timeline
	opt     options
	report  *report
	receipt *receipt.Receipt
}

// live goes through the whole life of a job.
func live(ctx context.Context, opt options, out *printer) (*report, error) {
	l := newLife(opt, out)
	err := l.run(ctx)
	if l.network != nil {
		err = errors.Join(err, l.close())
	}
	return l.report, err
}

func newLife(opt options, out *printer) *life {
	return &life{timeline: newTimeline(out), opt: opt, report: newReport(opt)}
}

// run goes through all stages, from wallets to the receipt, and leaves the network
// open.
func (l *life) run(ctx context.Context) error {
	l.out.line("job          %v, profile %v", l.opt.program(), l.opt.profile)
	if err := l.found(ctx); err != nil {
		return err
	}
	steps := []func() error{l.equip, l.enroll, l.submit, l.prove, l.judge}
	if l.opt.cheat {
		steps = append(steps, l.punish, l.balances)
	} else {
		steps = append(steps, l.pay, l.balances, l.verify)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	l.report.Stages, l.report.Total = l.stages, l.last.Sub(l.began)
	return nil
}

// found makes the accounts' keys and the ledger.
func (l *life) found(ctx context.Context) error {
	accounts, err := newAccounts(l.opt.mnemonic)
	if err != nil {
		return err
	}
	l.end("wallet", fmt.Sprintf("%d accounts derived from a mnemonic of %d words", len(accounts), l.opt.mnemonic.Words()))
	for _, name := range everyone {
		l.out.line("             %-12s %s", name, accounts[name].Address())
	}
	l.out.doing("deploying the contracts")
	if l.network, err = newNetwork(ctx, accounts); err != nil {
		return err
	}
	deployed, err := one[stakingmanager.ConfiguredEvent](l.ctx, l.history, "")
	if err != nil {
		return err
	}
	l.end("network", fmt.Sprintf("a ledger in this process with %d contracts", len(l.Contracts().Contracts)), deployed.Tx)
	return nil
}

// equip puts the accounts on the ledger and gives them SAGE.
func (l *life) equip() error {
	l.out.doing("deploying the accounts")
	if err := l.deploy(); err != nil {
		return err
	}
	txs, err := each[OwnerAddedEvent](l.ctx, l.history, everyone)
	if err != nil {
		return err
	}
	l.end("accounts", fmt.Sprintf("%d deployed, with STRK for fees from the network's funder", len(txs)), txs...)

	l.out.doing("taking SAGE from the faucet")
	missing, err := l.topUp()
	if err != nil {
		return err
	}
	if txs, err = each[sagetoken.TransferEvent](l.ctx, l.history, validators); err != nil {
		return err
	}
	l.end("funder", fmt.Sprintf("%v SAGE to each validator: the faucet's claim is less than its stake", missing), txs...)
	if err := l.claim(); err != nil {
		return err
	}
	if txs, err = each[faucet.ClaimedEvent](l.ctx, l.history, everyone); err != nil {
		return err
	}
	claimed, err := one[faucet.ClaimedEvent](l.ctx, l.history, "client")
	if err != nil {
		return err
	}
	l.end("faucet", fmt.Sprintf("%v SAGE claimed by each of %d accounts", sage(claimed.Event.Amount), len(txs)), txs...)
	return nil
}

// enroll has worker and validators stake and register, and the first epoch begin.
func (l *life) enroll() error {
	l.out.doing("staking and registering")
	if err := l.enlist(l.opt.cheat); err != nil {
		return err
	}
	staked, err := each[stakingmanager.StakedEvent](l.ctx, l.history, stakers)
	if err != nil {
		return err
	}
	worker, err := one[stakingmanager.StakedEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	first, err := one[stakingmanager.StakedEvent](l.ctx, l.history, validators[0])
	if err != nil {
		return err
	}
	l.end("stake", fmt.Sprintf("worker %v SAGE (%v), %d validators %v each",
		sage(worker.Event.Amount), worker.Event.Tier, len(validators), sage(first.Event.Amount)), staked...)
	registered, err := one[stakingmanager.WorkerRegisteredEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	key, err := one[privacyrouter.KeyRegisteredEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	txs, err := each[validatorregistry.ValidatorRegisteredEvent](l.ctx, l.history, validators)
	if err != nil {
		return err
	}
	l.end("register", "worker with its payment key, validators with their vote keys", append([]transaction{registered.Tx, key.Tx}, txs...)...)

	if err := l.vote(); err != nil {
		return err
	}
	epoch, err := one[validatorregistry.EpochAdvancedEvent](l.ctx, l.history, "")
	if err != nil {
		return err
	}
	l.end("epoch", fmt.Sprintf("number %d begins with %d validators, %v SAGE of stake",
		epoch.Event.Epoch, epoch.Event.Validators, sage(epoch.Event.TotalWeight)), epoch.Tx)
	return nil
}

// submit deposits SAGE and submits the job.
func (l *life) submit() error {
	l.out.doing("depositing")
	if _, err := l.client.Deposit(l.ctx, deposit); err != nil {
		return err
	}
	deposited, err := one[privacyrouter.DepositedEvent](l.ctx, l.history, "client")
	if err != nil {
		return err
	}
	l.end("deposit", fmt.Sprintf("the client encrypts %v SAGE of its own", deposit), deposited.Tx)

	l.out.doing("asking for quotes, handing the input to the worker")
	r := l.report
	job := bitsage.Job{Program: l.opt.program(), Input: l.opt.input(), Profile: l.opt.profile, MaxFee: deposit}
	submission, err := l.client.Submit(l.ctx, job)
	if err != nil {
		return err
	}
	r.Job, r.InputBytes = submission.ID, len(job.Input)
	return nil
}

// prove follows the job until its proof is on the chain.
func (l *life) prove() error {
	watch := stopwatch{out: l.out}
	defer func() { l.report.ProofStages = watch.times }()
	executed := func() {
		if l.stages[len(l.stages)-1].Stage == "accept" {
			l.end("execute", "the worker reads the input and multiplies")
		}
	}
	for ev, err := range l.client.Watch(l.ctx, l.report.Job) {
		if err != nil {
			return err
		}
		watch.event(ev)
		switch {
		case ev.State == bitsage.Submitted:
			job, err := one[jobmanager.JobSubmittedEvent](l.ctx, l.history, "client")
			if err != nil {
				return err
			}
			e, err := one[paymentrouter.PaymentEscrowedEvent](l.ctx, l.history, "client")
			if err != nil {
				return err
			}
			l.report.Escrow = newEscrow(e.Event)
			l.end("submit", fmt.Sprintf("job %.10s…, its fee in escrow as %s", ev.Job, short(l.report.Escrow.Fee[0])), job.Tx, e.Tx)
		case ev.State == bitsage.Accepted:
			e, err := one[jobmanager.JobAcceptedEvent](l.ctx, l.history, "worker")
			if err != nil {
				return err
			}
			l.report.Bond = sage(e.Event.Bond)
			l.end("accept", fmt.Sprintf("the worker decrypts the fee and bonds %v SAGE of its stake", l.report.Bond), e.Tx)
		case ev.State == bitsage.Proving && ev.Stage != prover.StageExecute:
			executed()
		case ev.State == bitsage.Proven:
			executed()
			l.end("prove", fmt.Sprintf("a STARK proof of %v", l.opt.program()))
			e, err := one[jobmanager.ProofSubmittedEvent](l.ctx, l.history, "worker")
			if err != nil {
				return err
			}
			l.end("submit proof", fmt.Sprintf("the worker signs result and proof 0x%x…", e.Event.ProofHash[:4]), e.Tx)
			return nil
		}
	}
	_, err := l.client.Wait(l.ctx, l.report.Job) // says why there is no proof
	return err
}

// judge waits for the validators' certificate.
func (l *life) judge() error {
	l.out.doing("validators verify the proof and vote")
	e, err := one[proofverifier.FactRegisteredEvent](l.ctx, l.history, "")
	if err != nil {
		return err
	}
	epoch, err := l.staking.Epoch(l.ctx, e.Event.Epoch)
	if err != nil {
		return err
	}
	v := vote{Verdict: e.Event.Verdict.String(), Weight: sage(e.Event.Weight), Total: epoch.Weight}
	for i, m := range epoch.Members {
		if e.Event.Bitmap>>i&1 == 1 {
			v.Voters = append(v.Voters, l.names[m.Account])
		}
	}
	slices.Sort(v.Voters)
	l.report.Vote = v
	l.end("vote", v.String(), e.Tx)
	return nil
}

// pay waits for the release of the fee, and has the worker claim it.
func (l *life) pay() error {
	var err error
	if l.receipt, err = l.client.Wait(l.ctx, l.report.Job); err != nil {
		return err
	}
	finalized, err := one[jobmanager.JobFinalizedEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	released, err := one[paymentrouter.PaymentReleasedEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	l.end("payment", "the fee is released, encrypted, to the worker", finalized.Tx, released.Tx)

	l.out.doing("claiming")
	claim, err := l.worker.Claim(l.ctx)
	if err != nil {
		return err
	}
	l.report.Claimed = claim.Amount
	withdrawn, err := one[privacyrouter.WithdrawnEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	l.end("claim", fmt.Sprintf("the worker withdraws %v SAGE, which makes the amount public", l.report.Claimed), withdrawn.Tx)
	return nil
}

// balances looks at what everybody holds.
func (l *life) balances() (err error) {
	r := l.report
	for p, err := range l.client.Payments(l.ctx) {
		if err != nil {
			return err
		}
		r.Fee, r.Payment = p.Amount, p.State
	}
	if r.Balances, err = l.holdings(); err != nil {
		return err
	}
	if r.Pool, err = l.pool(); err != nil {
		return err
	}
	c, w := r.Balances[0], r.Balances[1]
	l.end("balances", fmt.Sprintf("client %v SAGE and %v encrypted, worker %v and %v", c.Public, c.Decrypted, w.Public, w.Decrypted))
	if p := r.Penalty; p != nil {
		p.Payment, p.Refunded, p.Earned = r.Payment, c.Decrypted, w.Decrypted
		return p.check()
	}
	return nil
}

// verify has the client verify the receipt.
func (l *life) verify() (err error) {
	l.out.doing("verifying the receipt")
	if l.report.Receipt, err = verify(l.ctx, l.receipt); err != nil {
		return err
	}
	s := l.report.Receipt.Security
	l.end("receipt", fmt.Sprintf("verified offline by the client: %d bits proven", max(s.Unique, s.Johnson)))
	if !l.opt.tamper {
		return nil
	}
	l.report.Tampered, err = tamper(l.ctx, l.receipt, l.opt.input())
	return err
}
