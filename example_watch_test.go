package bitsage_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// Watch yields every event of a job once and in order.
func ExampleClient_Watch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := bitsage.Config{Network: bitsage.NewNetwork(), Logger: slog.New(slog.DiscardHandler)}
	worker, err := bitsage.NewWorker(bitsage.WorkerConfig{Config: cfg})
	if err != nil {
		panic(err)
	}
	go worker.Run(ctx)
	client, err := bitsage.NewClient(cfg)
	if err != nil {
		panic(err)
	}
	id, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1, 1, 1), Input: []byte{6, 7}, Profile: proof.Std})
	if err != nil {
		panic(err)
	}
	last := bitsage.State("")
	for event, err := range client.Watch(ctx, id) {
		if err != nil {
			panic(err)
		}
		if event.State != last {
			fmt.Println(event.State)
		}
		last = event.State
	}
	// Output:
	// queued
	// running
	// done
}
