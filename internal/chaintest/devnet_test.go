//go:build devnet

package chaintest_test

import (
	"context"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/chaintest"
	"github.com/bitsage/bitsage/internal/devnet"
)

// TestDevnet runs the suite on a real starknet-devnet:
//
//	go test -tags devnet -timeout 30m -run Devnet ./internal/chaintest
func TestDevnet(t *testing.T) {
	d := devnet.Test(t, devnet.Options{Seed: 11, Accounts: 1})
	c, err := chain.Dial(t.Context(), d.URL(), chain.Options{ChainID: "SN_SEPOLIA", Poll: 2 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	accounts, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fund := func(ctx context.Context, address chain.Felt) error { return d.Mint(ctx, address, strk(10_000)) }
	if err := fund(t.Context(), accounts[0].Address); err != nil {
		t.Fatal(err)
	}
	owner := chain.NewAccount(c, accounts[0].Address, accounts[0].Key, chain.FeePolicy{})
	chaintest.Run(t, network(t, owner, fund, d.IncreaseTime))
}
