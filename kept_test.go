package bitsage

import (
	"sync/atomic"
	"testing"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// TestKept: the committed input of a job that was taken is proven from, not committed
// to again; that of a job taken meanwhile is not kept.
func TestKept(t *testing.T) {
	w := newWorld(t, 1)
	var trees atomic.Int64
	w.worker.prover = NewProver(prover.Options{Backend: newTap(func(operation string) {
		if operation == "Merkle" {
			trees.Add(1)
		}
	})})
	w.start(w.worker)
	w.worker.proving <- struct{}{} // no proof before both jobs are taken
	kept := func(id proof.JobID) bool {
		w.worker.mu.Lock()
		defer w.worker.mu.Unlock()
		a := w.worker.jobs[id]
		return a != nil && a.input != nil
	}
	first := w.order(w.worker, smallJob("small"))
	w.until(first, Accepted) // before the second, so that it is proven first
	second := w.order(w.worker, smallJob("second"))
	if !kept(first) || kept(second) {
		t.Errorf("kept: first %t, second %t", kept(first), kept(second))
	}
	before := trees.Load()
	<-w.worker.proving
	for _, id := range []proof.JobID{first, second} {
		if _, err := w.client.Wait(t.Context(), id); err != nil {
			t.Error(err)
		}
		if kept(id) {
			t.Errorf("%v: kept after the proof", id)
		}
	}
	// A proof makes three trees besides that of the input, and its check another one.
	if got := trees.Load() - before; got != 4+5 {
		t.Errorf("the worker made %d trees, want 4 for the first job and 5 for the second", got)
	}
	w.balances("0.2")
}

// TestKeptSize: the memory of an input is that of its columns, coefficients and their
// extension, and the largest one of the default profile that is common can be kept.
func TestKeptSize(t *testing.T) {
	program := proof.MatMul(1024, 1024, 1024)
	in, err := prover.New(prover.Options{}).Input(t.Context(), program, make([]byte, program.InputSize()), proof.MatMulP96)
	if err != nil {
		t.Fatal(err)
	}
	const columns = 66 * 4 << 15
	if got := in.Size(); got < (1+1+8)*columns || got > maxKept {
		t.Errorf("%d bytes, want %d to %d", got, (1+1+8)*columns, maxKept)
	}
}
