package bitsage_test

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A worker stakes, quotes its own price, proves what clients submit and claims what it
// was paid. When its context ends, it stops.
func ExampleWorker() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network, err := judged(ctx, -1) // with a validator
	if err != nil {
		panic(err)
	}
	account, err := account(ctx, network, workerAccount, bitsage.SAGE(1000))
	if err != nil {
		panic(err)
	}
	worker, err := bitsage.NewWorker(bitsage.WorkerConfig{
		Config: bitsage.Config{Network: network.Network, Account: account, Logger: quiet},
		Price:  func(bitsage.Estimate) bitsage.Amount { return bitsage.SAGE(2) },
	})
	if err != nil {
		panic(err)
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(working) }()
	<-worker.Ready()

	client, err := join(ctx, network)
	if err != nil {
		panic(err)
	}
	if _, err := client.Deposit(ctx, bitsage.SAGE(10)); err != nil {
		panic(err)
	}
	job, err := client.Submit(ctx, bitsage.Job{
		Program: proof.MatMul(1, 2, 1), Input: []byte{3, 4, 5, 6}, MaxFee: bitsage.SAGE(5), Label: "run 3525",
	})
	if err != nil {
		panic(err)
	}
	if _, err := job.Wait(ctx); err != nil {
		panic(err)
	}

	stop()
	if err := <-ended; err != nil {
		panic(err)
	}
	claim, err := worker.Claim(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("earned", claim.Amount, "SAGE")
	// Output:
	// earned 2 SAGE
}
