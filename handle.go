package bitsage

import (
	"context"
	"iter"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

// Handle is a job in the hands of a client: the client's methods for one job. Whoever
// knows a job's identifier gets one from Client.Attach, also after a restart.
type Handle struct {
	ID     proof.JobID
	client *Client
}

// Attach returns a handle for a job, of this client or another. It asks nobody.
func (c *Client) Attach(id proof.JobID) *Handle { return &Handle{id, c} }

// Status is Client.Job.
func (h *Handle) Status(ctx context.Context) (JobStatus, error) { return h.client.Job(ctx, h.ID) }

// Watch is Client.Watch.
func (h *Handle) Watch(ctx context.Context) iter.Seq2[Event, error] {
	return h.client.Watch(ctx, h.ID)
}

// Wait is Client.Wait.
func (h *Handle) Wait(ctx context.Context) (*receipt.Receipt, error) { return h.client.Wait(ctx, h.ID) }

// Proof is Client.Proof.
func (h *Handle) Proof(ctx context.Context) (*proof.Proof, error) { return h.client.Proof(ctx, h.ID) }

// Cancel is Client.Cancel.
func (h *Handle) Cancel(ctx context.Context) error { return h.client.Cancel(ctx, h.ID) }

// Expire is Client.Expire.
func (h *Handle) Expire(ctx context.Context) error { return h.client.Expire(ctx, h.ID) }
