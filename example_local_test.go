package bitsage_test

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

func multiply(ctx context.Context, program proof.Program, ab []byte) ([]byte, error) {
	network, err := bitsage.Local(ctx, bitsage.LocalConfig{})
	if err != nil {
		return nil, err
	}
	defer network.Close()
	client, err := network.NewClient(ctx, bitsage.SAGE(10))
	if err != nil {
		return nil, err
	}
	job, err := client.Submit(ctx, bitsage.Job{Program: program, Input: ab, MaxFee: bitsage.SAGE(1)})
	if err != nil {
		return nil, err
	}
	receipt, err := client.Wait(ctx, job.ID)
	if err != nil {
		return nil, err // a *bitsage.RejectedError when the validators said no
	}
	if _, err := receipt.Verify(ctx); err != nil { // believe only the receipt
		return nil, err
	}
	return receipt.Output, nil
}

// A whole network runs in this process: a ledger, a worker and four validators. It is the
// README's example.
func Example_local() {
	product, err := multiply(context.Background(), proof.MatMul(2, 2, 2), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		panic(err)
	}
	var c [4]int32
	if _, err := binary.Decode(product, binary.LittleEndian, &c); err != nil {
		panic(err)
	}
	fmt.Println(c)
	// Output:
	// [19 22 43 50]
}
