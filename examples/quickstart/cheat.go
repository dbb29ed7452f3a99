package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/staking"
)

// penaltyBPS is what an invalid proof costs, in ten-thousandths of the stake: see
// staking.OffenceInvalidProof.
const penaltyBPS = 1000

// penalty is what a forged proof came to. Amounts of stake are the worker's.
type penalty struct {
	Offence    staking.Offence      `json:"offence"`
	Bond       bitsage.Amount       `json:"bond_sage"`
	Before     bitsage.Amount       `json:"stake_before_sage"`
	Slashed    bitsage.Amount       `json:"slashed_sage"`
	Burned     bitsage.Amount       `json:"burned_sage"`
	Reward     bitsage.Amount       `json:"reward_sage"` // to a reporter
	After      bitsage.Amount       `json:"stake_after_sage"`
	Bonded     bitsage.Amount       `json:"bonded_after_sage"`
	Reputation uint16               `json:"reputation"`
	Payment    bitsage.PaymentState `json:"payment"`
	Refunded   bitsage.Amount       `json:"client_encrypted_sage"` // what the client's encrypted balance is in the end
	Earned     bitsage.Amount       `json:"worker_encrypted_sage"`
}

// due is the penalty by the rules: the table of tiers and the rate.
func due() (penalty, error) {
	stake := tier.Minimum()
	slashed, err := stake.Share(penaltyBPS)
	if err != nil {
		return penalty{}, err
	}
	return penalty{
		Offence: staking.OffenceInvalidProof, Bond: tier.Bond(),
		Before: stake, Slashed: slashed, Burned: slashed, After: stake.Excess(slashed),
		Reputation: staking.Record{}.After(staking.OutcomeSlashed, time.Now()).Points,
		Payment:    bitsage.Refunded, Refunded: deposit,
	}, nil
}

// check wants exactly what is due.
func (p penalty) check() error {
	want, err := due()
	if err != nil {
		return err
	}
	if p != want {
		return fmt.Errorf("the forged proof came to %+v, by the rules it is %+v", p, want)
	}
	return nil
}

// punish waits until the job is rejected, the worker slashed and the client refunded.
func (l *life) punish() error {
	_, err := l.client.Wait(l.ctx, l.report.Job)
	var rejected *bitsage.RejectedError
	worker := l.accounts["worker"].Address()
	switch {
	case err == nil:
		return errors.New("the validators did not notice that the proof is forged")
	case !errors.As(err, &rejected):
		return err
	case rejected.Worker != worker || rejected.Certificate == nil:
		return fmt.Errorf("the rejection names worker %s, not %s, or has no certificate", rejected.Worker, worker)
	}
	staked, err := one[stakingmanager.StakedEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	rejection, err := one[jobmanager.JobRejectedEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	slash, err := one[stakingmanager.SlashedEvent](l.ctx, l.history, "worker")
	if err != nil {
		return err
	}
	slashed, burned, err := l.slashed(slash.Tx)
	if err != nil {
		return err
	}
	stake, err := l.staking.Stake(l.ctx, worker)
	if err != nil {
		return err
	}
	reputation, err := l.staking.Reputation(l.ctx, worker)
	if err != nil {
		return err
	}
	p := &penalty{
		Offence: slashed.Offence, Bond: l.report.Bond, Before: sage(staked.Event.Amount), Slashed: slashed.Amount,
		Burned: burned, Reward: slashed.Reward, After: stake.Amount, Bonded: stake.Bonded, Reputation: reputation.Score,
	}
	l.report.Penalty = p
	l.end("slash", fmt.Sprintf("the worker's stake is %v - %v = %v SAGE, %v burned", p.Before, p.Slashed, p.After, p.Burned), rejection.Tx, slash.Tx)

	refunded, err := one[paymentrouter.RefundedEvent](l.ctx, l.history, "client")
	if err != nil {
		return err
	}
	l.end("refund", "the fee goes back, encrypted, to the client", refunded.Tx)
	return nil
}

// slashed reads from a transaction's receipt what the worker lost and how much of
// that was destroyed, which is transferred to nobody.
func (l *life) slashed(tx transaction) (s staking.Slashed, burned bitsage.Amount, err error) {
	hash, err := chain.ParseFelt(tx.Hash)
	if err != nil {
		return s, burned, err
	}
	receipt, err := l.Chain().TransactionReceipt(l.ctx, hash)
	if err != nil {
		return s, burned, err
	}
	changes, err := l.staking.Decode(receipt)
	if err != nil {
		return s, burned, err
	}
	for _, c := range changes {
		if change, ok := c.Change.(staking.Slashed); ok && c.Account == l.accounts["worker"].Address() {
			s = change
		}
	}
	token, err := l.Contracts().Address("SageToken")
	if err != nil {
		return s, burned, err
	}
	for _, e := range receipt.Events {
		if e.From != token {
			continue
		}
		event, err := sagetoken.DecodeEvent(e.Keys, e.Data)
		if err != nil {
			return s, burned, err
		}
		if t, ok := event.(sagetoken.TransferEvent); ok && t.To.IsZero() {
			burned = sage(t.Value)
		}
	}
	return s, burned, nil
}
