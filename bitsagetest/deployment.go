package bitsagetest

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/internal/testnet"
	"github.com/bitsage/bitsage/wallet"
)

// maxRoles bounds the roles of a network, whose accounts are deployed with it.
var maxRoles = map[string]int{client: 4, worker: 8, validator: 16}

// funds are what an account of a role has at first, in SAGE.
var funds = map[string]uint64{client: 1000, worker: 2000, validator: 10_000}

// accounts returns the accounts of all roles, and the funder. Nothing about them
// depends on a network's seed, so that equal jobs have equal proofs.
var accounts = sync.OnceValues(func() (map[string][]*wallet.Account, error) {
	all := make(map[string][]*wallet.Account)
	for role, n := range map[string]int{"funder": 1, client: maxRoles[client], worker: maxRoles[worker], validator: maxRoles[validator]} {
		var err error
		if all[role], err = ledger.SeedAccounts("bitsagetest "+role, n); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// genesis is when the contracts were deployed: when the time of a bubble of package
// synctest begins, so that a ledger's clock can follow that as well as the real one.
var genesis = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// deployment is a ledger's file with the contracts and the accounts.
type deployment struct {
	file      []byte
	contracts *chain.Addresses
}

// deployed makes the deployment, once in a process.
var deployed = sync.OnceValues(func() (*deployment, error) {
	dir, err := os.MkdirTemp("", "bitsagetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, path := new(deployment), filepath.Join(dir, "ledger")
	if err := d.make(path); err != nil {
		return nil, err
	}
	d.file, err = os.ReadFile(path)
	return d, err
})

func (d *deployment) make(path string) (err error) {
	all, err := accounts()
	if err != nil {
		return err
	}
	funder := all["funder"][0]
	everyone := []*wallet.Account{funder}
	for _, role := range []string{client, worker, validator} {
		everyone = append(everyone, all[role]...)
	}
	clock := testnet.NewClock(genesis)
	l, err := ledger.Open(ledger.Options{Accounts: everyone, File: path, Clock: clock.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	ctx, account := context.Background(), chain.NewAccount(l.Client(), funder.Address(), funder, chain.FeePolicy{})
	if d.contracts, err = testnet.Deploy(ctx, account, clock); err != nil {
		return err
	}
	token, err := d.contracts.Address("SageToken")
	if err != nil {
		return err
	}
	var calls []chain.Call
	for role, amount := range funds {
		for _, a := range all[role] {
			c, err := transfer(token, a.Address(), bitsage.SAGE(amount).Base())
			if err != nil {
				return err
			}
			calls = append(calls, c)
		}
	}
	tx, err := account.Execute(ctx, calls...)
	if err == nil {
		_, err = account.Wait(ctx, tx)
	}
	return err
}

func transfer(token, to chain.Felt, amount *big.Int) (chain.Call, error) {
	u, err := calldata.U256FromBig(amount)
	return sagetoken.TransferCall(to, u).At(token), err
}
