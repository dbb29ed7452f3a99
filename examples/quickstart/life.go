package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/bitsagetest"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/wallet"
)

// funds is what the client begins with, and deposit what it moves into its confidential
// balance, the most that it pays for the job. With the worker's, all begins with given.
var funds, deposit, given = bitsage.SAGE(1000), bitsage.SAGE(100), bitsage.SAGE(11_000)

// tier is the worker's, that of machines without a GPU, and validators how many there are.
const (
	tier       = staking.TierConsumer
	validators = 4
)

// quiet keeps the library's log out of the output.
var quiet = slog.New(slog.DiscardHandler)

// life is the life of one job, on a network in this process.
type life struct {
	*bitsage.LocalNetwork
	*report
	out     *printer
	opt     options
	staking *staking.Contracts
	account *wallet.Account // the client's
	client  *bitsage.Client
	job     *bitsage.Submission
	receipt *receipt.Receipt // nil if the proof was rejected
	final   transaction      // ended the job

	ctx  context.Context // ends with its cause when a role fails
	fail context.CancelCauseFunc
}

// live goes through the whole life of a job.
func live(ctx context.Context, opt options, out *printer) (*report, error) {
	l := &life{report: newReport(opt), opt: opt, out: out}
	err := l.run(ctx)
	return l.report, cmp.Or(err, l.close())
}

// run goes through all stages, from wallet to receipt, and leaves the network open.
func (l *life) run(ctx context.Context) error {
	l.ctx, l.fail = context.WithCancelCause(ctx)
	steps := []func() error{l.found, l.fund, l.submit, l.follow, l.judge}
	if l.opt.cheat {
		steps = append(steps, l.punish, l.balances, l.compare)
	} else {
		steps = append(steps, l.settle, l.balances, l.verify)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return cmp.Or(context.Cause(l.ctx), err) // a role that failed is the reason for other failures
		}
	}
	l.facts(fact{"total", l.last.Sub(l.began)})
	return nil
}

// close stops everything, and leaves no files.
func (l *life) close() (err error) {
	l.fail(context.Canceled)
	if l.client != nil {
		err = l.client.Close()
	}
	if l.LocalNetwork != nil {
		err = errors.Join(err, l.Close())
	}
	return err
}

// end ends a stage.
func (l *life) end(name, what string, txs ...transaction) {
	l.out.row(l.report.end(name, what, txs...))
}

// found makes the client's key and the network: worker and validators stake, register and
// begin the first epoch.
func (l *life) found() (err error) {
	class := wallet.ClassOpenZeppelin
	if l.account, err = wallet.ImportAccount(l.opt.mnemonic, "", class, class.Scheme(), 0); err != nil {
		return err
	}
	l.end("wallet", fmt.Sprintf("the client's account, from a mnemonic of %d words", l.opt.mnemonic.Words()))
	l.out.doing("deploying the contracts, staking and registering")
	cfg := bitsage.LocalConfig{Validators: validators, Logger: quiet}
	if l.opt.cheat {
		cfg.Worker = func(_ int, c *bitsage.WorkerConfig) {
			c.Prover = bitsagetest.Forge(bitsage.NewProver(prover.Options{}))
		}
	}
	if l.LocalNetwork, err = bitsage.Local(l.ctx, cfg); err != nil {
		return err
	}
	go l.watch()
	if l.staking, err = staking.New(l.Chain(), l.Contracts()); err != nil {
		return err
	}
	l.end("network", fmt.Sprintf("a ledger with %d contracts, a worker, %d validators", len(l.Contracts().Contracts), validators))
	return l.enlisted()
}

// watch ends everything when a role fails.
func (l *life) watch() {
	select {
	case <-l.Failed():
		l.fail(l.Err())
	case <-l.ctx.Done():
	}
}

