package bitsage_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/wallet"
)

// The accounts of the examples are always the same, so that their jobs have the same
// proofs.
const (
	workerAccount = iota
	clientAccount
)

// account returns one of the accounts with some SAGE.
func account(ctx context.Context, network *bitsage.LocalNetwork, which int, balance bitsage.Amount) (*wallet.Account, error) {
	accounts, err := ledger.SeedAccounts("example", 2)
	if err != nil {
		return nil, err
	}
	_, err = network.Fund(ctx, network.Funder(), accounts[which], balance)
	return accounts[which], err
}

// judged runs a network with a validator in this process, until ctx ends.
func judged(ctx context.Context, workers int) (*bitsage.LocalNetwork, error) {
	network, err := bitsage.Local(ctx, bitsage.LocalConfig{Validators: 1, Workers: workers, Logger: quiet})
	if err == nil {
		context.AfterFunc(ctx, func() { network.Close() })
	}
	return network, err
}

// join returns a client of a network with some SAGE.
func join(ctx context.Context, network *bitsage.LocalNetwork) (*bitsage.Client, error) {
	account, err := account(ctx, network, clientAccount, bitsage.SAGE(10))
	if err != nil {
		return nil, err
	}
	return bitsage.NewClient(bitsage.Config{Network: network.Network, Account: account, Logger: quiet})
}

// start runs a network with a worker and a validator in this process, until ctx
// ends, and returns a client with some SAGE.
func start(ctx context.Context) (*bitsage.Client, error) {
	network, err := judged(ctx, 1)
	if err != nil {
		return nil, err
	}
	return join(ctx, network)
}

var quiet = slog.New(slog.DiscardHandler)

// A client's money is encrypted: deposits and withdrawals are public, fees are not.
func ExampleClient_Deposit() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, err := start(ctx)
	if err != nil {
		panic(err)
	}
	if _, err := client.Deposit(ctx, bitsage.SAGE(8)); err != nil {
		panic(err)
	}
	if _, err := client.Withdraw(ctx, bitsage.SAGE(3)); err != nil {
		panic(err)
	}
	balance, err := client.Balance(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(balance.Available, "SAGE")
	// Output:
	// 5 SAGE
}
