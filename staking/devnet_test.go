//go:build devnet

package staking

import (
	"errors"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/devnet"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// These tests run on a real starknet-devnet:
//
//	go test -tags devnet -run Devnet ./staking

// onDevnet starts a devnet.
func onDevnet(t *testing.T, accounts int, args ...string) *world {
	t.Helper()
	d := devnet.Test(t, devnet.Options{Accounts: accounts, Args: args})
	client, err := chain.Dial(t.Context(), d.URL(), chain.Options{ChainID: "SN_SEPOLIA", Poll: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var addresses []chain.Felt
	var keys []wallet.Signer
	for _, a := range list {
		addresses, keys = append(addresses, a.Address), append(keys, a.Key)
	}
	w := newWorld(t, client, addresses, keys)
	check := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w.pass = func(t *testing.T, by time.Duration) { t.Helper(); check(t, d.IncreaseTime(t.Context(), by)) }
	w.setTime = func(t *testing.T, at time.Time) { t.Helper(); check(t, d.SetTime(t.Context(), at)) }
	w.abort = func(t *testing.T, from uint64) { t.Helper(); check(t, d.AbortBlocks(t.Context(), from)) }
	w.createBlock = func() error { return d.CreateBlock(t.Context()) }
	return w
}

func TestDevnet(t *testing.T) {
	runScenarios(t, onDevnet(t, 16, "--state-archive-capacity", "full"))
}

func TestDevnetUncertain(t *testing.T) {
	scenarioUncertain(t, onDevnet(t, 3, "--block-generation-on", "demand"))
}

func TestDevnetDeployment(t *testing.T) {
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil {
		t.Fatal(err)
	}
	scenarioDeployment(t, onDevnet(t, 5), cfg)
}

// TestDevnetFullSet takes all places for validators.
func TestDevnetFullSet(t *testing.T) {
	const first = 2
	w := onDevnet(t, first+MaxValidators+1)
	w.deployAll(t)
	var fund []chain.Call
	for i := range MaxValidators + 1 {
		fund = append(fund, sagetoken.TransferCall(w.address(first+i), u256(money.SAGE(20_000))).At(w.token))
	}
	w.run(t, 0, fund...)
	for i := range MaxValidators + 1 {
		done(t)(w.staker(first+i).Stake(t.Context(), money.SAGE(20_000), TierValidator, MinLock))
	}
	for i := range MaxValidators { // the second is the smallest
		amount := money.SAGE(11_000)
		if i == 1 {
			amount = money.SAGE(10_500)
		}
		done(t)(w.staker(first+i).BondAsValidator(t.Context(), amount, w.keys[first+i]))
	}
	last := w.staker(first + MaxValidators)
	key := w.keys[first+MaxValidators]
	var rpc *chain.RPCError
	if _, err := last.BondAsValidator(t.Context(), money.SAGE(10_500), key); !errors.Is(err, ErrSetFull) || !errors.As(err, &rpc) {
		t.Errorf("%v", err)
	}
	done(t)(w.AdvanceEpoch(t.Context(), w.accounts[0]))
	e, err := w.CurrentEpoch(t.Context())
	if err != nil || len(e.Members) != MaxValidators || e.Weight != money.SAGE(63*11_000+10_500) || e.Members[1].Weight != money.SAGE(10_500) {
		t.Errorf("%d members of %v, %v", len(e.Members), e.Weight, err)
	}
	done(t)(last.BondAsValidator(t.Context(), money.SAGE(10_501), key))
	if v := w.validatorOf(t, first+1); v.Status != ValidatorLeaving || v.LastEpoch != 1 {
		t.Errorf("the smallest stake is still %v", v)
	}
}
