package bitsage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
)

// Quote is what a worker asks for a job of a program and profile. Only the client
// that asked can read it, and the worker takes one job for it.
type Quote struct {
	Worker chain.Felt `json:"worker"` // address
	Fee    Amount     `json:"fee"`
	// Expiry is until when the job can be handed over. It must then be on the chain
	// and accepted by LockDeadline, and proven and judged by Deadline.
	Expiry       time.Time `json:"expiry"`
	LockDeadline time.Time `json:"lock_deadline"`
	Deadline     time.Time `json:"deadline"`

	request wire.QuoteRequest
	quote   wire.Quote
}

func (c *Client) newQuote(ctx context.Context, r wire.QuoteRequest, q wire.Quote) (Quote, error) {
	fee, err := c.contract.SAGE(ctx, q.Fee)
	return Quote{q.Worker, fee, time.Unix(q.Expiry, 0), time.Unix(q.LockDeadline, 0), time.Unix(q.Deadline, 0), r, q}, err
}

// The deadlines that a client asks for if the job has none. Workers quote earlier
// ones.
const (
	askLock = 15 * time.Minute
	askTime = 2 * time.Hour
)

// A client asks on until it has so many quotes within its fee, or has one when this time is
// over.
const (
	enoughQuotes  = 16
	quotePatience = 3 * time.Second
)

// Quotes asks the workers that the chain knows what a job costs, and returns the
// quotes within MaxFee, the cheapest first. They are told the program, not the input,
// which the job must have nevertheless. It fails with a *NoQuoteError if there are none.
func (c *Client) Quotes(ctx context.Context, job Job) ([]Quote, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	if err := c.join(ctx); err != nil {
		return nil, err
	}
	return c.quotes(ctx, &job, make(map[string]string))
}

// quotes notes in reasons why a worker gave no quote.
func (c *Client) quotes(ctx context.Context, job *Job, reasons map[string]string) ([]Quote, error) {
	now, err := c.contract.Clock(ctx)
	if err != nil {
		return nil, err
	}
	deadline := job.Deadline
	if deadline.IsZero() {
		deadline = now.Add(askTime)
	}
	lock := now.Add(min(askLock, deadline.Sub(now)/2))
	request, key, err := wire.NewQuoteRequest(wire.QuoteRequest{
		Domain: domain(c.contract), Client: c.account.Address(), Program: job.Program, Profile: job.Profile,
		LockDeadline: lock.Unix(), Deadline: deadline.Unix(),
	})
	if err != nil {
		return nil, err
	}
	workers, err := c.cfg.Network.directory.workers(ctx)
	if err != nil {
		return nil, err
	}
	peers := make([]transport.PeerID, len(workers))
	for i, j := range rand.Perm(len(workers)) { // so that no worker is always among the first
		peers[i] = transport.PeerID(workers[j].PeerID)
	}
	// Those who want too much are no reason to ask nobody else.
	signer := func(ctx context.Context, q wire.Quote) (chain.Felt, error) {
		switch asked, err := c.newQuote(ctx, request, q); {
		case err != nil:
			return chain.Felt{}, err
		case job.MaxFee.Less(asked.Fee):
			return chain.Felt{}, fmt.Errorf("wants %v SAGE", asked.Fee)
		}
		return c.registered(ctx, q)
	}
	given, failed := wire.AskQuotes(ctx, c.host, peers, request, key, signer, c.asking)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, w := range workers {
		if err := failed[transport.PeerID(w.PeerID)]; err != nil {
			reasons[w.Account.String()] = err.Error()
		}
	}
	quotes := make([]Quote, 0, len(given))
	for _, g := range given {
		q, err := c.newQuote(ctx, request, g)
		if err != nil {
			return nil, err
		}
		quotes = append(quotes, q)
	}
	if len(quotes) == 0 {
		return nil, &NoQuoteError{job.MaxFee, reasons}
	}
	return quotes, nil // as they came, the cheapest first
}

// registered returns the signing key of a quote's worker after comparing the quote
// with what the chain knows of it: it must take jobs, at this peer, have a valid
// stake, and be paid under the key of the quote.
func (c *Client) registered(ctx context.Context, q wire.Quote) (chain.Felt, error) {
	w, err := c.cfg.Network.staking.Worker(ctx, q.Worker)
	if err != nil {
		return chain.Felt{}, err
	}
	if !w.Active || w.PeerID != string(q.Peer) {
		return chain.Felt{}, errors.New("the worker takes no jobs, or not at this peer")
	}
	status, err := c.cfg.Network.staking.VerifyStake(ctx, q.Worker)
	if err != nil {
		return chain.Felt{}, err
	}
	if _, ok := status.(staking.Valid); !ok {
		return chain.Felt{}, status.Err()
	}
	key, err := c.contract.PaymentKey(ctx, q.Worker)
	if err == nil && !key.Equal(q.Key) {
		err = settle.ErrOtherKey
	}
	return w.SigningKey, err
}
