//go:build devnet

package bitsage

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/internal/devnet"
	"github.com/bitsage/bitsage/wallet"
)

// TestDevnet does on a real starknet-devnet, with the contracts in Cairo, what
// TestPaid does on the ledger:
//
//	go test -tags devnet -run TestDevnet .
func TestDevnet(t *testing.T) {
	d := devnet.Test(t, devnet.Options{})
	ctx := t.Context()
	rich, err := d.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t}
	funder, err := wallet.AccountAt(rich[0].Address, rich[0].Key)
	w.check(err)
	w.funder = funder
	w.check(d.Mint(ctx, rich[0].Address, new(big.Int).Mul(big.NewInt(1e6), big.NewInt(1e18))))
	c, err := chain.NewClient(d.URL(), chain.Options{Poll: 50 * time.Millisecond, Logger: logs()})
	w.check(err)
	cfg, err := deploy.Defaults(deploy.Devnet)
	w.check(err)
	contracts, err := deploy.Run(ctx, chain.NewAccount(c, funder.Address(), funder, chain.FeePolicy{}), cfg)
	w.check(err)
	w.network, err = NewNetwork(NetworkConfig{Chain: c, Contracts: contracts, Logger: logs()})
	w.check(err)
	t.Cleanup(func() {
		if err := errors.Join(w.network.Close()); err != nil {
			t.Error(err)
		}
	})
	w.keys, err = ledger.SeedAccounts("devnet", 8)
	w.check(err)
	w.populate(4)
	var f finished
	w.finish(&f)
	f.verify(t)
	if _, err := f.receipt.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
