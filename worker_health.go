package bitsage

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/bitsage/bitsage/internal/program"
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

// test is a program to prove in a self-test.
type test struct {
	program proof.Program
	profile proof.Profile
	input   []byte
}

// newTest returns the test of a kind.
func newTest(t program.SelfTest) (test, error) {
	p, err := proof.ParseProgram(t.Program.String())
	if err != nil {
		return test{}, err
	}
	profile, err := proof.ParseProfile(t.Profile)
	return test{p, profile, t.Program.TestInput(t.Seed)}, err
}

// tests are those of all kinds of programs, and one like the job that went wrong last, if
// an input for it can be made up.
func (w *Worker) tests() ([]test, error) {
	var tests []test
	for _, k := range program.Kinds() {
		for _, t := range k.SelfTests() {
			test, err := newTest(t)
			if err != nil {
				return nil, err
			}
			tests = append(tests, test)
		}
	}
	w.breaker.mu.Lock()
	defer w.breaker.mu.Unlock()
	if t := w.breaker.failed; t != nil {
		p, err := program.Parse(t.Program.String())
		if err != nil {
			return nil, err
		}
		if input := p.TestInput(1); input != nil {
			tests = append(tests, test{t.Program, t.Profile, input})
		}
	}
	return tests, nil
}

// selfTest makes the proofs of the tests and verifies them.
func (w *Worker) selfTest(ctx context.Context) error {
	select {
	case w.proving <- struct{}{}:
		defer func() { <-w.proving }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	tests, err := w.tests()
	if err != nil {
		return err
	}
	for _, test := range tests {
		in, err := w.prover.Input(ctx, test.program, test.input, test.profile)
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
	rows  map[string]time.Duration // by kind of program: for a row of the trace and its extension, on all processors
	grind time.Duration            // for 2^20 hashes of a proof of work, on all processors
}

// The guesses: a row, and a million hashes, on one processor.
const (
	guessRow   = 400 * time.Microsecond
	guessGrind = time.Second
)

// guess returns a time on one processor as one on all of them.
func guess(d time.Duration) time.Duration { return d / time.Duration(runtime.GOMAXPROCS(0)) }

// estimate returns how long a proof takes, about.
func (s *speed) estimate(p proof.Program, profile proof.Profile) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, grind := s.rows[p.Kind()], s.grind
	if row == 0 {
		row = guess(guessRow)
	}
	if grind == 0 {
		grind = guess(guessGrind)
	}
	params := profile.Params()
	return row*time.Duration(p.Rows()<<params.LogBlowup) + hashes(grind, params.PowBits)
}

// hashes scales the time of 2^20 hashes to 2^bits.
func hashes(million time.Duration, bits int) time.Duration {
	if bits < 20 {
		return million >> (20 - bits)
	}
	return million << (bits - 20)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if row := s.rows[p.Kind()]; row != 0 {
		work = row + (work-row)/2
	}
	s.set(p.Kind(), work)
	if s.grind == 0 {
		s.grind = guess(guessGrind)
	}
	if params.PowBits >= 20 { // less is over before it can be measured
		s.grind += (grind>>(params.PowBits-20) - s.grind) / 8
	}
}

// set notes the time of a row. The caller holds the lock.
func (s *speed) set(kind string, row time.Duration) {
	if s.rows == nil {
		s.rows = make(map[string]time.Duration)
	}
	s.rows[kind] = row
}

// calibrate measures, for each kind of program, how long the rows of a small input take
// to commit, of which proofs consist for the most part.
func (w *Worker) calibrate(ctx context.Context) error {
	for _, k := range program.Kinds() {
		if err := w.calibrateKind(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) calibrateKind(ctx context.Context, k program.Kind) error {
	const profile = proof.Std
	p, err := proof.ParseProgram(k.Sample().String())
	if err != nil {
		return err
	}
	input := k.Sample().TestInput(0)
	start := time.Now()
	if _, err := w.prover.Input(ctx, p, input, profile); err != nil {
		return err
	}
	// A proof of a matrix product commits to about twice as many columns, and composes,
	// samples and folds them.
	took := 6 * time.Since(start) / time.Duration(p.Rows()<<profile.Params().LogBlowup)
	w.speed.mu.Lock()
	defer w.speed.mu.Unlock()
	w.speed.set(p.Kind(), took)
	w.speed.grind = guess(guessGrind)
	return nil
}
