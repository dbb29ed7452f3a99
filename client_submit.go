package bitsage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
)

// recordIntent is the one type of a client's records.
const recordIntent byte = 1

// intent is a job that the client is about to hand over and to pay. It is on the
// disk before either, so that a client that crashes in between goes on with the same
// worker. That it pays once is the chain's doing, where a task has one identifier.
type intent struct {
	Job     proof.JobID `json:"job"`
	Fee     Amount      `json:"fee"`
	Request []byte      `json:"request"` // encoded wire messages
	Quote   []byte      `json:"quote"`
}

func newIntent(id proof.JobID, q *Quote) (i intent, err error) {
	i = intent{Job: id, Fee: q.Fee}
	if i.Request, err = q.request.Encode(); err == nil {
		i.Quote, err = q.quote.Encode()
	}
	return i, err
}

// intended returns the quote of an intent.
func (c *Client) intended(ctx context.Context, i *intent) (Quote, error) {
	r, err := wire.DecodeQuoteRequest(i.Request)
	if err != nil {
		return Quote{}, err
	}
	q, err := wire.DecodeQuote(i.Quote)
	if err != nil {
		return Quote{}, err
	}
	return c.newQuote(ctx, r, q)
}

var errClientClosed = errors.New("bitsage: the client is closed")

