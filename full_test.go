package bitsage

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/p2p/blob"
)

// TestFull: a worker whose store is full goes on, and what it no longer hands out the
// validators do.
func TestFull(t *testing.T) {
	w := newWorld(t, 3)
	w.start(w.worker)
	w.worker.blobs = blob.NewMemory(64 << 10) // some results of these jobs, not all
	const jobs = 12
	for i := range jobs {
		id := w.submit(smallJob("full " + strconv.Itoa(i)))
		r, err := w.client.Wait(t.Context(), id)
		require.NoError(t, err)
		_, err = r.Verify(t.Context())
		require.NoError(t, err)
	}
	w.worker.mu.Lock()
	handed, signed := len(w.worker.results), len(w.worker.signed)
	w.worker.mu.Unlock()
	require.Less(t, handed, jobs, "is the store full?")
	require.Positive(t, handed)
	require.Equal(t, jobs, signed, "what was signed is forgotten")
	for i := range jobs {
		id := w.submit(smallJob("full " + strconv.Itoa(i))) // equal: the same job
		_, err := w.client.Wait(t.Context(), id)
		require.NoError(t, err)
	}
}
