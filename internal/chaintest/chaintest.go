// Package chaintest is the suite that every chain must pass on which the
// contracts run: public rules of money, tried from outside, over the RPC alone.
//
// Run plays the life of jobs on a fresh deployment, every way in which one can
// end, a refusal for everything that may not happen, and the attacks that
// payment systems like this one have fallen to. It knows all keys, and after
// every transaction it adds up all money there is.
//
// The files read as the parts of a specification: walk.go is the life of a job,
// endings.go how else it can end, refusals.go and the tables beside it who may
// not do what, attacks.go what was tried elsewhere, and confidential.go what the
// chain must not show.
package chaintest

import (
	"context"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/wallet"
)

// Network is a chain under test. The suite uses it alone.
type Network struct {
	// Client is connected with a node of the chain.
	Client *chain.Client
	// Contracts are deployed, configured and funded, and nothing else has
	// happened to them. The faucet has 10,000 SAGE to give.
	Contracts *chain.Addresses
	// Bare is a second deployment, in which no contract was configured. Its
	// faucet has a cap of 1,500 SAGE and is empty.
	Bare *chain.Addresses
	// Epoch is the length of the epochs of both.
	Epoch time.Duration
	// Owner owns and deployed both, and holds what there is of both tokens.
	Owner *chain.Account
	// Fees has bounds that suffice for every transaction, in Fixed.
	Fees chain.FeePolicy
	// Fund gives an address, at which there need not be an account yet, the means
	// to pay for hundreds of transactions.
	Fund func(ctx context.Context, address chain.Felt) error
	// NewAccount returns an account that is deployed and can pay, always another one.
	// Nil lets accounts of package wallet deploy themselves.
	NewAccount func(ctx context.Context) (*wallet.Account, error)
	// Advance moves the time of the following blocks on by whole seconds.
	Advance func(ctx context.Context, d time.Duration) error
}

// Run runs the suite. It takes minutes and leaves the deployment used up.
func Run(t *testing.T, n Network) {
	w := newWorld(t, n)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"hashes", hashes},
		{"walk", walk},
		{"endings", endings},
		{"refusals", refusals},
		{"attacks", attacks},
		{"confidentiality", confidentiality},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, w) })
	}
}
