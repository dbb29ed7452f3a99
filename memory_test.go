package bitsage

import (
	"errors"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/proof"
)

// TestQuoteMemory asks a worker with little memory for a small job and for one that does
// not fit, even when its prover keeps the least.
func TestQuoteMemory(t *testing.T) {
	w := newWorld(t, 1)
	cfg := WorkerConfig{Config: w.config(2000), Stake: SAGE(2000), MaxMemory: 2 << 20}
	cfg.Dir = t.TempDir()
	w.start(w.newWorker(cfg))
	small := smallJob("small")
	if _, err := w.client.Quotes(t.Context(), small); err != nil {
		t.Errorf("a small job: %v", err)
	}
	large := small
	large.Program = proof.MatMul(256, 256, 256)
	large.Input = make([]byte, large.Program.InputSize())
	var none *NoQuoteError
	_, err := w.client.Quotes(t.Context(), large)
	if !errors.As(err, &none) || len(none.Reasons) != 1 {
		t.Fatalf("a large job: %v, want a NoQuoteError", err)
	}
	for _, why := range none.Reasons {
		if !strings.Contains(why, "too little memory") || !strings.Contains(why, "2 MiB are available") {
			t.Errorf("the worker says %q", why)
		}
	}
}
