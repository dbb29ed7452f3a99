package prover

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/proof"
)

// prompt is how soon a proof must stop, on a machine that makes the whole proof
// in four times as long; a slower one gets time in proportion. On a loaded machine
// the scheduler alone can take that long, so a run that is late is repeated.
const (
	prompt  = 100 * time.Millisecond
	repeats = 5
)

// interruption ends a context some time after a stage has begun for the n-th time.
type interruption struct {
	stage Stage
	nth   int
	delay time.Duration
}

// occurrences of the stages of a matrix product that begin more than once.
var occurrences = map[Stage]int{StageTrace: 2, StageCommit: 3}

// interrupt runs prove with a context that ends as told and returns how long
// prove went on after that, and its error.
func interrupt(p *Prover, i interruption, prove func(context.Context, *Prover) error) (time.Duration, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ended atomic.Int64 // nanoseconds since start
	start := time.Now()
	end := func() {
		ended.Store(int64(time.Since(start)))
		cancel()
	}
	n := 0
	err := prove(ctx, p.Reporting(func(s Stage) {
		if s == i.stage {
			n++
		}
		if s != i.stage || n != i.nth {
			return
		}
		if i.delay == 0 {
			end()
		} else {
			time.AfterFunc(i.delay, end)
		}
	}))
	return time.Since(start) - time.Duration(ended.Load()), err
}

// stageTimes returns how long one occurrence of each stage takes. The proof ends
// with the grinding.
func stageTimes(p *Prover, prove func(context.Context, *Prover) error) map[Stage]time.Duration {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	times := make(map[Stage]time.Duration)
	var last Stage
	var began time.Time
	prove(ctx, p.Reporting(func(s Stage) {
		if last != "" {
			times[last] = max(times[last], time.Since(began))
		}
		if last, began = s, time.Now(); s == StageGrind {
			cancel()
		}
	}))
	times[StageGrind] = 50 * time.Millisecond
	return times
}

// TestCancel ends the context of a proof at random moments of every stage.
func TestCancel(t *testing.T) {
	rng := randtest.New(t)
	p := New(Options{})
	program := proof.MatMul(512, 512, 512)
	in, w := cheapInput(t, p, program, randomInput(program, 1))
	full := func(ctx context.Context, p *Prover) error {
		_, err := p.Prove(ctx, in, proof.JobID{})
		return err
	}
	short := func(ctx context.Context, p *Prover) error { // reaches the last stage soon
		_, _, _, err := p.ProveAIR(ctx, cheapAIR(t, proof.Statement{Program: program}), newExecution(in, w.Execution))
		return err
	}
	endless := func(ctx context.Context, p *Prover) error { // grinds for hours
		a := cheapAIR(t, proof.Statement{Program: program})
		a.Config.PowBits = 45
		_, _, _, err := p.ProveAIR(ctx, a, newExecution(in, w.Execution))
		return err
	}
	before := runtime.NumGoroutine()
	times := stageTimes(p, full)
	var whole time.Duration
	for s, d := range times {
		whole += time.Duration(max(1, occurrences[s])) * d
	}
	allowed := max(prompt, whole/4)
	for _, s := range Stages() {
		for moment := range 3 {
			i := interruption{stage: s, nth: 1 + rng.IntN(max(1, occurrences[s]))}
			prove := full
			if s == StageOpen {
				prove = short
			} else if moment > 0 {
				if s != StageExecute { // of Prove alone, and followed by all others
					prove = endless
				}
				i.delay = 1 + time.Duration(rng.Int64N(int64(times[s])+1))
			}
			checkPrompt(t, p, i, allowed, prove)
			checkGoroutines(t, before)
		}
	}
}

// checkPrompt expects an interrupted proof to stop in time, with the context's
// error.
func checkPrompt(t *testing.T, p *Prover, i interruption, allowed time.Duration, prove func(context.Context, *Prover) error) {
	t.Helper()
	var late time.Duration
	for range repeats {
		var err error
		if late, err = interrupt(p, i, prove); !errors.Is(err, context.Canceled) {
			t.Fatalf("%+v: %v, want the context's error", i, err)
		}
		if late <= allowed {
			return
		}
	}
	t.Errorf("%+v: the proof goes on for %v, want at most %v", i, late, allowed)
}

// checkGoroutines waits for the number of goroutines to go down to what it was.
func checkGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// TestCancelledBefore: nothing begins on a context that has ended.
func TestCancelledBefore(t *testing.T) {
	p := New(Options{})
	program := proof.MatMul(16, 16, 16)
	data := randomInput(program, 1)
	in, w := cheapInput(t, p, program, data)
	fib, err := airtest.WideFib(stark.Blake2s, stark.Config{LogBlowup: 1, Queries: 3, FoldStep: 1}, 4, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, f := range map[string]func() error{
		"Input":      func() error { _, err := p.Input(ctx, program, data, proof.Fast); return err },
		"ResultRoot": func() error { _, err := p.ResultRoot(ctx, program, w.Output(), proof.Fast); return err },
		"Execute":    func() error { _, err := p.Execute(ctx, program, data); return err },
		"Prove":      func() error { _, err := p.Prove(ctx, in, proof.JobID{}); return err },
		"ProveAIR": func() error {
			_, _, _, err := p.ProveAIR(ctx, fib, Columns(airtest.WideFibTrees(4, 5, true)))
			return err
		},
	} {
		if err := f(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
