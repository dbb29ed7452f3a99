package ledger_test

import (
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts/deploy"
)

// TestDeployment runs the deployment of all contracts, as on a development network, twice.
func TestDeployment(t *testing.T) {
	accounts, err := ledger.SeedAccounts("deployment", 1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil {
		t.Fatal(err)
	}
	a := chain.NewAccount(l.Client(), accounts[0].Address(), accounts[0], chain.FeePolicy{})
	first, err := deploy.Run(t.Context(), a, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Contracts) != 9 || first.ChainID != ledger.DefaultChainID {
		t.Errorf("%+v", first)
	}
	head, err := l.Client().BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.Run(t.Context(), a, cfg); err != nil {
		t.Error(err)
	}
	if after, err := l.Client().BlockNumber(t.Context()); err != nil || after != head {
		t.Errorf("the second run made blocks: %d to %d, %v", head, after, err)
	}
}
