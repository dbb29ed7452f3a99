package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"

	"example.org/thirdparty/lan"
)

// TestWorker has a job done by the worker, for a client that dials the description: everything
// between the two goes through HTTP, the chain as the messages.
func TestWorker(t *testing.T) {
	ctx := t.Context()
	peers := lan.New(nil)
	local, err := bitsage.Local(ctx, bitsage.LocalConfig{
		Workers: -1, Validators: 1, Logger: slog.New(slog.DiscardHandler),
		Validator: func(_ int, c *bitsage.ValidatorConfig) { c.Transport = peers },
	})
	check(t, err)
	defer local.Close()
	node := httptest.NewServer(local.Ledger().Handler())
	defer node.Close()
	data, err := json.Marshal(bitsage.Description{RPC: node.URL, Deployment: local.Contracts()})
	check(t, err)
	description := filepath.Join(t.TempDir(), "network.json")
	check(t, os.WriteFile(description, data, 0o600))

	operator, err := local.NewAccount(ctx, bitsage.SAGE(1000))
	check(t, err)
	hsm := &device{key: operator.Key()}
	dir := t.TempDir()
	payment, err := paymentKey(dir)
	check(t, err)
	network, err := bitsage.DialNetwork(ctx, description, nil)
	check(t, err)
	defer network.Close()
	worker, err := newWorker(network, peers, operator.Address(), hsm, payment, dir)
	check(t, err)
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(working) }()
	select {
	case <-worker.Ready():
	case err := <-ended:
		t.Fatal("the worker ended: ", err)
	}

	user, err := local.NewAccount(ctx, bitsage.SAGE(10))
	check(t, err)
	client, err := bitsage.Dial(ctx, description, bitsage.Config{Account: user, Transport: peers})
	check(t, err)
	defer client.Close()
	_, err = client.Deposit(ctx, bitsage.SAGE(5))
	check(t, err)
	job, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1, 2, 1), Input: []byte{3, 4, 5, 6}, MaxFee: bitsage.SAGE(5)})
	check(t, err)
	receipt, err := job.Wait(ctx)
	check(t, err)
	_, err = receipt.Verify(ctx)
	check(t, err)
	stop()
	check(t, <-ended)
	if receipt.Output[0] != 3*5+4*6 || hsm.signed.Load() == 0 {
		t.Errorf("output %v after %d signatures of the device", receipt.Output, hsm.signed.Load())
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
