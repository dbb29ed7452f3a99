package bitsage_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// Many jobs at once: a Client is safe for concurrent use, and its account hands out
// nonces. Equal jobs are one job, so each has a label of its own.
func Example_batch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network, err := bitsage.Local(ctx, bitsage.LocalConfig{Workers: 2, Validators: 1, Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer network.Close()
	client, err := network.NewClient(ctx, bitsage.SAGE(10))
	if err != nil {
		panic(err)
	}
	products := make([]uint32, 4)
	errs := make([]error, len(products))
	var group sync.WaitGroup
	for i := range products {
		group.Go(func() {
			job := bitsage.Job{
				Program: proof.MatMul(1, 1, 1), Input: []byte{byte(i), 7}, MaxFee: bitsage.SAGE(1), Label: strconv.Itoa(i),
			}
			products[i], errs[i] = product(ctx, client, job)
		})
	}
	group.Wait()
	fmt.Println(products, errs)

	total := bitsage.SAGE(0)
	for payment, err := range client.Payments(ctx) {
		if err != nil {
			panic(err)
		}
		if total, err = total.Add(payment.Amount); err != nil {
			panic(err)
		}
	}
	fmt.Println("for", total, "SAGE")
	// Output:
	// [0 7 14 21] [<nil> <nil> <nil> <nil>]
	// for 0.4 SAGE
}

// product runs a job whose output is one number.
func product(ctx context.Context, client *bitsage.Client, job bitsage.Job) (uint32, error) {
	submission, err := client.Submit(ctx, job)
	if err != nil {
		return 0, err
	}
	receipt, err := submission.Wait(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := receipt.Verify(ctx); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(receipt.Output), nil
}
