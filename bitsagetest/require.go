package bitsagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
)

// RequirePaid waits for a job to end and fails the test unless its worker was paid,
// once.
func (n *Network) RequirePaid(t TestingT, id proof.JobID) {
	t.Helper()
	n.requireEnd(t, id, bitsage.Released)
}

// RequireRefunded waits for a job to end and fails the test unless the fee went back to
// the client, once. A job whose deadline passes is made to expire.
func (n *Network) RequireRefunded(t TestingT, id proof.JobID) {
	t.Helper()
	n.requireEnd(t, id, bitsage.Refunded)
}

// RequireEnded waits for a job to end and fails the test unless the worker was paid
// once or the client refunded once. It returns which.
func (n *Network) RequireEnded(t TestingT, id proof.JobID) bitsage.PaymentState {
	t.Helper()
	return n.requireEnd(t, id, "")
}

// requireEnd waits for the end that is wanted, or for any.
func (n *Network) requireEnd(t TestingT, id proof.JobID, want bitsage.PaymentState) bitsage.PaymentState {
	t.Helper()
	limit := patience
	if n.virtual {
		limit = virtualPatience
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	end, err := n.payment(ctx, id)
	if err != nil {
		fatalf(t, "bitsagetest: job %v: %v", id, err)
	}
	if want != "" && end != want {
		fatalf(t, "bitsagetest: the fee of job %v was %s, want %s", id, end, want)
	}
	return end
}

// How long a job may take to end: longer than its deadlines, if time costs nothing.
const (
	patience        = 2 * time.Minute
	virtualPatience = 6 * time.Hour
)

// payment waits until a fee is where it stays, and checks that it came there once.
func (n *Network) payment(ctx context.Context, id proof.JobID) (bitsage.PaymentState, error) {
	f := *new(chain.Felt).SetBytes(id[:])
	if j, err := n.settle.Job(ctx, f); err != nil {
		return "", err
	} else if j.State == settle.None {
		return "", bitsage.ErrUnknownJob
	}
	if err := n.wait(ctx, id); err != nil {
		return "", err
	}
	for {
		p, err := n.settle.Payment(ctx, f)
		if err != nil {
			return "", err
		}
		if p.State.Ended() {
			break
		}
		if err := pause(ctx); err != nil {
			return "", fmt.Errorf("the fee stays %v: %w", p.State, err)
		}
	}
	b, err := n.read(ctx)
	switch {
	case err != nil:
		return "", err
	case b.released[f]+b.refunded[f] != 1:
		return "", fmt.Errorf("the fee was paid %d times and refunded %d times", b.released[f], b.refunded[f])
	case b.released[f] == 1:
		return bitsage.Released, nil
	}
	return bitsage.Refunded, nil
}

// wait waits until a job has ended, and has it expire when it is late. The node may
// fail meanwhile, or not know the job yet.
func (n *Network) wait(ctx context.Context, id proof.JobID) error {
	for {
		_, err := n.Client().Wait(ctx, id)
		var ended *bitsage.JobError
		if err == nil || errors.As(err, &ended) {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		n.log.Info("waiting for a job failed, trying again", "job", id, "error", err)
		if pause(ctx) != nil {
			return err
		}
	}
}

// pause waits a moment.
func pause(ctx context.Context) error {
	select {
	case <-time.After(virtualPoll):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// RequireSlashed fails the test unless a worker or validator has lost a part of its
// stake for an offence.
func (n *Network) RequireSlashed(t TestingT, role string) {
	t.Helper()
	a := n.Account(role)
	if a == nil {
		fatalf(t, "there is no %s", role)
	}
	b, err := n.read(t.Context())
	if err != nil {
		fatalf(t, "%v", err)
	}
	if _, ok := b.slashed[a.Address()]; !ok {
		fatalf(t, "%s was not slashed", role)
	}
}
