// Package bitsage runs jobs on workers that prove what they computed.
//
// A [Client] submits a [Job]; a [Worker] checks that the job is the one the
// client committed to, executes it, proves the execution with a Circle STARK and
// verifies its own proof; the client gets a [Receipt] and believes nothing but
// the receipt: [Receipt.Verify] checks output and proof against each other,
// offline.
//
//	network := bitsage.NewNetwork()
//	worker, err := bitsage.NewWorker(bitsage.WorkerConfig{Config: bitsage.Config{Network: network}})
//	go worker.Run(ctx)
//	client, err := bitsage.NewClient(bitsage.Config{Network: network})
//	id, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1024, 1024, 1024), Input: ab})
//	receipt, err := client.Wait(ctx, id)
//	report, err := receipt.Verify()
//
// The network of this version lives in the memory of one process.
//
// What is proven is in package proof, how in package prover. A proof is sound to
// the number of bits in its report; it is not zero-knowledge.
package bitsage

import (
	"errors"
	"log/slog"
)

// Config is common to all roles.
type Config struct {
	// Network joins clients and workers. It is required.
	Network *Network
	// Logger receives what happens; nil means slog.Default(). Inputs and outputs
	// are never logged.
	Logger *slog.Logger
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

func (c Config) validate() error {
	if c.Network == nil {
		return errors.New("bitsage: Config.Network is nil: make one with NewNetwork and give it to clients and workers")
	}
	return nil
}
