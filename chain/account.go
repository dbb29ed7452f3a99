package chain

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/bitsage/bitsage/wallet"
)

// nonceTries is how often a transaction is made anew when its nonce is refused.
const nonceTries = 6

// Account sends transactions from one account contract of Cairo 1. It assigns the
// nonces of everything that is sent through it, so make one Account for an address
// and share it; other programs may use the same account, at the price of retries.
type Account struct {
	client  *Client
	address Felt
	signer  wallet.Signer
	fees    FeePolicy
	queue   *queue
}

// queue lets one transaction at a time get its nonce and be sent, so that nonces
// reach the node in order.
type queue struct {
	lock   chan struct{} // holds a token while a transaction is being sent
	nonces nonces        // used by whoever holds the token
	stale  atomic.Bool   // whether nonces must ask the chain
}

// NewAccount returns an account at an address, whose transactions the signer signs.
// It does no I/O.
func NewAccount(c *Client, address Felt, s wallet.Signer, fees FeePolicy) *Account {
	return &Account{c, address, s, fees, &queue{lock: make(chan struct{}, 1)}}
}

// Address returns the account's address.
func (a *Account) Address() Felt { return a.address }

// Client returns the client through which the account sends.
func (a *Account) Client() *Client { return a.client }

// WithFees returns the same account with another policy for fees. Both share their
// nonces.
func (a *Account) WithFees(p FeePolicy) *Account {
	b := *a
	b.fees = p
	return &b
}

// WithSigner returns the same account with another signer. Both share their nonces.
func (a *Account) WithSigner(s wallet.Signer) *Account {
	b := *a
	b.signer = s
	return &b
}

// Estimate returns what a transaction with these calls would use and cost now. It
// fails as Client.EstimateFee does, or with a *CalldataError.
func (a *Account) Estimate(ctx context.Context, calls ...Call) (Estimate, error) {
	calldata, err := Multicall(calls...)
	if err != nil {
		return Estimate{}, err
	}
	nonce, err := a.client.Nonce(ctx, a.address, AtPreConfirmed())
	if err != nil {
		return Estimate{}, err
	}
	return a.estimate(ctx, &InvokeTx{Envelope: Envelope{Nonce: nonce, Tip: a.fees.Tip}, From: a.address, Calldata: calldata})
}

// EstimateAll returns what transactions of the account would use and cost now if
// they were sent one after the other. It sets their nonces and tips, and leaves them
// unsigned. It fails as Client.EstimateFee does.
func (a *Account) EstimateAll(ctx context.Context, txs ...Transaction) ([]Estimate, error) {
	nonce, err := a.client.Nonce(ctx, a.address, AtPreConfirmed())
	if err != nil {
		return nil, err
	}
	for i, tx := range txs {
		env := tx.envelope()
		env.Nonce, env.Tip = nonce+uint64(i), a.fees.Tip
	}
	return a.estimateAll(ctx, txs...)
}

// Execute sends one transaction that makes the calls in order, all or none of them,
// and returns its hash as soon as it is accepted for execution; see Wait. Bounds
// come from an estimate, unless FeePolicy.Fixed is set.
//
// Concurrent calls are sent one after the other, each with the next nonce. A refused
// nonce is looked up and the transaction made anew, which is safe: it has not been
// accepted. On an *UncertainError, which is the only one beside which a hash is
// returned, it may have been, and the next Execute finds out which nonce is free.
func (a *Account) Execute(ctx context.Context, calls ...Call) (Felt, error) {
	calldata, err := Multicall(calls...)
	if err != nil {
		return Felt{}, err
	}
	return a.send(ctx, func(nonce uint64) Transaction {
		return &InvokeTx{Envelope: Envelope{Nonce: nonce, Tip: a.fees.Tip}, From: a.address, Calldata: calldata}
	})
}

// Wait is Client.Wait. If the transaction was dropped, the account looks its next
// nonce up before it sends again.
func (a *Account) Wait(ctx context.Context, hash Felt) (*Receipt, error) {
	r, err := a.client.Wait(ctx, hash)
	var dropped *DroppedError
	if errors.As(err, &dropped) {
		a.queue.stale.Store(true)
	}
	return r, err
}

