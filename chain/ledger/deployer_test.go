package ledger

import (
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger/internal/twin"
	"github.com/bitsage/bitsage/wallet"
)

// TestOldDeployer deploys a contract through the universal deployer of Cairo 0, which
// starknet.go calls, and finds it where package chain would have put it.
func TestOldDeployer(t *testing.T) {
	accounts, err := SeedAccounts(t.Name(), 2)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Open(Options{Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	class, public := wallet.ClassArgent.Hash(), accounts[1].PublicKey()
	d := chain.Deployment{Class: class, Salt: chain.Uint(3), Calldata: wallet.ClassArgent.Calldata(public)}
	call := d.Call()
	call.To = twin.OldDeployer()
	a := chain.NewAccount(l.Client(), accounts[0].Address(), accounts[0], chain.FeePolicy{})
	hash, err := a.Execute(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(t.Context(), hash); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Client().ClassHashAt(t.Context(), d.Address(), chain.AtLatest()); err != nil || got != class {
		t.Errorf("class %s, %v", got.String(), err)
	}
}
