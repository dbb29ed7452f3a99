package bitsage_test

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A client submits a product of two small matrices, a worker proves it, a validator
// attests the proof, and the client checks the receipt.
func Example_submit() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, err := start(ctx) // a network in this process
	if err != nil {
		panic(err)
	}
	if _, err := client.Deposit(ctx, bitsage.SAGE(10)); err != nil {
		panic(err)
	}
	a := []byte{1, 2, 3, 4}       // 2x2
	b := []byte{5, 6, 7, 256 - 8} // 2x2, the last entry is -8
	job, err := client.Submit(ctx, bitsage.Job{
		Program: proof.MatMul(2, 2, 2), Input: append(a, b...), MaxFee: bitsage.SAGE(1), Label: "run 1417",
	})
	if err != nil {
		panic(err)
	}
	receipt, err := job.Wait(ctx) // *RejectedError when a quorum said no
	if err != nil {
		panic(err)
	}
	report, err := receipt.Verify(ctx) // believe only the receipt
	if err != nil {
		panic(err)
	}
	var c [4]int32
	if _, err := binary.Decode(receipt.Output, binary.LittleEndian, &c); err != nil {
		panic(err)
	}
	fmt.Println(c)
	fmt.Println(report.Security.Unique, "bits proven")
	for payment, err := range client.Payments(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(payment.Amount, "SAGE", payment.State)
	}
	// Output:
	// [19 -10 43 -14]
	// 96 bits proven
	// 0.1 SAGE released
}
