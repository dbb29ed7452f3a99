package bitsage

import (
	"context"
	"iter"

	"github.com/bitsage/bitsage/prover"
)

// Client submits jobs and collects receipts. It is safe for concurrent use.
type Client struct {
	cfg    Config
	prover *prover.Prover
}

// NewClient returns a client.
func NewClient(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Client{cfg, prover.New(prover.Options{})}, nil
}

// Submit checks the job, commits to its input and queues it. A job with a wrong
// size, an entry out of range, or an unknown program or profile is refused here.
// Submit is idempotent: the identifier commits to the job, and an equal job
// (Label included) is the same job. The input must not be changed afterwards.
func (c *Client) Submit(ctx context.Context, job Job) (JobID, error) {
	if err := job.validate(); err != nil {
		return JobID{}, err
	}
	task, _, err := newTask(ctx, c.prover, job)
	if err != nil {
		return JobID{}, err
	}
	id := c.cfg.Network.submit(job, task)
	c.cfg.logger().Info("job submitted", "job", id, "program", job.Program, "profile", job.Profile)
	return id, nil
}

// Watch returns the job's events: every one, once and in order, from the first on,
// until the job has ended, ctx ends or the caller stops. The error is that of the
// stream; how the job ended is in its last event.
func (c *Client) Watch(ctx context.Context, id JobID) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for seq := 0; ; seq++ {
			ev, err := c.cfg.Network.event(ctx, id, seq)
			if !yield(ev, err) || err != nil || ev.State.Final() {
				return
			}
		}
	}
}

// Wait waits for the job to end and returns its receipt, or a *JobError. Call
// Verify on the receipt before relying on it.
func (c *Client) Wait(ctx context.Context, id JobID) (*Receipt, error) {
	for _, err := range c.Watch(ctx, id) {
		if err != nil {
			return nil, err
		}
	}
	r, err := c.cfg.Network.result(id)
	if err != nil {
		return nil, &JobError{id, err}
	}
	if r.Job != id {
		return nil, &JobError{id, &ReceiptError{"it is for another job"}}
	}
	return r, nil
}
