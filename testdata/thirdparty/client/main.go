// Command client has two matrices multiplied on the network of a description:
//
//	client network.json peers.json keystore.json input.bin
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/wallet"

	"example.org/thirdparty/lan"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: client network.json peers.json keystore.json input.bin, with the password in PASSWORD")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, description, addresses, keystore, input string) error {
	account, err := wallet.LoadAccount(keystore, []byte(os.Getenv("PASSWORD")), wallet.ClassOpenZeppelin)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(input)
	if err != nil {
		return err
	}
	peers, err := lan.Load(addresses)
	if err != nil {
		return err
	}
	client, err := bitsage.Dial(ctx, description, bitsage.Config{Account: account, Transport: peers, Dir: "client"})
	if err != nil {
		return err
	}
	defer client.Close()
	job, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(64, 64, 64), Input: data, MaxFee: bitsage.SAGE(5)})
	if err != nil {
		return err
	}
	for event, err := range job.Watch(ctx) {
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, event.State)
	}
	receipt, err := job.Wait(ctx)
	if err != nil {
		return err
	}
	if _, err := receipt.Verify(ctx); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(receipt)
}
