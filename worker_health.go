package bitsage

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// breaker keeps a broken worker from taking jobs: it can lose one bond, not a stake.
type breaker struct {
	mu      sync.Mutex
	tripped bool
	failed  *proof.Task // of the job that went wrong last
}

func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tripped
}

func (b *breaker) set(tripped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tripped = tripped
}

// trip stops quoting and accepting, because of a job, until a self-test passes.
func (w *Worker) trip(reason string, a *assignment, err error) {
	w.cfg.Logger.Error("worker takes no jobs until a self-test passes", "reason", reason, "job", a.id, "error", err)
	w.breaker.mu.Lock()
	w.breaker.tripped, w.breaker.failed = true, &a.task
	w.breaker.mu.Unlock()
	select {
	case w.broken <- struct{}{}:
	default:
	}
}

// heal makes proofs for itself while the breaker is open, until one verifies.
func (w *Worker) heal(ctx context.Context) {
	for pause := time.Duration(0); ; {
		select {
		case <-w.broken:
		case <-ctx.Done():
			return
		}
		for w.breaker.open() {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
			if err := w.selfTest(ctx); err != nil {
				w.cfg.Logger.Error("self-test failed", "error", err)
				pause = min(2*pause+time.Second, 10*time.Minute)
				continue
			}
			w.cfg.Logger.Info("self-test passed")
			w.breaker.set(false)
			pause = 0
		}
	}
}

// test is a product to prove in a self-test.
type test struct {
	program proof.Program
	profile proof.Profile
	step    int // of the input's bytes
}

// tests are small products of each type, with inputs whose proof of work is short, and
// one like that of the job that went wrong last.
func (w *Worker) tests() []test {
	tests := []test{{proof.MatMulOf(proof.Int8, 16, 16, 16), proof.Std, 39}, {proof.MatMulOf(proof.M31, 16, 16, 16), proof.Std, 127}}
	w.breaker.mu.Lock()
	defer w.breaker.mu.Unlock()
	if t := w.breaker.failed; t != nil {
		tests = append(tests, test{t.Program, t.Profile, 1})
	}
	return tests
}

// selfTest makes the proofs of the tests and verifies them.
func (w *Worker) selfTest(ctx context.Context) error {
	select {
	case w.proving <- struct{}{}:
		defer func() { <-w.proving }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for _, test := range w.tests() {
		input := make([]byte, test.program.InputSize())
		for i := range input {
			if input[i] = byte(i * test.step); test.program.DType() == proof.M31 && i%4 == 3 {
				input[i] &= 0x3f // of a number below 2^31-1
			}
		}
		in, err := w.prover.Input(ctx, test.program, input, test.profile)
		if err != nil {
			return err
		}
		if _, err := w.prover.Prove(ctx, in, proof.JobID{}, func(prover.Stage) {}); err != nil {
			return err
		}
	}
	return nil
}

// speed estimates how long proofs take. It begins with guesses that are slow for any
// machine of today, measures, and learns from every proof.
type speed struct {
	mu    sync.Mutex
	row   time.Duration // for a row of the trace and its extension, on all processors
	grind time.Duration // for 2^20 hashes of a proof of work, on all processors
}

// The guesses: a row, and a million hashes, on one processor.
const (
	guessRow   = 400 * time.Microsecond
	guessGrind = time.Second
)

// estimate returns how long a proof takes, about.
func (s *speed) estimate(p proof.Program, profile proof.Profile) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := time.Duration(runtime.GOMAXPROCS(0))
	row, grind := s.row, s.grind
	if row == 0 {
		row, grind = guessRow/n, guessGrind/n
	}
	params := profile.Params()
	return row*time.Duration(p.Rows()<<params.LogBlowup) + grind<<max(params.PowBits-20, 0)
}

// learn takes the times of a proof into account. A proof of work is a matter of
// luck, so it counts by an eighth.
func (s *speed) learn(p proof.Program, profile proof.Profile, timings []prover.Timing) {
	var work, grind time.Duration
	for _, t := range timings {
		if t.Stage == prover.StageGrind {
			grind += t.Time
		} else {
			work += t.Time
		}
	}
	params := profile.Params()
	work /= time.Duration(p.Rows() << params.LogBlowup)
	grind >>= max(params.PowBits-20, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.row == 0 {
		n := time.Duration(runtime.GOMAXPROCS(0))
		s.row, s.grind = work, guessGrind/n
	}
	s.row += (work - s.row) / 2
	s.grind += (grind - s.grind) / 8
}

// calibrate measures how long the rows of a small input take to commit, of which
// proofs consist for the most part.
func (w *Worker) calibrate(ctx context.Context) error {
	const profile = proof.Std
	program := proof.MatMul(64, 64, 64)
	start := time.Now()
	if _, err := w.prover.Input(ctx, program, make([]byte, program.InputSize()), profile); err != nil {
		return err
	}
	// A proof commits to about twice as many columns, and composes, samples and
	// folds them.
	took := 6 * time.Since(start) / time.Duration(program.Rows()<<profile.Params().LogBlowup)
	w.speed.mu.Lock()
	defer w.speed.mu.Unlock()
	w.speed.row, w.speed.grind = took, guessGrind/time.Duration(runtime.GOMAXPROCS(0))
	return nil
}
