package bitsage_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/wallet"
)

// The accounts of the examples are always the same, so that their jobs have the same
// proofs. The jobs' labels were chosen so that the proof of work is short.
const (
	validatorAccount = iota
	workerAccount
	clientAccount
)

// account returns one of the accounts with some SAGE.
func account(ctx context.Context, network *bitsage.Network, which int, balance bitsage.Amount) (*wallet.Account, error) {
	accounts, err := ledger.SeedAccounts("example", 3)
	if err != nil {
		return nil, err
	}
	return accounts[which], network.Fund(ctx, accounts[which], balance)
}

// judged runs a network with a validator in this process, until ctx ends.
func judged(ctx context.Context) (*bitsage.Network, error) {
	network, err := bitsage.NewNetwork(bitsage.NetworkConfig{Logger: quiet})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { network.Close() })
	dir, err := os.MkdirTemp("", "validator")
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { os.RemoveAll(dir) })
	account, err := account(ctx, network, validatorAccount, bitsage.SAGE(10_000))
	if err != nil {
		return nil, err
	}
	validator, err := bitsage.NewValidator(bitsage.ValidatorConfig{
		Config: bitsage.Config{Network: network, Account: account, Dir: dir, Logger: quiet},
	})
	if err != nil {
		return nil, err
	}
	go validator.Run(ctx)
	return network, nil
}

// join returns a client of a network with some SAGE.
func join(ctx context.Context, network *bitsage.Network) (*bitsage.Client, error) {
	account, err := account(ctx, network, clientAccount, bitsage.SAGE(10))
	if err != nil {
		return nil, err
	}
	return bitsage.NewClient(bitsage.Config{Network: network, Account: account, Logger: quiet})
}

// start runs a network with a worker and a validator in this process, until ctx
// ends, and returns a client with some SAGE.
func start(ctx context.Context) (*bitsage.Client, error) {
	network, err := judged(ctx)
	if err != nil {
		return nil, err
	}
	account, err := account(ctx, network, workerAccount, bitsage.SAGE(1000))
	if err != nil {
		return nil, err
	}
	worker, err := bitsage.NewWorker(bitsage.WorkerConfig{
		Config: bitsage.Config{Network: network, Account: account, Logger: quiet},
	})
	if err != nil {
		return nil, err
	}
	go worker.Run(ctx)
	client, err := join(ctx, network)
	if err != nil {
		return nil, err
	}
	return client, network.Ready(ctx)
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
	if err := client.Deposit(ctx, bitsage.SAGE(8)); err != nil {
		panic(err)
	}
	if err := client.Withdraw(ctx, bitsage.SAGE(3)); err != nil {
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