// send makes, signs and sends a transaction.
func (a *Account) send(ctx context.Context, build func(nonce uint64) Transaction) (Felt, error) {
	if err := a.queue.acquire(ctx); err != nil {
		return Felt{}, err
	}
	defer a.queue.release()
	for try, denied := 1, false; ; try++ {
		hash, err := a.attempt(ctx, build, denied)
		if try == nonceTries || !nonceRefused(err) {
			return hash, err
		}
		denied = true
		if stop := a.client.clock.sleep(ctx, a.client.clock.random(backoff(a.client.opts.Backoff, try))); stop != nil {
			return Felt{}, errors.Join(stop, err)
		}
	}
}

// nonceRefused reports whether the nonce was wrong and the transaction was for
// certain not accepted.
func nonceRefused(err error) bool {
	var unclear *UncertainError
	return !errors.As(err, &unclear) && (errors.Is(err, ErrNonce) || errors.Is(err, ErrReplaceUnderpriced))
}

// attempt assigns a nonce and sends the transaction once. The caller holds the queue.
func (a *Account) attempt(ctx context.Context, build func(nonce uint64) Transaction, denied bool) (Felt, error) {
	nonces := &a.queue.nonces
	if a.queue.stale.Swap(false) {
		nonces.resync()
	}
	cached := nonces.current
	nonce, err := nonces.assign(ctx, a.client, a.address, denied)
	if err != nil {
		return Felt{}, err
	}
	tx := build(nonce)
	if err := a.prepare(ctx, tx); err != nil {
		return Felt{}, a.explain(ctx, err, nonce, cached || nonces.assumed)
	}
	return a.submit(ctx, tx)
}

// explain returns ErrNonce in place of err, which an estimate gave, if the nonce
// that it was made with was not the chain's and is wrong: another program has used the
// account, or an uncertain transaction was lost.
func (a *Account) explain(ctx context.Context, err error, nonce uint64, assumed bool) error {
	var code Code
	if !assumed || !errors.As(err, &code) {
		return err
	}
	a.queue.nonces.resync()
	if now, look := a.queue.nonces.assign(ctx, a.client, a.address, true); look != nil || now == nonce {
		return err
	}
	return errors.Join(ErrNonce, err)
}

// submit sends a signed transaction and records its nonce as used or not.
func (a *Account) submit(ctx context.Context, tx Transaction) (Felt, error) {
	nonces := &a.queue.nonces
	hash, err := a.client.Add(ctx, tx)
	var unclear *UncertainError
	switch {
	case err == nil:
		nonces.used(tx.envelope().Nonce, hash, a.client.clock.now(), false)
		return hash, nil
	case errors.As(err, &unclear):
		nonces.used(tx.envelope().Nonce, hash, a.client.clock.now(), true)
		return hash, err
	}
	nonces.resync()
	return Felt{}, err
}

// prepare sets the bounds of a transaction and signs it.
func (a *Account) prepare(ctx context.Context, tx Transaction) error {
	bounds, err := a.bounds(ctx, tx)
	if err != nil {
		return err
	}
	tx.envelope().Bounds = bounds
	return a.sign(ctx, tx)
}

func (a *Account) bounds(ctx context.Context, tx Transaction) (Bounds, error) {
	if a.fees.Fixed != nil {
		return *a.fees.Fixed, a.fees.check(*a.fees.Fixed)
	}
	e, err := a.estimate(ctx, tx)
	if err != nil {
		return Bounds{}, err
	}
	return a.fees.Bounds(e)
}

// estimate is estimateAll of one transaction.
func (a *Account) estimate(ctx context.Context, tx Transaction) (Estimate, error) {
	list, err := a.estimateAll(ctx, tx)
	if err != nil {
		return Estimate{}, err
	}
	return list[0], nil
}

// estimateAll signs transactions as queries and estimates them. It leaves them
// unsigned.
func (a *Account) estimateAll(ctx context.Context, txs ...Transaction) ([]Estimate, error) {
	for _, tx := range txs {
		env := tx.envelope()
		env.Bounds, env.Query = Bounds{}, true
		defer func() { env.Query, env.Signature = false, nil }()
		if err := a.sign(ctx, tx); err != nil {
			return nil, err
		}
	}
	return a.client.EstimateFees(ctx, txs...)
}

func (a *Account) sign(ctx context.Context, tx Transaction) error {
	chainID, err := a.client.chainID(ctx)
	if err != nil {
		return err
	}
	_, err = SignTransaction(ctx, tx, chainID, a.signer)
	return err
}

func (q *queue) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case q.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (q *queue) release() { <-q.lock }
