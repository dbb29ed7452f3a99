package bitsage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// WorkerConfig configures a Worker.
type WorkerConfig struct {
	Config
	// MaxMemory bounds the memory of a proof in bytes; zero means what the
	// machine has available.
	MaxMemory int64
	// Drain is how long a job in progress may go on after Run's context ended
	// before it is given back to the network. Zero means not at all.
	Drain time.Duration
}

// Worker executes and proves jobs, one at a time on all processors.
type Worker struct {
	cfg    WorkerConfig
	prover *prover.Prover
}

// NewWorker returns a worker. It does nothing before Run.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Drain < 0 || cfg.MaxMemory < 0 {
		return nil, errors.New("bitsage: Drain and MaxMemory must not be negative")
	}
	return &Worker{cfg, prover.New(prover.Options{MaxMemory: cfg.MaxMemory})}, nil
}

// Run serves jobs until ctx ends. Then it lets the job in progress go on for the
// time of Drain, gives it back if that is not enough, and returns nil with nothing
// left running.
func (w *Worker) Run(ctx context.Context) error {
	for {
		e, job, err := w.cfg.Network.next(ctx)
		if err != nil {
			return nil // ctx has ended: a clean stop
		}
		w.serve(ctx, e, job)
	}
}

// serve works on one job and reports its end.
func (w *Worker) serve(run context.Context, e *entry, job Job) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(run))
	defer cancel()
	stop := context.AfterFunc(run, func() {
		if w.cfg.Drain > 0 {
			timer := time.NewTimer(w.cfg.Drain)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		cancel()
	})
	defer stop()
	if d := job.Deadline; !d.IsZero() {
		var end context.CancelFunc
		ctx, end = context.WithDeadlineCause(ctx, d, ErrExpired)
		defer end()
	}
	log := w.cfg.logger().With("job", e.id)
	start := time.Now()
	r, err := w.prove(ctx, e, job)
	switch {
	case err == nil:
		log.Info("job done", "time", time.Since(start), "proof_bytes", len(r.Proof))
		w.cfg.Network.finish(e, r, nil)
	case context.Cause(ctx) == ErrExpired:
		log.Warn("job expired", "deadline", job.Deadline)
		w.cfg.Network.finish(e, nil, ErrExpired)
	case ctx.Err() != nil:
		log.Info("job given back")
		w.cfg.Network.giveBack(e)
	default:
		log.Error("job failed", "error", err)
		w.cfg.Network.finish(e, nil, err)
	}
}

// prove makes the receipt of a job. The worker recomputes what the job commits to
// before it starts and verifies its own proof before it hands it out: a worker
// whose prover is broken must not deliver.
func (w *Worker) prove(ctx context.Context, e *entry, job Job) (*Receipt, error) {
	p := w.prover.Reporting(func(s prover.Stage) { w.cfg.Network.progress(e, s) })
	task, in, err := newTask(ctx, p, job)
	if err != nil {
		return nil, err
	}
	if task.ID() != e.id {
		return nil, ErrWrongInput
	}
	res, err := p.Prove(ctx, in, proof.Digest(e.id))
	if err != nil {
		return nil, err
	}
	if _, err := proof.Verify(res.Statement, res.Proof, task.Profile); err != nil {
		return nil, fmt.Errorf("the worker's own proof does not verify: %w", err)
	}
	r := &Receipt{Job: e.id, Task: task, ResultRoot: res.Statement.ResultRoot, Output: res.Output, Timings: res.Timings}
	if r.Proof, err = res.Proof.Compress(); err != nil {
		return nil, err
	}
	r.ProofHash, err = res.Proof.Hash()
	return r, err
}
