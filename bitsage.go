// Package bitsage runs jobs on workers that prove what they computed, and pays the
// workers in amounts that nobody else can read.
//
// A [Client] submits a [Job] with the worker's fee, encrypted and in escrow; a
// [Worker] checks that the job is the one the client committed to, executes it,
// proves the execution with a Circle STARK and submits the proof; [Validator]s
// check the proof and sign votes, of which more than two thirds of their stake make
// a certificate; the certificate pays the worker or gives the fee back. The client
// gets a [Receipt] and believes nothing but the receipt: [Receipt.Verify] checks
// output, proof and certificate against each other, offline.
//
//	network, err := bitsage.NewNetwork(bitsage.NetworkConfig{})
//	account, err := network.NewAccount(ctx, bitsage.SAGE(10))
//	client, err := bitsage.NewClient(bitsage.Config{Network: network, Account: account})
//	err = client.Deposit(ctx, bitsage.SAGE(10))
//	id, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1024, 1024, 1024), Input: ab, MaxFee: bitsage.SAGE(5)})
//	receipt, err := client.Wait(ctx, id) // *RejectedError when a quorum said no
//	report, err := receipt.Verify()      // believe only the receipt
//
// What is owed, staked, proven and paid lives on a chain that speaks Starknet's
// RPC, by default a ledger inside this process; see [Network].
//
// What is proven is in package proof, how in package prover. A proof is sound to
// the number of bits in its report; it is not zero-knowledge.
//
// # Crashes
//
// Every role may be killed at any time and started again with its Dir. It then asks
// the chain how far each job is and goes on from there: a fee is paid once or
// refunded once, and nobody signs two different things about one job.
package bitsage

import (
	"errors"
	"log/slog"

	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// Amount is an amount of SAGE.
type Amount = money.Amount

// SAGE returns n SAGE.
func SAGE(n uint64) Amount { return money.SAGE(n) }

// Config is common to all roles.
type Config struct {
	// Network joins the roles to each other and to a chain. It is required.
	Network *Network
	// Account signs, and pays the chain's fees. It is required.
	Account *wallet.Account
	// Dir holds the role's journal and data; no two roles may share one. "" keeps
	// them in memory, which a Validator refuses: after a restart, a client and a
	// worker then know what the chain knows and no more.
	Dir string
	// Logger receives what happens; nil means slog.Default(). Keys, amounts, inputs
	// and outputs are never logged.
	Logger *slog.Logger
}

func (c *Config) validate() error {
	switch {
	case c.Network == nil:
		return errors.New("bitsage: Config.Network is nil: make one with NewNetwork and give it to all roles")
	case c.Account == nil:
		return errors.New("bitsage: Config.Account is nil: take one of Network.NewAccount or of package wallet")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return nil
}
