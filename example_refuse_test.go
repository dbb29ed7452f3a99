package bitsage_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A job that cannot be run, or paid, is refused at Submit, before any work.
func ExampleClient_Submit_refused() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, err := start(ctx)
	if err != nil {
		panic(err)
	}
	_, err = client.Submit(ctx, bitsage.Job{Program: proof.MatMul(2, 2, 2), Input: []byte{1, 2, 3}})
	fmt.Println(err)

	_, err = client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1, 1, 1), Input: []byte{6, 7}, MaxFee: bitsage.SAGE(1)})
	var short *bitsage.BalanceError
	if errors.As(err, &short) {
		fmt.Println("deposit", short.Missing(), "SAGE or more")
	}
	// Output:
	// proof: input of matmul int8 2x2x2: 3 bytes, want 8 (A 2x2, then B 2x2, 1 bytes an entry)
	// deposit 0.1 SAGE or more
}
