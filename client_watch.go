package bitsage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/transport"
)

// Watch returns the job's events from its submission on until it has ended, ctx ends
// or the caller stops: every state of the chain, once and in order, whenever Watch is
// called, and between them the stages of the proof as far as the worker tells them.
// A reorganisation of the chain repeats states. The error is that of the stream; how
// the job ended is in its last event.
func (c *Client) Watch(ctx context.Context, id proof.JobID) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := c.watch(ctx, id, yield); err != nil {
			yield(Event{}, err)
		}
	}
}

// maxEarly bounds what a worker can tell of a job that it has not accepted.
const maxEarly = 64

func (c *Client) watch(ctx context.Context, id proof.JobID, yield func(Event, error) bool) error {
	f, job, err := c.job(ctx, id)
	if err != nil {
		return err
	}
	if err := c.join(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	news, err := c.hear(ctx, id, job.Worker)
	if err != nil {
		return err
	}
	changes, failed := make(chan settle.Change), make(chan error, 1)
	go func() { failed <- forward(ctx, c.cfg.Network.follow().History(ctx, f), changes) }()
	state, next := State(""), uint32(0)
	var early []wire.Progress // heard before the chain's news that the job was accepted
	for {
		select {
		case change := <-changes:
			after := states[change.Event.State()]
			if after == "" || change.Undone {
				continue
			}
			state = after
			ev, err := c.event(ctx, id, state, &change)
			if err != nil {
				return err
			}
			if !yield(ev, nil) || state.Final() {
				return nil
			}
		case p := <-news:
			// A lower number is late, but for a worker that begins anew.
			if (p.Seq == 0 || p.Seq >= next) && len(early) < maxEarly {
				next = p.Seq + 1
				early = append(early, p)
			}
		case err := <-failed:
			return err
		}
		if state != Accepted {
			continue
		}
		for _, p := range early {
			if !yield(Event{Job: id, State: Proving, Stage: prover.Stage(p.Stage), Time: time.Now()}, nil) {
				return nil
			}
		}
		early = early[:0]
	}
}

// forward sends what a stream yields.
func forward[T any](ctx context.Context, stream iter.Seq2[T, error], to chan<- T) error {
	for v, err := range stream {
		if err != nil {
			return err
		}
		select {
		case to <- v:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

func (c *Client) event(ctx context.Context, id proof.JobID, s State, change *settle.Change) (Event, error) {
	block, err := c.cfg.Network.chain.Block(ctx, chain.AtNumber(change.Block.Number))
	if err != nil {
		return Event{}, err
	}
	fee, err := c.contract.FeeAfter(ctx, change.Tx, change.Job)
	if err != nil {
		return Event{}, err
	}
	return Event{Job: id, State: s, Time: block.Time, Block: change.Block.Number, Tx: change.Tx, Payment: paymentStates[fee]}, nil
}

// hear returns what the worker of a job tells of its proof, until ctx ends.
func (c *Client) hear(ctx context.Context, id proof.JobID, worker chain.Felt) (<-chan wire.Progress, error) {
	w, err := c.cfg.Network.staking.Worker(ctx, worker)
	if err != nil {
		return nil, err
	}
	news := make(chan wire.Progress, 16)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hearers[id] == nil {
		c.hearers[id] = make(map[chan wire.Progress]transport.PeerID)
	}
	c.hearers[id][news] = transport.PeerID(w.PeerID)
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.hearers[id], news)
		if len(c.hearers[id]) == 0 {
			delete(c.hearers, id)
		}
	})
	return news, nil
}

// tell hands a worker's news to those who watch the job, as far as they keep up.
func (c *Client) tell(from transport.PeerID, p wire.Progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for news, worker := range c.hearers[p.Job] {
		if worker != from {
			continue
		}
		select {
		case news <- p:
		default:
		}
	}
}

// Wait waits for the job to end and returns its receipt, checked against the chain.
// When a deadline passes it expires the job, so that the fee goes back. It fails with
// a *JobError around a *RejectedError, ErrExpired, ErrCancelled, or ErrUnavailable if
// the job is done but nobody hands out the result, which a later Wait may find; with
// ErrUnknownJob; or with the error of ctx, which leaves the job alone. Call Verify on
// the receipt before relying on it.
func (c *Client) Wait(ctx context.Context, id proof.JobID) (*receipt.Receipt, error) {
	expiring, cancel := context.WithCancel(ctx)
	defer cancel()
	go c.expireLate(expiring, id)
	var last State
	for ev, err := range c.Watch(ctx, id) {
		if err != nil {
			return nil, err
		}
		last = ev.State
	}
	cancel()
	r, err := c.result(ctx, id, last)
	if err != nil {
		return nil, &JobError{id, err}
	}
	return r, nil
}

// expireLate expires a job as soon as its deadline allows.
func (c *Client) expireLate(ctx context.Context, id proof.JobID) {
	for {
		f, job, err := c.job(ctx, id)
		if err == nil && job.State >= settle.Finalized {
			return
		}
		if now, err2 := c.contract.Now(ctx); err == nil && err2 == nil {
			deadline := job.Deadline
			if job.State == settle.Submitted {
				deadline = job.LockDeadline
			}
			if now.After(deadline) {
				err = c.contract.Expire(ctx, c.account, f)
			}
		}
		if err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("expiring", "job", id, "error", err)
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return
		}
	}
}

