package bitsage_test

import (
	"context"
	"fmt"
	"os"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A client that was restarted needs the identifiers of its jobs alone: Attach gives their
// handles back, and Jobs lists what the chain knows. With its Dir it also goes on with a
// Submit that a crash cut short, with the same worker.
func ExampleClient_Attach() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network, err := judged(ctx, 1)
	if err != nil {
		panic(err)
	}
	account, err := account(ctx, network, clientAccount, bitsage.SAGE(10))
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	config := bitsage.Config{Network: network.Network, Account: account, Dir: dir, Logger: quiet}

	client, err := bitsage.NewClient(config)
	if err != nil {
		panic(err)
	}
	if _, err := client.Deposit(ctx, bitsage.SAGE(10)); err != nil {
		panic(err)
	}
	job, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1, 1, 1), Input: []byte{6, 7}, MaxFee: bitsage.SAGE(1)})
	if err != nil {
		panic(err)
	}
	id := job.ID // to be kept
	if err := client.Close(); err != nil {
		panic(err)
	}

	again, err := bitsage.NewClient(config)
	if err != nil {
		panic(err)
	}
	defer again.Close()
	receipt, err := again.Attach(id).Wait(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(receipt.Output)
	for status, err := range again.Jobs(ctx) {
		fmt.Println(status.ID == id, status.State, err)
	}
	// Output:
	// [42 0 0 0]
	// true done <nil>
}
