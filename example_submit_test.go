package bitsage_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A client submits a product of two small matrices, a worker proves it, and the
// client checks the receipt.
func Example_submit() {
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
	a := []byte{1, 2, 3, 4}       // 2x2
	b := []byte{5, 6, 7, 256 - 8} // 2x2, the last entry is -8
	id, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(2, 2, 2), Input: append(a, b...)})
	if err != nil {
		panic(err)
	}
	receipt, err := client.Wait(ctx, id)
	if err != nil {
		panic(err)
	}
	report, err := receipt.Verify() // believe only the receipt
	if err != nil {
		panic(err)
	}
	var c [4]int32
	if _, err := binary.Decode(receipt.Output, binary.LittleEndian, &c); err != nil {
		panic(err)
	}
	fmt.Println(c)
	fmt.Println(report.Security.Unique, "bits proven")
	// Output:
	// [19 -10 43 -14]
	// 96 bits proven
}
