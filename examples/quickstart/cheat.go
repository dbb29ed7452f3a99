package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/staking"
)

// due is what a forged proof comes to by the rules: a tenth of the worker's stake is burned.
func due() []fact {
	stake := tier.Minimum()
	penalty, _ := stake.Share(1000) // a tenth fits
	nothing := bitsage.Amount{}
	return []fact{
		{"bond", tier.Bond()}, {"offence", staking.OffenceInvalidProof}, {"stake", stake}, {"slashed", penalty},
		{"reward", nothing}, {"burned", penalty}, {"worker_staked", stake.Excess(penalty)}, {"bonded", nothing},
		{"reputation", staking.Record{}.After(staking.OutcomeSlashed, time.Now()).Points},
		{"payment", bitsage.Refunded}, {"client_encrypted", deposit}, {"worker_encrypted", nothing},
	}
}

// compare wants exactly what is due.
func (r *report) compare() error {
	for _, want := range due() {
		if got := r.value(want.name); got != want.value {
			return fmt.Errorf("of the forged proof came: %s %v, by the rules it is %v", want.name, got, want.value)
		}
	}
	return nil
}

// punish looks at what the rejection has cost the worker.
func (l *life) punish() error {
	if l.receipt != nil {
		return errors.New("the validators did not notice that the proof is forged")
	}
	worker := l.worker().Address()
	staked, _, err1 := changes[staking.Staked](l, worker, 1)
	slashed, txs, err2 := changes[staking.Slashed](l, worker, 1)
	left, err3 := l.staking.Stake(l.ctx, worker)
	reputation, err4 := l.staking.Reputation(l.ctx, worker)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	stake, slash := staked[0].Amount, slashed[0]
	l.facts(fact{"offence", slash.Offence}, fact{"stake", stake}, fact{"slashed", slash.Amount}, fact{"reward", slash.Reward},
		fact{"bonded", left.Bonded}, fact{"reputation", reputation.Score})
	l.end("slash", fmt.Sprintf("the worker's stake is %v - %v = %v SAGE", stake, slash.Amount, left.Amount), txs...)
	l.end("refund", "the fee goes back, encrypted, to the client", l.final)
	return nil
}
