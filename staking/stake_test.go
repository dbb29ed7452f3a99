package staking

import (
	"errors"
	"testing"
	"time"

	"github.com/bitsage/bitsage/money"
)

var t0 = time.Unix(1_700_000_000, 0).UTC()

// one is the smallest unit.
func one(t *testing.T) money.Amount {
	t.Helper()
	a, err := money.Parse("0.000000000000000001")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestStatus(t *testing.T) {
	below, err := money.SAGE(1000).Sub(one(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		stake    Stake
		want     Status
		capacity uint64
	}{
		"none":            {Stake{}, Insufficient{Required: money.SAGE(1000)}, 0},
		"minimum":         {Stake{Amount: money.SAGE(1000), Tier: TierConsumer, LockedUntil: t0.Add(time.Second)}, Valid{money.SAGE(1000), TierConsumer, t0.Add(time.Second)}, 10},
		"one below":       {Stake{Amount: below, Tier: TierConsumer, LockedUntil: t0.Add(time.Hour)}, Insufficient{below, money.SAGE(1000)}, 0},
		"lock ends":       {Stake{Amount: money.SAGE(1000), Tier: TierConsumer, LockedUntil: t0}, Unlocked{}, 0},
		"lock ended":      {Stake{Amount: money.SAGE(1000), Tier: TierConsumer, LockedUntil: t0.Add(-time.Hour)}, Unlocked{}, 0},
		"below, ended":    {Stake{Amount: below, Tier: TierConsumer}, Insufficient{below, money.SAGE(1000)}, 0},
		"unbonding":       {Stake{Amount: money.SAGE(4999), Unbonding: money.SAGE(9000), Tier: TierDataCenter, LockedUntil: t0.Add(time.Hour)}, Insufficient{money.SAGE(4999), money.SAGE(5000)}, 0},
		"some bonded":     {Stake{Amount: money.SAGE(11_000), Bonded: money.SAGE(3500), Tier: TierEnterprise, LockedUntil: t0.Add(time.Hour)}, Valid{money.SAGE(11_000), TierEnterprise, t0.Add(time.Hour)}, 7},
		"all bonded":      {Stake{Amount: money.SAGE(1000), Bonded: money.SAGE(1000), Tier: TierConsumer, LockedUntil: t0.Add(time.Hour)}, Valid{money.SAGE(1000), TierConsumer, t0.Add(time.Hour)}, 0},
		"bonds above":     {Stake{Amount: money.SAGE(1350), Bonded: money.SAGE(1400), Tier: TierConsumer, LockedUntil: t0.Add(time.Hour)}, Valid{money.SAGE(1350), TierConsumer, t0.Add(time.Hour)}, 0},
		"validator":       {Stake{Amount: money.SAGE(10_000), Tier: TierValidator, LockedUntil: t0.Add(time.Hour)}, Valid{money.SAGE(10_000), TierValidator, t0.Add(time.Hour)}, 0},
		"what is no tier": {Stake{Amount: money.SAGE(1 << 40), Tier: 77, LockedUntil: t0.Add(time.Hour)}, Insufficient{money.SAGE(1 << 40), money.Max}, 0},
	} {
		got := c.stake.Status(t0)
		if got != c.want {
			t.Errorf("%s: %#v, want %#v", name, got, c.want)
		}
		if n := c.stake.Capacity(t0); n != c.capacity {
			t.Errorf("%s: %d jobs, want %d", name, n, c.capacity)
		}
		_, valid := got.(Valid)
		if err := got.Err(); (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
	}
	var short Insufficient
	if err := error(&Error{Op: "x", Code: ErrStakeNotValid, Err: Insufficient{below, money.SAGE(1000)}}); !errors.As(err, &short) || short.Current != below || !errors.Is(err, ErrStakeNotValid) {
		t.Error(err)
	}
}

func TestMayUnbond(t *testing.T) {
	base := Stake{Amount: money.SAGE(3000), Bonded: money.SAGE(500), Tier: TierConsumer, LockedUntil: t0}
	with := func(change func(*Stake)) Stake {
		s := base
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		stake  Stake
		amount uint64
		want   *Error
	}{
		"part":      {base, 2000, nil},
		"locked":    {with(func(s *Stake) { s.LockedUntil = t0.Add(time.Second) }), 100, &Error{Code: ErrLocked, Until: t0.Add(time.Second)}},
		"unbonding": {with(func(s *Stake) { s.Unbonding, s.UnbondingUntil = money.SAGE(1), t0.Add(9*time.Hour) }), 100, &Error{Code: ErrUnbonding, Until: t0.Add(9 * time.Hour)}},
		"bonded":    {base, 2501, &Error{Code: ErrBonded, Have: money.SAGE(2500), Need: money.SAGE(2501)}},
		"rest":      {base, 2001, &Error{Code: ErrBelowMinimum, Have: money.SAGE(999), Need: money.SAGE(1000)}},
		"above":     {with(func(s *Stake) { s.Bonded = money.SAGE(3001) }), 1, &Error{Code: ErrBonded, Need: money.SAGE(1)}},
		"too much":  {with(func(s *Stake) { s.Bonded = money.Amount{} }), 3001, &Error{Code: ErrBonded, Have: money.SAGE(3000), Need: money.SAGE(3001)}},
		"all":       {with(func(s *Stake) { s.Bonded = money.Amount{} }), 3000, nil},
	} {
		err := c.stake.mayUnbond("", money.SAGE(c.amount), t0)
		var got *Error
		if errors.As(err, &got) != (c.want != nil) || got != nil && (got.Code != c.want.Code || got.Have != c.want.Have || got.Need != c.want.Need || got.Until != c.want.Until) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestCheckLock(t *testing.T) {
	for _, c := range []struct {
		lock time.Duration
		want uint64
	}{
		{MinLock, 604_800}, {MinLock + time.Second - 1, 604_800}, {MaxLock, 126_144_000}, {MaxLock + time.Second - 1, 126_144_000},
		{MinLock - 1, 0}, {MaxLock + time.Second, 0}, {0, 0}, {-MinLock, 0},
	} {
		if got, err := checkLock("", c.lock); got != c.want || errors.Is(err, ErrLockDuration) != (c.want == 0) {
			t.Errorf("%v: %d, %v, want %d", c.lock, got, err, c.want)
		}
	}
}
