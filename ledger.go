package bitsage

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts/deploy"
)

// ledgerSeed is that of the embedded ledger's funder, whose key is no secret: it is
// of no use outside of the process.
const ledgerSeed = "bitsage"

// openLedger runs a ledger in this process with all contracts on it.
func (n *Network) openLedger(dir string) error {
	accounts, err := ledger.SeedAccounts(ledgerSeed, 1)
	if err != nil {
		return err
	}
	options := ledger.Options{Accounts: accounts}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		options.File = filepath.Join(dir, "ledger")
	}
	l, err := ledger.Open(options)
	if err != nil {
		return err
	}
	n.chain, n.funder, n.ledger = l.Client(), accounts[0], l.Close
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err == nil {
		// What the ledger has already is left as it is.
		n.contracts, err = deploy.Run(context.Background(), n.account(n.funder), cfg)
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return nil
}
