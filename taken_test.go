package bitsage

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// crowded is a prover that sees how many inputs it is to commit to at once.
type crowded struct {
	Prover
	mu        sync.Mutex
	now, most int
}

func (c *crowded) Input(ctx context.Context, program proof.Program, input []byte, profile proof.Profile) (*prover.Input, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	time.Sleep(20 * time.Millisecond) // for others to come in, if they may
	return c.Prover.Input(ctx, program, input, profile)
}

// slowDisk is a store that says when it is written to, and waits.
type slowDisk struct {
	blob.Store
	entered, leave chan struct{}
}

func (d slowDisk) Put(kind blob.Kind, data []byte) (blob.ID, error) {
	d.entered <- struct{}{}
	<-d.leave
	return d.Store.Put(kind, data)
}

// offer returns what a client would send to a worker, which has not come to it.
func (w *world) offer(j Job, q Quote) wire.Offer {
	w.Helper()
	task, _, err := commit(w.Context(), w.client.prover, j.task(), j.Input)
	w.check(err)
	id := jobID(w.client.contract, w.client.account.Address(), task.ID())
	return wire.Offer{Job: id, Request: q.request, Task: task, Quote: q.quote}
}

// TestTaken has offers that were all admitted before the first of them is taken.
func TestTaken(t *testing.T) {
	w := newWorld(t, 0)
	prover := &crowded{Prover: w.worker.prover}
	w.worker.prover = prover
	w.start(w.worker)
	ctx, input := t.Context(), smallJob("").Input
	quote := func() Quote {
		quotes, err := w.client.Quotes(ctx, smallJob(""))
		w.check(err)
		return quotes[0]
	}
	admit := func(o wire.Offer) bool {
		t.Helper()
		held, err := w.worker.admit(ctx, o.Quote.Peer, o)
		require.NoError(t, err)
		return held
	}
	take := func(o wire.Offer) error { return w.worker.take(ctx, ctx, w.client.host.ID(), o, input) }

	q := quote()
	first, second := w.offer(smallJob("first"), q), w.offer(smallJob("second"), q)
	require.False(t, admit(first))
	require.False(t, admit(second))
	require.NoError(t, take(first))
	require.ErrorIs(t, take(second), errUsed, "two jobs for one quote")
	require.True(t, admit(first))

	var offers []wire.Offer
	for _, label := range []string{"a", "b", "c", "d"} {
		offers = append(offers, w.offer(smallJob(label), quote()))
	}
	var group sync.WaitGroup
	for _, o := range offers {
		group.Go(func() { w.worker.take(ctx, ctx, w.client.host.ID(), o, input) })
	}
	group.Wait()
	require.Len(t, w.worker.assignments(), 1+len(offers))
	require.Equal(t, 1, prover.most, "commitments at once")

	disk := slowDisk{w.worker.blobs, make(chan struct{}), make(chan struct{})}
	w.worker.blobs = disk
	last, done := w.offer(smallJob("last"), quote()), make(chan error, 1)
	go func() { done <- take(last) }()
	<-disk.entered
	require.False(t, admit(last), "a job that is not on the disk yet is accepted")
	close(disk.leave)
	go func() {
		for range disk.entered {
		}
	}()
	require.NoError(t, <-done)
	close(disk.entered)
	require.True(t, admit(last))
}

// TestStopping: a worker that finishes its jobs before it stops says so to whoever comes
// with another one, and fetches no input that it would not take.
func TestStopping(t *testing.T) {
	w := newWorld(t, 0)
	w.start(w.worker)
	quotes, err := w.client.Quotes(t.Context(), smallJob(""))
	w.check(err)
	w.worker.mu.Lock()
	w.worker.stopped = true
	w.worker.mu.Unlock()
	_, err = w.client.Quotes(t.Context(), smallJob(""))
	require.ErrorContains(t, err, errStopping.Error())
	j := smallJob("late")
	o := w.offer(j, quotes[0])
	_, err = w.worker.admit(t.Context(), w.client.host.ID(), o)
	require.ErrorIs(t, err, errStopping)
}
