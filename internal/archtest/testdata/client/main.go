// Command client is a client and nothing else: what a program links that only has jobs done.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/wallet"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	account, err := wallet.NewAccount(wallet.GenerateKey(), wallet.ClassOpenZeppelin)
	if err != nil {
		return err
	}
	client, err := open(ctx, account, args)
	if err != nil {
		return err
	}
	return client.Close()
}

// open dials a description, or a node and the contracts of an address file.
func open(ctx context.Context, account *wallet.Account, args []string) (*bitsage.Client, error) {
	if len(args) == 1 {
		return bitsage.Dial(ctx, args[0], bitsage.Config{Account: account})
	}
	contracts, err := chain.LoadAddresses(args[1])
	if err != nil {
		return nil, err
	}
	node, err := chain.NewClient(args[0], chain.Options{ChainID: contracts.ChainID})
	if err != nil {
		return nil, err
	}
	network, err := bitsage.NewNetwork(bitsage.NetworkConfig{Chain: node, Contracts: contracts})
	if err != nil {
		return nil, err
	}
	return bitsage.NewClient(bitsage.Config{Network: network, Account: account})
}