// enlisted reads from the chain how worker and validators came there.
func (l *life) enlisted() error {
	stakes, staked, err1 := changes[staking.Staked](l, chain.Felt{}, 1+validators)
	_, worker, err2 := changes[staking.WorkerRegistered](l, chain.Felt{}, 1)
	_, others, err3 := changes[staking.ValidatorRegistered](l, chain.Felt{}, validators)
	epoch, begun, err4 := changes[staking.EpochAdvanced](l, chain.Felt{}, 1)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	of := make(map[staking.Tier]bitsage.Amount)
	for _, s := range stakes {
		of[s.Tier] = s.Amount
	}
	l.end("stake", fmt.Sprintf("worker %v SAGE, %d validators %v each", of[tier], validators, of[staking.TierValidator]), staked...)
	l.end("register", "worker with its payment key, validators with vote keys", append(worker, others...)...)
	l.end("epoch", fmt.Sprintf("number %d: %d validators, %v SAGE of stake", epoch[0].Epoch, epoch[0].Validators, epoch[0].Weight), begun...)
	return nil
}

func (l *life) worker() *bitsage.Worker { return l.Workers()[0] }

// changes waits for the first n changes of a kind to the stake of an account, zero for any.
func changes[C staking.Change](l *life, account chain.Felt, n int) (list []C, txs []transaction, err error) {
	for e, err := range l.staking.Events(l.ctx, account, 0) {
		if err != nil {
			return nil, nil, err
		}
		if c, ok := e.Change.(C); ok {
			list = append(list, c)
			txs = append(txs, transaction{reflect.TypeFor[C]().Name(), e.Tx.String(), e.Block.Number})
		}
		if len(list) == n {
			break
		}
	}
	return list, txs, nil
}

// fund deploys the client's account, and has the network's funder give it something.
func (l *life) fund() error {
	l.out.doing("deploying the client's account")
	tx, err := l.Fund(l.ctx, l.Funder(), l.account, funds)
	if err == nil {
		l.client, err = bitsage.NewClient(bitsage.Config{Network: l.Network, Account: l.account, Logger: quiet})
	}
	if err == nil {
		l.end("account", fmt.Sprintf("the network's funder gives the client %v SAGE, and STRK", funds), sent("Transfer", tx))
	}
	return err
}

// submit deposits SAGE and submits the job.
func (l *life) submit() error {
	l.out.doing("depositing")
	deposited, err := l.client.Deposit(l.ctx, deposit)
	if err != nil {
		return err
	}
	l.end("deposit", fmt.Sprintf("the client encrypts %v SAGE of its own", deposited.Amount), sent("Deposited", deposited))

	l.out.doing("asking for quotes, handing the input to the worker")
	job := bitsage.Job{Program: l.opt.program(), Input: l.opt.input(), Profile: l.opt.profile, MaxFee: deposit}
	if l.job, err = l.client.Submit(l.ctx, job); err != nil {
		return err
	}
	l.facts(fact{"job", l.job.ID}, fact{"input_bytes", len(job.Input)})
	l.end("submit", fmt.Sprintf("job %.10s…, its fee encrypted and in escrow", l.job.ID), sent("JobSubmitted", l.job.Transaction))
	return nil
}

// follow watches the job until it has ended.
func (l *life) follow() error {
	for ev, err := range l.job.Watch(l.ctx) {
		if err != nil {
			return err
		}
		switch ev.State {
		case bitsage.Accepted:
			bonds, _, err := changes[staking.BondLocked](l, l.worker().Address(), 1)
			if err != nil {
				return err
			}
			l.facts(fact{"bond", bonds[0].Amount})
			l.end("accept", fmt.Sprintf("the worker reads the fee and bonds %v SAGE of its stake", bonds[0].Amount), seen("JobAccepted", ev))
		case bitsage.Proving:
			l.out.doing("the worker proves: " + string(ev.Stage))
			l.proving(ev.Stage)
		case bitsage.Proven:
			l.proving("")
			l.end("prove", fmt.Sprintf("a STARK proof of %v", l.opt.program()))
			for _, p := range l.ProofStages {
				l.out.row(stage{Stage: "  " + string(p.Stage), Time: p.Time})
			}
			l.end("submit proof", "the worker signs result and proof", seen("ProofSubmitted", ev))
			l.out.doing("validators verify the proof and vote")
		case bitsage.Done:
			l.final = seen("JobFinalized", ev)
		case bitsage.Rejected:
			l.final = seen("JobRejected", ev)
		}
	}
	return nil
}

