package bitsage_test

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// Watch yields every state of a job once and in order, also to whoever comes later and
// knows no more than the job's identifier.
func ExampleClient_Watch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, err := start(ctx)
	if err != nil {
		panic(err)
	}
	if _, err := client.Deposit(ctx, bitsage.SAGE(10)); err != nil {
		panic(err)
	}
	job, err := client.Submit(ctx, bitsage.Job{
		Program: proof.MatMul(1, 1, 1), Input: []byte{6, 7}, MaxFee: bitsage.SAGE(1), Label: "run 1337",
	})
	if err != nil {
		panic(err)
	}
	for event, err := range job.Watch(ctx) {
		if err != nil {
			panic(err)
		}
		if event.State != bitsage.Proving { // the worker's word, not the chain's
			fmt.Println(event.State)
		}
	}
	// Output:
	// submitted
	// accepted
	// proven
	// done
}
