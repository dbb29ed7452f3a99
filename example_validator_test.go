package bitsage_test

import (
	"context"
	"fmt"
	"os"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A validator stakes, checks the proofs that workers submit, and votes. It keeps a journal
// in its Dir, without which a crash could make it vote both ways.
func ExampleValidator() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "validator")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	network, err := bitsage.Local(ctx, bitsage.LocalConfig{Validators: -1, Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer network.Close()
	account, err := network.NewAccount(ctx, bitsage.SAGE(10_000))
	if err != nil {
		panic(err)
	}
	validator, err := bitsage.NewValidator(bitsage.ValidatorConfig{
		Config: bitsage.Config{Network: network.Network, Account: account, Dir: dir, Logger: quiet},
	})
	if err != nil {
		panic(err)
	}
	if err := network.Start(ctx, validator); err != nil { // or validator.Run, which blocks
		panic(err)
	}

	client, err := network.NewClient(ctx, bitsage.SAGE(10))
	if err != nil {
		panic(err)
	}
	job, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1, 1, 1), Input: []byte{6, 7}, MaxFee: bitsage.SAGE(1)})
	if err != nil {
		panic(err)
	}
	for decision, err := range validator.Decisions(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(decision.Job == job.ID, decision.Valid)
		break
	}
	// Output:
	// true true
}
