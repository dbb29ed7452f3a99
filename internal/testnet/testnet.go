// Package testnet deploys the contracts of a test network, whose contract
// ProofVerifier lists the profile proof.TestOnly besides those of real networks. That
// takes an owner who schedules it and, a day later, does it: no deployment has the
// profile by accident.
package testnet

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/proof"
)

// listedBits are the bits that ProofVerifier has for the profile: the least that jobs
// need. Proofs have nothing of the kind.
const listedBits = 60

// delay is how long an owner's action waits.
const delay = 24 * time.Hour

// Clock is the clock of a ledger while contracts are deployed on it.
type Clock struct{ at atomic.Int64 }

// NewClock returns a clock that shows the given time when Deploy has returned.
func NewClock(at time.Time) *Clock {
	c := new(Clock)
	c.at.Store(at.Add(-delay).Unix())
	return c
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time { return time.Unix(c.at.Load(), 0) }

// Deploy deploys all contracts on a ledger with the given clock and lists the profile.
func Deploy(ctx context.Context, account *chain.Account, clock *Clock) (*chain.Addresses, error) {
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil {
		return nil, err
	}
	contracts, err := deploy.Run(ctx, account, cfg)
	if err != nil {
		return nil, err
	}
	verifier, err := contracts.Address("ProofVerifier")
	if err != nil {
		return nil, err
	}
	return contracts, list(ctx, account, verifier, clock)
}

func list(ctx context.Context, account *chain.Account, verifier chain.Felt, clock *Clock) error {
	name, err := felt.ShortString(proof.TestOnly.String())
	if err != nil {
		return err
	}
	read := proofverifier.ProfileActionCall(name, listedBits)
	action, err := cairo.Read(ctx, account.Client(), chain.AtLatest(), verifier, read, proofverifier.DecodeProfileAction)
	if err != nil {
		return err
	}
	if err := execute(ctx, account, verifier, proofverifier.ScheduleCall(action)); err != nil {
		return err
	}
	clock.at.Add(int64(delay / time.Second))
	return execute(ctx, account, verifier, proofverifier.AddProfileCall(name, listedBits))
}

func execute(ctx context.Context, account *chain.Account, to chain.Felt, c cairo.Call) error {
	tx, err := account.Execute(ctx, c.At(to))
	if err == nil {
		_, err = account.Wait(ctx, tx)
	}
	return err
}