// result returns the receipt of a job that has ended, or the reason why there is
// none.
func (c *Client) result(ctx context.Context, id proof.JobID, last State) (*receipt.Receipt, error) {
	if err := last.err(); err != nil {
		return nil, err
	}
	f, job, err := c.job(ctx, id)
	if err != nil {
		return nil, err
	}
	certificate, err := c.certificate(ctx, f)
	if err != nil {
		c.cfg.Logger.Warn("no certificate", "job", id, "error", err)
	}
	if last == Rejected {
		return nil, &RejectedError{job.Worker, certificate}
	}
	r, err := c.fetch(ctx, id, f, &job)
	if err != nil {
		return nil, errors.Join(ErrUnavailable, err)
	}
	r.Certificate = certificate
	return r, nil
}

// certificate finds the votes that decided a job on the chain.
func (c *Client) certificate(ctx context.Context, id chain.Felt) (*receipt.Certificate, error) {
	r, ok := c.cfg.Network.follow().Job(id)
	if !ok || r.Certificate == nil {
		return nil, settle.ErrNoCertificate
	}
	votes, err := c.contract.Certificate(ctx, r.Certificate.Tx, r.Certificate.Fact)
	if err != nil {
		return nil, err
	}
	epoch, err := c.cfg.Network.staking.Epoch(ctx, votes.Epoch)
	if err != nil {
		return nil, err
	}
	if _, err := settle.ValidatorSet(epoch); err != nil {
		return nil, err
	}
	return newCertificate(votes, epoch)
}

// fetch gets output and proof of a job that is done, and compares them with what the
// chain has recorded.
func (c *Client) fetch(ctx context.Context, id proof.JobID, f chain.Felt, job *settle.Job) (*receipt.Receipt, error) {
	peers, err := c.cfg.Network.directory.results(ctx, c.host, job.Worker)
	if err != nil {
		return nil, err
	}
	task, err := fetchTask(ctx, c.host, peers, id, job)
	if err != nil {
		return nil, err
	}
	p, err := fetchProof(ctx, c.host, peers, job)
	if err != nil {
		return nil, err
	}
	r := &receipt.Receipt{
		Job: id, Origin: c.origin(job.Client), Task: task, Worker: job.Worker,
		ResultRoot: job.ResultRoot, ProofHash: job.ProofHash,
	}
	if r.Proof, err = p.Compress(); err != nil {
		return nil, err
	}
	r.Output, err = fetchOutput(ctx, c.host, peers, id, &task, r.ResultRoot)
	return r, err
}

// Proof returns the proof that the worker of a job has submitted, verified against what
// the chain knows of the job. The validators may not have judged it yet. It fails with
// ErrUnavailable if nobody hands it out, or there is none.
func (c *Client) Proof(ctx context.Context, id proof.JobID) (*proof.Proof, error) {
	if err := c.join(ctx); err != nil {
		return nil, err
	}
	_, job, err := c.job(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.ProofHash == (proof.Digest{}) {
		return nil, &JobError{id, fmt.Errorf("%w: it is %s, and no proof was submitted", ErrUnavailable, states[job.State])}
	}
	peers, err := c.cfg.Network.directory.results(ctx, c.host, job.Worker)
	if err != nil {
		return nil, err
	}
	task, err := fetchTask(ctx, c.host, peers, id, &job)
	if err != nil {
		return nil, &JobError{id, errors.Join(ErrUnavailable, err)}
	}
	p, err := fetchProof(ctx, c.host, peers, &job)
	if err != nil {
		return nil, &JobError{id, errors.Join(ErrUnavailable, err)}
	}
	if _, err := proof.Verify(task.Statement(id, job.ResultRoot), p, task.Profile); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *Client) origin(client chain.Felt) receipt.Origin {
	name, _ := felt.Text(c.contract.ChainID()) // it was made from a text
	return receipt.Origin{Chain: name, JobManager: c.contract.JobManager(), Client: client}
}
