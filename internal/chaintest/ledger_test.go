package chaintest_test

import (
	"context"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/chaintest"
)

// TestLedger runs the suite on the ledger inside the process.
func TestLedger(t *testing.T) {
	accounts, err := ledger.SeedAccounts("chaintest", 1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{Accounts: accounts, Balance: strk(100_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := l.Dial(chain.Options{Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	owner := chain.NewAccount(c, accounts[0].Address(), accounts[0], chain.FeePolicy{})
	fund := func(ctx context.Context, address chain.Felt) error {
		b := sagetoken.TransferCall(address, u256(strk(10_000))) // STRK is an ERC-20 as well
		hash, err := owner.Execute(ctx, chain.Call{To: chain.STRK(), Selector: b.Selector, Calldata: b.Calldata})
		if err != nil {
			return err
		}
		_, err = owner.Wait(ctx, hash)
		return err
	}
	advance := func(_ context.Context, d time.Duration) error {
		l.Advance(d)
		return nil
	}
	chaintest.Run(t, network(t, owner, fund, advance))
}
