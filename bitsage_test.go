package bitsage

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

func testConfig() Config {
	return Config{Network: NewNetwork(), Logger: slog.New(slog.DiscardHandler)}
}

// smallJob is quick to prove but for the proof of work.
func smallJob() Job {
	p := proof.MatMul(3, 2, 4)
	in := make([]byte, p.InputSize())
	for i := range in {
		in[i] = byte(37 * i)
	}
	return Job{Program: p, Input: in, Profile: proof.Std}
}

// goodReceipt is proven once for all tests that only look at it.
var goodReceipt = sync.OnceValues(func() (*Receipt, error) {
	cfg := testConfig()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w, err := NewWorker(WorkerConfig{Config: cfg})
	if err != nil {
		return nil, err
	}
	go w.Run(ctx)
	c, err := NewClient(cfg)
	if err != nil {
		return nil, err
	}
	id, err := c.Submit(ctx, smallJob())
	if err != nil {
		return nil, err
	}
	return c.Wait(ctx, id)
})

func receipt(t *testing.T) Receipt {
	t.Helper()
	r, err := goodReceipt()
	if err != nil {
		t.Fatal(err)
	}
	return *r
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func submit(t *testing.T, c *Client, j Job) JobID {
	t.Helper()
	id, err := c.Submit(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// start runs a worker and returns a function that stops it and waits.
func start(t *testing.T, cfg WorkerConfig) (stop func()) {
	t.Helper()
	w, err := NewWorker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestReceipt(t *testing.T) {
	r := receipt(t)
	rep, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if rep.Profile != proof.Std || rep.Security.Conjectured < 95 {
		t.Errorf("report %+v", rep)
	}
	if err := r.VerifyInput(smallJob().Input); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Receipt
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if _, err := back.Verify(); err != nil {
		t.Errorf("after JSON: %v", err)
	}
}

// TestReceiptTampered changes every part of a receipt. Each change must be
// refused as the worker's fault.
func TestReceiptTampered(t *testing.T) {
	changes := map[string]func(r *Receipt){
		"job":          func(r *Receipt) { r.Job[0] ^= 1 },
		"program":      func(r *Receipt) { r.Task.Program = proof.MatMul(3, 2, 5) },
		"dtype":        func(r *Receipt) { r.Task.Program = proof.MatMulOf(proof.M31, 3, 2, 4) },
		"profile":      func(r *Receipt) { r.Task.Profile = proof.Fast },
		"label":        func(r *Receipt) { r.Task.Label = "other" },
		"digest of A":  func(r *Receipt) { r.Task.DigestA[0] ^= 1 },
		"digest of B":  func(r *Receipt) { r.Task.DigestB[0] ^= 1 },
		"job root":     func(r *Receipt) { r.Task.JobRoot[0] ^= 1 },
		"result root":  func(r *Receipt) { r.ResultRoot[0] ^= 1 },
		"output":       func(r *Receipt) { r.Output = flip(r.Output, 0) },
		"proof":        func(r *Receipt) { r.Proof = flip(r.Proof, len(r.Proof)/2) },
		"no proof":     func(r *Receipt) { r.Proof = nil },
		"proof hash":   func(r *Receipt) { r.ProofHash[0] ^= 1 },
		"new identity": func(r *Receipt) { r.Task.Label = "other"; r.Job = r.Task.ID() },
		"other root":   func(r *Receipt) { r.Task.JobRoot[0] ^= 1; r.Job = r.Task.ID() },
	}
	for name, change := range changes {
		r := receipt(t)
		change(&r)
		if _, err := r.Verify(); !errors.Is(err, proof.ErrInvalid) {
			t.Errorf("%s: got %v, want an error that matches proof.ErrInvalid", name, err)
		}
	}
	r := receipt(t)
	if err := r.VerifyInput(flip(smallJob().Input, 1)); !errors.Is(err, proof.ErrInvalid) {
		t.Errorf("another input: got %v", err)
	}
	// An output of the wrong length is not an output at all.
	r.Output = r.Output[1:]
	var e *proof.InputError
	if _, err := r.Verify(); !errors.As(err, &e) {
		t.Errorf("short output: got %v", err)
	}
}

func flip(b []byte, i int) []byte {
	b = append([]byte(nil), b...)
	b[i] ^= 1
	return b
}

func TestSubmitRefuses(t *testing.T) {
	good := smallJob()
	m31 := proof.MatMulOf(proof.M31, 1, 1, 1)
	for name, c := range map[string]struct {
		change func(j *Job)
		want   string
	}{
		"no program":      {func(j *Job) { j.Program = proof.Program{} }, "no program"},
		"unknown dtype":   {func(j *Job) { j.Program = proof.MatMulOf(9, 3, 2, 4) }, "unknown dtype"},
		"no rows":         {func(j *Job) { j.Program = proof.MatMul(0, 2, 4) }, "dimension m is 0"},
		"too large":       {func(j *Job) { j.Program = proof.MatMul(3, 4097, 4) }, "dimension k is 4097"},
		"short input":     {func(j *Job) { j.Input = j.Input[1:] }, "13 bytes, want 14"},
		"long input":      {func(j *Job) { j.Input = append(j.Input, 0) }, "15 bytes, want 14"},
		"not reduced":     {func(j *Job) { j.Program, j.Input = m31, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f} }, "entry 1 is 2147483647"},
		"unknown profile": {func(j *Job) { j.Profile = 99 }, "no profile 99"},
		"label":           {func(j *Job) { j.Label = strings.Repeat("x", 257) }, "257 bytes"},
		"deadline":        {func(j *Job) { j.Deadline = time.Now().Add(-time.Second) }, "deadline"},
		"proof too big": {func(j *Job) {
			j.Program = proof.MatMul(4096, 4096, 1)
			j.Input, j.Profile = make([]byte, j.Program.InputSize()), 0
		}, "limit of 262144"},
	} {
		cfg := testConfig()
		j := good
		j.Input = append([]byte(nil), j.Input...)
		c.change(&j)
		_, err := newClient(t, cfg).Submit(context.Background(), j)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
		if len(cfg.Network.jobs) != 0 {
			t.Errorf("%s: the job was queued", name)
		}
	}
}

func TestSubmitIsIdempotent(t *testing.T) {
	cfg := testConfig()
	c := newClient(t, cfg)
	a, b := submit(t, c, smallJob()), submit(t, c, smallJob())
	if a != b || len(cfg.Network.queue) != 1 {
		t.Errorf("identifiers %v and %v, %d jobs", a, b, len(cfg.Network.queue))
	}
	j := smallJob()
	j.Label = "again"
	if submit(t, c, j) == a {
		t.Error("a label does not make another job")
	}
}

// TestGiveBack stops a worker in the middle of a proof; the job goes back to the
// queue at once, nothing is left running, and the next worker finishes it.
func TestGiveBack(t *testing.T) {
	cfg := testConfig()
	c := newClient(t, cfg)
	before := runtime.NumGoroutine()
	j := smallJob()
	j.Label = "give back"
	id := submit(t, c, j)
	stop := start(t, WorkerConfig{Config: cfg})
	var seen []State
	for ev, err := range c.Watch(context.Background(), id) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Seq != len(seen) {
			t.Fatalf("event %d after %d others", ev.Seq, len(seen))
		}
		seen = append(seen, ev.State)
		switch {
		case ev.Stage == prover.StageTrace && before > 0:
			begin := time.Now()
			stop()
			if d := time.Since(begin); d > time.Second {
				t.Errorf("the worker took %v to stop", d)
			}
			waitGoroutines(t, before)
			before = 0
			start(t, WorkerConfig{Config: cfg})
		case ev.State.Final() && ev.State != Done:
			t.Errorf("the job ended as %v", ev.State)
		}
	}
	if n := count(seen, Queued); n != 2 {
		t.Errorf("queued %d times, want 2", n)
	}
	r, err := c.Wait(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(); err != nil {
		t.Error(err)
	}
}

func count(states []State, s State) (n int) {
	for _, x := range states {
		if x == s {
			n++
		}
	}
	return n
}

// waitGoroutines waits until no more than n goroutines run.
func waitGoroutines(t *testing.T, n int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= n {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, want %d:\n%s", runtime.NumGoroutine(), n, buf[:runtime.Stack(buf, true)])
}

func TestDeadline(t *testing.T) {
	cfg := testConfig()
	c := newClient(t, cfg)
	j := smallJob()
	j.Label, j.Deadline = "late", time.Now().Add(50*time.Millisecond)
	id := submit(t, c, j)
	_, err := c.Wait(context.Background(), id)
	var e *JobError
	if !errors.As(err, &e) || !errors.Is(err, ErrExpired) || e.Job != id {
		t.Errorf("got %v, want a JobError with ErrExpired", err)
	}
	if len(cfg.Network.queue) != 0 {
		t.Error("the expired job is still queued")
	}
	start(t, WorkerConfig{Config: cfg})
	j.Label, j.Profile, j.Deadline = "late while running", proof.Tight, time.Now().Add(30*time.Millisecond)
	if _, err := c.Wait(context.Background(), submit(t, c, j)); !errors.Is(err, ErrExpired) {
		t.Errorf("while running: got %v, want ErrExpired", err)
	}
}

func TestWorkerRefuses(t *testing.T) {
	cfg := testConfig()
	c := newClient(t, cfg)
	// The network hands out an input that is not the job's.
	j := smallJob()
	id := submit(t, c, j)
	cfg.Network.jobs[id].job.Input = flip(j.Input, 0)
	j.Label = "memory"
	start(t, WorkerConfig{Config: cfg})
	if _, err := c.Wait(context.Background(), id); !errors.Is(err, ErrWrongInput) {
		t.Errorf("another input: got %v, want ErrWrongInput", err)
	}
	small := testConfig()
	start(t, WorkerConfig{Config: small, MaxMemory: 1 << 10})
	c = newClient(t, small)
	var e *prover.MemoryError
	if _, err := c.Wait(context.Background(), submit(t, c, j)); !errors.As(err, &e) {
		t.Errorf("little memory: got %v, want a MemoryError", err)
	}
}

func TestUnknownJob(t *testing.T) {
	c := newClient(t, testConfig())
	if _, err := c.Wait(context.Background(), JobID{1}); !errors.Is(err, ErrUnknownJob) {
		t.Errorf("got %v, want ErrUnknownJob", err)
	}
}

func TestWaitIsCancelled(t *testing.T) {
	c := newClient(t, testConfig())
	id := submit(t, c, smallJob())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := c.Wait(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("Wait took %v to notice", d)
	}
}

func TestConfigErrors(t *testing.T) {
	if _, err := NewClient(Config{}); err == nil || !strings.Contains(err.Error(), "NewNetwork") {
		t.Errorf("client without a network: %v", err)
	}
	if _, err := NewWorker(WorkerConfig{}); err == nil {
		t.Error("a worker without a network is accepted")
	}
	if _, err := NewWorker(WorkerConfig{Config: testConfig(), Drain: -1}); err == nil {
		t.Error("a negative Drain is accepted")
	}
}

// TestDrain lets a worker finish its job after it was told to stop.
func TestDrain(t *testing.T) {
	cfg := testConfig()
	c := newClient(t, cfg)
	j := smallJob()
	j.Label = "drain"
	id := submit(t, c, j)
	stop := start(t, WorkerConfig{Config: cfg, Drain: time.Minute})
	for ev, err := range c.Watch(context.Background(), id) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Stage == prover.StageCommit {
			go stop()
		}
		if ev.Seq > 0 && ev.State == Queued {
			t.Error("the job was given back")
		}
	}
	if _, err := c.Wait(context.Background(), id); err != nil {
		t.Error(err)
	}
	stop()
}
