//go:build devnet

package chaintest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/devnet"
)

// TestDevnetDifferential compares a ledger with a real starknet-devnet:
//
//	go test -tags devnet -timeout 3h -run DevnetDifferential ./chain/chaintest -differential.seqs 1000
func TestDevnetDifferential(t *testing.T) {
	t.Logf("%d sequences of %d steps from seed %d", *differentialSeqs, *differentialSteps, *differentialSeed)
	a, b := devnetPair(t)
	for seed := *differentialSeed; seed < *differentialSeed+*differentialSeqs; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { Differential(t, a, b, seed, *differentialSteps, devnetPair) })
		if t.Failed() {
			break // what follows would differ for the same reason
		}
	}
}

// devnetPair is a ledger and a devnet.
func devnetPair(t *testing.T) (a, b Side) {
	t.Helper()
	d := devnet.Test(t, devnet.Options{Accounts: 1})
	c := must(chain.Dial(t.Context(), d.URL(), chain.Options{ChainID: "SN_SEPOLIA", Poll: 2 * time.Millisecond}))(t)
	t.Cleanup(c.Close)
	accounts := cast(t)
	for _, account := range accounts {
		if err := d.Mint(t.Context(), account.Address(), sage(10_000_000)); err != nil {
			t.Fatal(err)
		}
		self := chain.NewAccount(c, account.Address(), account, chain.FeePolicy{})
		hash := must(self.DeployAccount(t.Context(), must(chain.AccountDeployment(account))(t)))(t)
		must(self.Wait(t.Context(), hash))(t)
	}
	return ledgerSide(t, nil), Side{Client: c, Owner: accounts[0], Cast: accounts[1:], Fees: chain.FeePolicy{Fixed: differentialBounds()},
		SetTime: func(ctx context.Context, seconds uint64) error { return setDevnetTime(ctx, d, c, seconds) }}
}

// setDevnetTime sets the time that transactions see. It is that of the block that is being
// built, and another if a second of the machine's clock ends while it is set.
func setDevnetTime(ctx context.Context, d *devnet.Devnet, c *chain.Client, seconds uint64) error {
	for {
		if err := d.SetTime(ctx, time.Unix(int64(seconds), 0)); err != nil {
			return err
		}
		var building struct {
			Timestamp uint64 `json:"timestamp"`
		}
		err := c.Do(ctx, "starknet_getBlockWithTxHashes", map[string]any{"block_id": "pre_confirmed"}, &building)
		if err != nil || building.Timestamp == seconds {
			return err
		}
	}
}