// join opens the client's folder and joins the network, once. Joining may take long: whoever
// waits for another call of it does so no longer than their own context.
func (c *Client) join(ctx context.Context) error {
	select {
	case c.joining <- struct{}{}:
		defer func() { <-c.joining }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ctx.Done():
		return errClientClosed
	}
	switch {
	case c.ctx.Err() != nil:
		return errClientClosed
	case c.opened:
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	r, err := openRecords(c.cfg.Dir)
	if err != nil {
		return err
	}
	if err := c.open(ctx, r); err != nil {
		return errors.Join(err, r.close())
	}
	c.records, c.opened = r, true
	return nil
}

func (c *Client) open(ctx context.Context, r *records) (err error) {
	if err := r.replay(func(typ byte, data []byte) error {
		var i intent
		if typ != recordIntent {
			return fmt.Errorf("unknown type %d", typ)
		}
		if err := json.Unmarshal(data, &i); err != nil {
			return err
		}
		c.intents[i.Job] = i
		return nil
	}); err != nil {
		return err
	}
	var keep []record
	for id, i := range c.intents {
		if q, err := wire.DecodeQuote(i.Quote); err != nil || time.Now().After(time.Unix(q.Deadline, 0)) {
			delete(c.intents, id)
			continue
		}
		keep = append(keep, record{recordIntent, i})
	}
	if err := r.rewrite(keep); err != nil {
		return err
	}
	if c.host, err = c.cfg.join(ctx); err != nil {
		return err
	}
	err = errors.Join(
		wire.HandleProgress(c.host, c.tell),
		blob.Serve(c.host, c.inputs.bytes),
		c.cfg.Network.directory.serve(c.ctx, &c.running, c.host),
	)
	if err != nil {
		return errors.Join(err, c.host.Close())
	}
	return nil
}

// intend writes an intent down.
func (c *Client) intend(i intent) error {
	if err := c.records.put(recordIntent, i); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.intents[i.Job] = i
	return nil
}

// Submit hands a job over to a worker and puts the fee, encrypted, into escrow. It
// checks the job, takes the cheapest quote within MaxFee (or Job.Quote), has the
// worker fetch and acknowledge the input, and then sends one transaction. When it
// returns, the client may go offline for good.
//
// Submit is idempotent, also across crashes: the identifier commits to the job, an
// equal job (Label included) is the same job, and a job that the chain has already
// is left as it is. To try again after a bad end, change the Label. Errors are
// *NoQuoteError, *BalanceError, ErrExpired for a deadline that has passed, those of a
// job that cannot be run, as *proof.InputError, and those of packages chain and wallet.
func (c *Client) Submit(ctx context.Context, job Job) (*Submission, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	if err := c.join(ctx); err != nil {
		return nil, err
	}
	task, _, err := commit(ctx, c.prover, job.task(), job.Input)
	if err != nil {
		return nil, err
	}
	id := jobID(c.contract, c.account.Address(), task.ID())
	switch _, there, err := c.job(ctx, id); {
	case err == nil:
		return &Submission{Handle: c.Attach(id), Worker: there.Worker}, nil
	case !errors.Is(err, ErrUnknownJob):
		return nil, err
	}
	quote, err := c.handOver(ctx, id, &job, &task)
	if err != nil {
		return nil, err
	}
	r, err := c.pay(ctx, &task, quote)
	if err != nil {
		return nil, explain(err, quote.Fee)
	}
	c.mu.Lock()
	c.paid[id] = true
	c.mu.Unlock()
	c.cfg.Logger.Info("job submitted", "job", id, "program", job.Program, "profile", job.Profile, "worker", quote.Worker)
	return &Submission{c.Attach(id), quote.quote.Worker, newTransaction(r, quote.Fee)}, nil
}

// Submission is a job that was submitted.
type Submission struct {
	*Handle
	Worker chain.Felt // address
	// Transaction put the job on the chain and the fee, its amount, into escrow. It is
	// zero if the job was there already.
	Transaction Transaction
}

// handOver finds a worker that takes the job and has the input.
func (c *Client) handOver(ctx context.Context, id proof.JobID, job *Job, task *proof.Task) (*Quote, error) {
	quotes, err := c.chosen(ctx, id, job)
	if err != nil {
		return nil, err
	}
	reasons := make(map[string]string)
	for asked := len(quotes) > 0 && job.Quote != nil; ; asked = true {
		for _, q := range quotes {
			if err := c.affords(ctx, q.Fee); err != nil {
				return nil, err
			}
			err := c.offer(ctx, id, job, task, &q)
			if err == nil {
				return &q, nil
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			reasons[q.Worker.String()] = err.Error()
		}
		if asked {
			return nil, &NoQuoteError{job.MaxFee, reasons}
		}
		if quotes, err = c.quotes(ctx, job, reasons); err != nil {
			return nil, err
		}
	}
}

// affords fails with a *BalanceError if the confidential balance does not cover a
// fee: no worker is to wait for a job that cannot be paid.
func (c *Client) affords(ctx context.Context, fee Amount) error {
	b, err := c.money.Balance(ctx)
	if err == nil && b.Total().Less(fee) {
		err = &BalanceError{b.Total(), fee}
	}
	return err
}

// chosen returns the quote to take if that is settled: by the caller, or by an
// earlier Submit that did not come to its end.
func (c *Client) chosen(ctx context.Context, id proof.JobID, job *Job) ([]Quote, error) {
	if job.Quote != nil {
		return []Quote{*job.Quote}, nil
	}
	c.mu.Lock()
	i, ok := c.intents[id]
	c.mu.Unlock()
	if !ok || job.MaxFee.Less(i.Fee) {
		return nil, nil
	}
	q, err := c.intended(ctx, &i)
	if err != nil || !time.Now().Before(q.Expiry) {
		return nil, err
	}
	return []Quote{q}, nil
}

// offer writes the intent down and hands the job over to the worker of a quote.
func (c *Client) offer(ctx context.Context, id proof.JobID, job *Job, task *proof.Task, q *Quote) error {
	i, err := newIntent(id, q)
	if err != nil {
		return err
	}
	if err := c.intend(i); err != nil {
		return err
	}
	defer c.inputs.offer(q.quote.Peer, task, job.Input)()
	return wire.SendOffer(ctx, c.host, wire.Offer{Job: id, Request: q.request, Task: *task, Quote: q.quote})
}

// pay sends the job with its fee.
func (c *Client) pay(ctx context.Context, t *proof.Task, q *Quote) (*chain.Receipt, error) {
	return c.money.Submit(ctx, settle.Order{
		Task: t.ID(), Program: t.Program.ID(), Root: t.JobRoot, Profile: t.Profile.String(), Worker: q.quote.Worker,
		LockDeadline: uint64(q.quote.LockDeadline), Deadline: uint64(q.quote.Deadline), Fee: q.Fee,
	})
}
