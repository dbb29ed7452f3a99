package bitsage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRunOnce: a role that has run refuses to run again, in words and not by a panic.
func TestRunOnce(t *testing.T) {
	w := newWorld(t, 0)
	w.start(w.worker)()
	require.ErrorIs(t, w.worker.Run(t.Context()), errRan)
	v := w.newValidator()
	run(t, v)
	<-v.Ready()
	require.ErrorIs(t, v.Run(t.Context()), errRan)
}
