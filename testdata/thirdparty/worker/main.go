// Command worker proves jobs on the network of a description, with a key that stays in a
// device and over a transport of its own:
//
//	worker network.json peers.json keystore.json address dir
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/wallet"

	"example.org/thirdparty/lan"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: worker network.json peers.json keystore.json address dir, with the password in PASSWORD")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves the network of a description until ctx ends.
func run(ctx context.Context, description, addresses, keystore, account, dir string) error {
	address, err := chain.ParseFelt(account)
	if err != nil {
		return err
	}
	peers, err := lan.Load(addresses)
	if err != nil {
		return err
	}
	signer, err := openDevice(keystore)
	if err != nil {
		return err
	}
	payment, err := paymentKey(dir)
	if err != nil {
		return err
	}
	network, err := bitsage.DialNetwork(ctx, description, nil)
	if err != nil {
		return err
	}
	defer network.Close()
	worker, err := newWorker(network, peers, address, signer, payment, dir)
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

func newWorker(network *bitsage.Network, peers bitsage.Transport, address chain.Felt, signer wallet.Signer, payment elgamal.SecretKey, dir string) (*bitsage.Worker, error) {
	return bitsage.NewWorker(bitsage.WorkerConfig{
		Config: bitsage.Config{
			Network: network, Transport: peers, Address: address, Signer: signer, PaymentKey: payment, Dir: dir,
		},
		Price: func(bitsage.Estimate) bitsage.Amount { return bitsage.SAGE(2) },
	})
}
