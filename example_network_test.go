package bitsage_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/bitsage/bitsage"
)

// start runs a network with a worker and a validator in this process, until ctx
// ends, and returns a client with some SAGE.
func start(ctx context.Context) (*bitsage.Client, error) {
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
	account, err := network.NewAccount(ctx, bitsage.SAGE(10_000))
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

	if account, err = network.NewAccount(ctx, bitsage.SAGE(1000)); err != nil {
		return nil, err
	}
	worker, err := bitsage.NewWorker(bitsage.WorkerConfig{
		Config: bitsage.Config{Network: network, Account: account, Logger: quiet},
	})
	if err != nil {
		return nil, err
	}
	go worker.Run(ctx)

	if account, err = network.NewAccount(ctx, bitsage.SAGE(10)); err != nil {
		return nil, err
	}
	client, err := bitsage.NewClient(bitsage.Config{Network: network, Account: account, Logger: quiet})
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
