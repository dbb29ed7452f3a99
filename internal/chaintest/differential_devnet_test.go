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

// chunk is how many sequences the same chains see. Both keep all that ever happened on
// them in memory.
const chunk = 100

// TestDevnetDifferential compares a ledger with a real starknet-devnet:
//
//	go test -tags devnet -timeout 3h -run DevnetDifferential -v ./internal/chaintest -differential.seqs 1000
func TestDevnetDifferential(t *testing.T) {
	t.Logf("%d sequences of %d steps from seed %d", *differentialSeqs, *differentialSteps, *differentialSeed)
	coverage, end := new(Coverage), *differentialSeed+*differentialSeqs
	for seed := *differentialSeed; seed < end && !t.Failed(); seed += chunk {
		t.Run(fmt.Sprint("from ", seed), func(t *testing.T) {
			c := Comparison{First: ledgerSide(t, nil), Seed: seed, Sequences: min(chunk, end-seed), Steps: *differentialSteps,
				Fresh: func(t *testing.T) (a, b Side) { return ledgerSide(t, nil), devnetSide(t) }, Coverage: coverage}
			for range *differentialDevnets {
				c.Others = append(c.Others, devnetSide(t))
			}
			c.Run(t)
		})
	}
	t.Logf("\n%v", coverage)
	if missing := coverage.Missing(); *differentialSeqs >= 20 && missing != nil {
		t.Errorf("never done: %q", missing)
	}
}

// devnetSide starts a devnet.
func devnetSide(t *testing.T) Side {
	t.Helper()
	d := devnet.Test(t, devnet.Options{Accounts: 1, Args: []string{"--lite-mode"}})
	c := must(chain.Dial(t.Context(), d.URL(), chain.Options{ChainID: "SN_SEPOLIA", Poll: time.Millisecond, Backoff: time.Millisecond}))(t)
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
	return Side{Client: c, Owner: accounts[0], Cast: accounts[1:], Fees: chain.FeePolicy{Fixed: differentialBounds()},
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

// TestDevnetRegressions repeats the shortest sequences by which ledger and devnet were
// told apart before.
func TestDevnetRegressions(t *testing.T) {
	a, b := ledgerSide(t, nil), devnetSide(t)
	for i, tt := range []struct {
		name  string
		steps []step
	}{
		// The account slices the calldata of a call, and panics where it ends early.
		{"calldata that ends early", []step{{by: 7, flaw: shortCalldata,
			calls: []chain.Call{{To: chain.Uint(1), Selector: chain.Selector("transfer"), Calldata: []chain.Felt{chain.Uint(2)}}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seed := uint64(i + 1)
			for i := range tt.steps {
				tt.steps[i].time += began(seed)
			}
			if err := replay(t.Context(), a, b, seed, tt.steps); err != nil {
				t.Error(err)
			}
		})
	}
}
