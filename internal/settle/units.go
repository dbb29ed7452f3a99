package settle

import (
	"context"
	"fmt"
	"math/big"
	"sync"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/money"
)

// rate is what a unit of the encrypted amounts is worth, once a node has told. The contract
// sets it when it is deployed and never again, and its address commits to it.
type rate struct {
	mu    sync.Mutex
	units *big.Int // base units; nil is unknown
}

// known returns the rate, if it is known.
func (r *rate) known() (elgamal.Rate, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, err := elgamal.NewRate(r.units)
	return known, err == nil
}

// learn remembers what a node tells. Two that ask at once may hear two rates, of which one
// is a lie, and nobody knows which.
func (r *rate) learn(units *big.Int) (elgamal.Rate, error) {
	told, err := elgamal.NewRate(units)
	if err != nil {
		return told, fmt.Errorf("%w: %w", chain.ErrResponse, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.units != nil && r.units.Cmp(units) != 0 {
		return elgamal.Rate{}, fmt.Errorf("%w: a unit of the encrypted amounts was worth %v base units, now %v, and that never changes",
			chain.ErrResponse, r.units, units)
	}
	r.units = units
	return told, nil
}

// unitRate returns the rate, for which it asks the chain once.
func (c *Contracts) unitRate(ctx context.Context) (elgamal.Rate, error) {
	if known, ok := c.rate.known(); ok {
		return known, nil
	}
	units, err := cairo.Read(ctx, c.client, chain.AtPreConfirmed(), c.privacy, privacyrouter.RateCall(), privacyrouter.DecodeRate)
	if err != nil {
		return elgamal.Rate{}, err
	}
	return c.rate.learn(units.Big())
}

// Units returns an amount in the units in which amounts are encrypted. It fails with
// elgamal.ErrAmount if it is no whole number of them, or the error of asking the chain.
func (c *Contracts) Units(ctx context.Context, amount money.Amount) (elgamal.Amount, error) {
	r, err := c.unitRate(ctx)
	if err != nil {
		return 0, err
	}
	return r.Amount(amount.Base())
}

// SAGE returns what a number of the encrypted units is worth: the inverse of Units.
func (c *Contracts) SAGE(ctx context.Context, units elgamal.Amount) (money.Amount, error) {
	r, err := c.unitRate(ctx)
	if err != nil {
		return money.Amount{}, err
	}
	base, err := r.BaseUnits(units)
	if err != nil {
		return money.Amount{}, err
	}
	return money.FromBase(base)
}
