// Package bitsage runs jobs on workers that prove what they computed, and pays the
// workers in amounts that nobody else can read.
//
// A [Client] submits a [Job] with the worker's fee, encrypted and in escrow; a
// [Worker] checks that the job is the one the client committed to, executes it,
// proves the execution with a Circle STARK and submits the proof; [Validator]s
// check the proof and sign votes, of which more than two thirds of their stake make
// a certificate; the certificate pays the worker or gives the fee back. The client
// gets a [receipt.Receipt] and believes nothing but the receipt: its Verify checks
// output, proof and certificate against each other, offline.
//
//	network, err := bitsage.Local(ctx, bitsage.LocalConfig{})
//	client, err := network.NewClient(ctx, bitsage.SAGE(10))
//	job, err := client.Submit(ctx, bitsage.Job{Program: proof.MatMul(1024, 1024, 1024), Input: ab, MaxFee: bitsage.SAGE(5)})
//	receipt, err := client.Wait(ctx, job.ID) // *RejectedError when a quorum said no
//	report, err := receipt.Verify(ctx)       // believe only the receipt
//
// What is owed, staked, proven and paid lives on a chain that speaks Starknet's RPC,
// see [Network]; [Local] is a whole network in one process, its chain included. Off the
// chain the roles reach each other over a [Transport].
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
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// Amount is an amount of SAGE, exact to 10^-18; the zero Amount is nothing. [SAGE] makes whole
// ones, money.Parse others, as of "0.5". Amounts that are paid or moved in encrypted form are
// whole numbers of thousandths of a SAGE.
type Amount = money.Amount

// SAGE returns n SAGE.
func SAGE(n uint64) Amount { return money.SAGE(n) }

// Transport is a network of peers, over which roles reach each other. Those who give one
// to a role close it, after the role.
type Transport interface {
	// Join adds a host whose identity is that of the key. It fails if such a host is
	// there already. ctx bounds the joining, not the life of the host, which the role closes.
	Join(ctx context.Context, key ed25519.PrivateKey) (transport.Host, error)
}

// Config is common to all roles.
type Config struct {
	// Network is the chain with its contracts, and who is known there. It is required.
	Network *Network
	// Transport carries messages. Nil is the memory of the process, where all roles of
	// one Network reach each other.
	Transport Transport
	// Account signs, and pays the chain's fees. It stands for Address, Signer and
	// PaymentKey, where these are not set.
	Account *wallet.Account
	// Address is the role's account on the chain, and Signer signs for it; both are
	// required without Account. The key may be elsewhere, as in hardware.
	Address chain.Felt
	Signer  wallet.Signer
	// PaymentKey is the key of the role's encrypted amounts; a validator has none. Zero
	// derives it from Account's private key, see PaymentKey.
	PaymentKey elgamal.SecretKey
	// Fees bounds the chain's fees. The zero value is for production: at most 100 STRK a
	// transaction.
	Fees chain.FeePolicy
	// Dir holds the role's journal, data and peer key; no two roles may share one. ""
	// keeps them in memory, which a Validator refuses: after a restart, a client and a
	// worker then know what the chain knows and no more, and are other peers.
	Dir string
	// Logger receives what happens; nil means slog.Default(). Keys, amounts, inputs
	// and outputs are never logged.
	Logger *slog.Logger
}

// validate checks what all roles need, and fills in what follows from Account.
func (c *Config) validate() error {
	if c.Network == nil {
		return errors.New("bitsage: Config.Network is nil: make one with NewNetwork or Local and give it to all roles")
	}
	if c.Signer == nil && c.Account != nil {
		c.Address, c.Signer = c.Account.Address(), c.Account
	}
	switch {
	case c.Signer == nil:
		return errors.New("bitsage: nobody signs: set Config.Account, or Config.Address and Config.Signer")
	case c.Address.IsZero():
		return errors.New("bitsage: Config.Address is zero: it is the account that Config.Signer signs for")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return nil
}

// paymentKey returns the key of the role's encrypted amounts.
func (c *Config) paymentKey() (elgamal.SecretKey, error) {
	if !c.PaymentKey.Public().Equal(elgamal.PublicKey{}) {
		return c.PaymentKey, nil
	}
	if c.Account == nil {
		return elgamal.SecretKey{}, errors.New("bitsage: Config.PaymentKey is missing: without Config.Account there is nothing to derive it from")
	}
	return PaymentKey(c.Account)
}

// account returns the role's account on the chain.
func (c *Config) account() *chain.Account { return c.Network.account(c.Address, c.Signer, c.Fees) }

// join joins the transport with the key in the role's folder.
func (c *Config) join(ctx context.Context) (transport.Host, error) {
	key, err := PeerKey(c.Dir)
	if err != nil {
		return nil, err
	}
	if c.Transport != nil {
		return c.Transport.Join(ctx, key)
	}
	return c.Network.memory.Join(ctx, key)
}
