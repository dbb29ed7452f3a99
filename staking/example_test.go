package staking_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/staking"
)

// The tier of a GPU as its driver names it.
func ExampleParseTier() {
	for _, name := range []string{"NVIDIA H100 80GB HBM3", "Tesla T4", "workstation", "Voodoo 2"} {
		tier, err := staking.ParseTier(name)
		if errors.Is(err, staking.ErrUnknownTier) {
			fmt.Println(name, "is unknown")
			continue
		}
		fmt.Println(tier, tier.Minimum(), "SAGE, a job", tier.Bond())
	}
	// Output:
	// Enterprise 10000 SAGE, a job 1000
	// Consumer 1000 SAGE, a job 100
	// Workstation 2500 SAGE, a job 250
	// Voodoo 2 is unknown
}

// What a stake is good for at a time.
func ExampleStake_Status() {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	stake := staking.Stake{Amount: money.SAGE(11_000), Bonded: money.SAGE(2_000), LockedUntil: now.AddDate(0, 0, 30), Tier: staking.TierEnterprise}
	for _, at := range []time.Time{now, stake.LockedUntil} {
		switch s := stake.Status(at).(type) {
		case staking.Valid:
			fmt.Println("valid until", s.Until.Format(time.DateOnly), "for", stake.Capacity(at), "more jobs")
		case staking.Unlocked:
			fmt.Println(s.Err())
		case staking.Insufficient:
			fmt.Println("missing:", s.Required.Excess(s.Current))
		}
	}
	// Output:
	// valid until 2030-01-31 for 9 more jobs
	// staking: the lock of the stake has ended; lock it again by increasing it
}

// The fields of an error say what is missing.
func ExampleError() {
	var err error = &staking.Error{Op: "stake", Code: staking.ErrBalance, Have: money.SAGE(900), Need: money.SAGE(1000)}
	var e *staking.Error
	if errors.As(err, &e) && e.Code == staking.ErrBalance {
		fmt.Println("get", e.Missing(), "SAGE from the faucet")
	}
	// Output:
	// get 100 SAGE from the faucet
}

// A worker stakes and names its operator.
func ExampleStaker_Stake() {
	begin := func(ctx context.Context, client *chain.Client, deployment *chain.Addresses, cold *chain.Account, hot chain.Felt) error {
		contracts, err := staking.New(client, deployment)
		if err != nil {
			return err
		}
		staker := staking.NewStaker(contracts, cold)
		_, err = staker.Stake(ctx, money.SAGE(1000), staking.TierConsumer, staking.MinLock)
		if err != nil && !errors.Is(err, staking.ErrAlreadyStaked) {
			return err
		}
		_, err = staker.SetOperator(ctx, hot)
		return err
	}
	_ = begin
}
