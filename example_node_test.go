package bitsage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/bitsage/bitsage"
)

// A client that finds its network by a description: a node of the chain, and where the
// contracts are. The node here is the local network's ledger, served over HTTP.
func ExampleDial() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network, err := judged(ctx, 1)
	if err != nil {
		panic(err)
	}
	node := httptest.NewServer(network.Ledger().Handler())
	defer node.Close()
	description, err := json.Marshal(bitsage.Description{RPC: node.URL, Deployment: network.Contracts()})
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "dial")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "network.json")
	if err := os.WriteFile(file, description, 0o600); err != nil {
		panic(err)
	}

	account, err := network.NewAccount(ctx, bitsage.SAGE(10))
	if err != nil {
		panic(err)
	}
	client, err := bitsage.Dial(ctx, file, bitsage.Config{Account: account, Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	if _, err := client.Deposit(ctx, bitsage.SAGE(3)); err != nil {
		panic(err)
	}
	balance, err := client.Balance(ctx)
	if err != nil {
		panic(err)
	}
	workers := 0
	for _, err := range client.Workers(ctx) {
		if err != nil {
			panic(err)
		}
		workers++
	}
	fmt.Println(balance.Available, "SAGE,", workers, "worker")
	// Output:
	// 3 SAGE, 1 worker
}