// judge gets the receipt, or learns by whose votes there is none.
func (l *life) judge() (err error) {
	var certificate *receipt.Certificate
	var rejected *bitsage.RejectedError
	switch l.receipt, err = l.job.Wait(l.ctx); {
	case err == nil:
		certificate = l.receipt.Certificate
	case errors.As(err, &rejected) && l.opt.cheat:
		certificate = rejected.Certificate
	default:
		return err
	}
	if certificate == nil {
		return errors.New("the certificate is not at hand")
	}
	votes, err := certificate.Count(l.Contracts().ChainID)
	if err == nil {
		l.facts(fact{"verdict", votes.Verdict.String()}, fact{"voters", votes.Voters}, fact{"voted", votes.Weight}, fact{"validators_stake", votes.Total})
		l.end("vote", fmt.Sprintf("%v by validators %v: %v of %v SAGE", votes.Verdict, votes.Voters, votes.Weight, votes.Total), l.final)
	}
	return err
}

// settle has the worker claim its fee.
func (l *life) settle() error {
	l.end("payment", "the fee is released, encrypted, to the worker", l.final)
	claim, err := l.worker().Claim(l.ctx)
	if err == nil {
		l.facts(fact{"claimed", claim.Amount})
		l.end("claim", fmt.Sprintf("the worker withdraws %v SAGE: the amount is public", claim.Amount), sent("Withdrawn", claim))
	}
	return err
}

// balances looks at what client and worker hold in the end, and at the sum of what is
// encrypted, which everybody sees: no SAGE may be made, or be gone but for a penalty.
func (l *life) balances() error {
	var payment bitsage.Payment
	for p, err := range l.client.Payments(l.ctx) {
		if err != nil {
			return err
		}
		payment = p
	}
	encrypted, err1 := l.client.Balance(l.ctx)
	earned, err2 := l.worker().Balance(l.ctx)
	client, err3 := l.staking.Balance(l.ctx, l.account.Address())
	worker, err4 := l.staking.Balance(l.ctx, l.worker().Address())
	stake, err5 := l.staking.Stake(l.ctx, l.worker().Address())
	privacy, err6 := l.Contracts().Address("PrivacyRouter")
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	pool, err := l.staking.Balance(l.ctx, privacy)
	if err != nil {
		return err
	}
	burned := given
	for _, a := range []bitsage.Amount{client, worker, stake.Amount, pool} {
		if burned, err = burned.Sub(a); err != nil {
			return fmt.Errorf("there are more than %v SAGE: %w", given, err)
		}
	}
	l.facts(fact{"fee", payment.Amount}, fact{"payment", payment.State}, fact{"client", client}, fact{"client_encrypted", encrypted.Total()},
		fact{"worker", worker}, fact{"worker_encrypted", earned.Total()}, fact{"worker_staked", stake.Amount},
		fact{"all_encrypted", pool}, fact{"burned", burned})
	l.end("balances", fmt.Sprintf("client %v SAGE and %v encrypted, worker %v and %v", client, encrypted.Total(), worker, earned.Total()))
	if !l.opt.cheat && !burned.IsZero() {
		return fmt.Errorf("%v SAGE of %v are gone", burned, given)
	}
	return nil
}

// verify has the client verify the receipt, and keep it.
func (l *life) verify() error {
	l.out.doing("verifying the receipt")
	begin := time.Now()
	report, err := receipt.Verifier{Roots: prover.New(prover.Options{})}.Verify(l.ctx, l.receipt)
	if err != nil {
		return err
	}
	s := report.Security
	l.facts(fact{"output_bytes", len(l.receipt.Output)}, fact{"proof_bytes", len(l.receipt.Proof)}, fact{"proof_hash", l.receipt.ProofHash},
		fact{"bits_proven_unique_decoding", s.Unique}, fact{"bits_proven_johnson_bound", s.Johnson},
		fact{"bits_conjectured", s.Conjectured}, fact{"bits_conjectured_list_decoding", s.ListDecoding}, fact{"verified_in", time.Since(begin)})
	l.end("receipt", fmt.Sprintf("verified offline by the client: %d bits proven", s.Proven()))
	if l.opt.out != "" {
		data, err := json.Marshal(l.receipt)
		if err == nil {
			err = os.WriteFile(l.opt.out, data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if l.opt.tamper {
		l.report.Refused, err = tamper(l.ctx, l.receipt, l.opt.input())
	}
	return err
}
