package bitsage

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
)

// TestResults keeps more results than there is room for, one of them for a time that has
// passed, in a folder that is opened again.
func TestResults(t *testing.T) {
	dir := t.TempDir()
	open := func() *results {
		rs, err := openResults(dir, 1000)
		if err != nil {
			t.Fatal(err)
		}
		return rs
	}
	rs := open()
	j := smallJob("")
	task := proof.Task{Program: j.Program, Profile: proof.Std, Inputs: make([]proof.Digest, 2)}
	add := func(n byte, d time.Duration) error {
		return rs.add(proof.JobID{n}, task, bytes.Repeat([]byte{n}, 100), bytes.Repeat([]byte{n, 0}, 100), time.Now().Add(d))
	}
	has := func(when string, want ...byte) {
		t.Helper()
		for n := range byte(10) {
			d, ok := rs.describe(proof.JobID{n})
			if ok != bytes.Contains(want, []byte{n}) {
				t.Errorf("%s: result %d: %v", when, n, ok)
			}
			if !ok {
				continue
			}
			if got, err := rs.blobs.Bytes(blob.ID{Kind: blob.Data, Digest: d.OutputHash}); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{n, 0}, 100)) {
				t.Errorf("%s: output %d: %v", when, n, err)
			}
		}
	}
	for n := range byte(3) {
		if err := errors.Join(add(n+1, time.Hour), add(n+1, time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	has("three", 1, 2, 3)
	if err := add(4, 0); err != nil {
		t.Fatal(err)
	}
	has("one too many", 2, 3, 4)
	if err := rs.close(); err != nil {
		t.Fatal(err)
	}
	rs = open()
	has("opened again", 2, 3)
	if err := rs.add(proof.JobID{5}, task, []byte{5}, make([]byte, 1001), time.Now().Add(time.Hour)); !errors.Is(err, blob.ErrFull) {
		t.Errorf("a result larger than the room: %v", err)
	}
	if err := add(6, time.Hour); err != nil {
		t.Fatal(err)
	}
	has("after the failure", 2, 3, 6)
	if err := rs.close(); err != nil {
		t.Fatal(err)
	}
}

// TestResultsOutlive has a job's client ask for the result when its worker is gone and
// the validators were restarted.
func TestResultsOutlive(t *testing.T) {
	w := newNetwork(t)
	w.populate(0)
	var stops []func()
	for range 3 {
		v := w.newValidator()
		w.check(v.Enlist(t.Context()))
		w.validators = append(w.validators, v)
	}
	for _, v := range w.validators {
		stops = append(stops, run(t, v))
	}
	stop := w.start(w.worker)
	id := w.submit(smallJob("small"))
	w.until(id, Done)
	stop()
	for i, v := range w.validators {
		stops[i]()
		again, err := NewValidator(v.cfg)
		w.check(err)
		run(t, again)
		<-again.Ready()
	}
	r, err := w.client.Wait(t.Context(), id)
	w.check(err)
	if _, err := r.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
