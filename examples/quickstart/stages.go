package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/prover"
)

// stage is a part of the life of the job. Its time is that since the stage before.
type stage struct {
	Stage        string        `json:"stage"`
	What         string        `json:"what"`
	Transactions []transaction `json:"transactions"` // empty for what happened off the chain
	Time         time.Duration `json:"time_ns"`
}

// timeline is the stages so far.
type timeline struct {
	out    *printer
	stages []stage
	began  time.Time
	last   time.Time
}

func newTimeline(out *printer) *timeline {
	now := time.Now()
	return &timeline{out: out, stages: []stage{}, began: now, last: now}
}

// end ends a stage.
func (t *timeline) end(name, what string, txs ...transaction) {
	now := time.Now()
	if txs == nil {
		txs = []transaction{}
	}
	t.stages = append(t.stages, stage{name, what, txs, now.Sub(t.last)})
	t.last = now
	t.out.line("%-12s %s", name, what)
}

// short is the transactions of a stage in a table: the first hash, and how many more
// there are.
func (s *stage) short() string {
	hashes := make(map[string]bool)
	for _, tx := range s.Transactions {
		hashes[tx.Hash] = true
	}
	switch len(hashes) {
	case 0:
		return "-"
	case 1:
		return short(s.Transactions[0].Hash)
	}
	return fmt.Sprintf("%s +%d", short(s.Transactions[0].Hash), len(hashes)-1)
}

// short cuts a number in hexadecimal.
func short(hex string) string {
	if len(hex) > 12 {
		return hex[:10] + "…"
	}
	return hex
}

// table prints stages, and below the proof its own. Execution is a stage by itself.
func table(w io.Writer, stages []stage, proving []proofStage) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nstage\twhat happened\ttransaction\ttime")
	for _, s := range stages {
		fmt.Fprintf(t, "%s\t%s\t%s\t%v\n", s.Stage, s.What, s.short(), round(s.Time))
		for _, p := range proving {
			if s.Stage != "prove" || p.Stage == prover.StageExecute {
				continue
			}
			fmt.Fprintf(t, "  %s\t  %s\t-\t  %v\n", p.Stage, explained[p.Stage], round(p.Time))
		}
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// round leaves three digits or so of a time.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// proofStage is the time that a stage of the proof took.
type proofStage struct {
	Stage prover.Stage  `json:"stage"`
	Time  time.Duration `json:"time_ns"`
}

// explained says what the prover does.
var explained = map[prover.Stage]string{
	prover.StageExecute:  "multiplying",
	prover.StageTrace:    "laying out the trace",
	prover.StageCommit:   "interpolation, extension, Merkle trees",
	prover.StageLookup:   "accumulators",
	prover.StageCompose:  "combining constraints",
	prover.StageQuotient: "sampling, quotients",
	prover.StageFRI:      "FRI folding",
	prover.StageGrind:    "grinding the proof of work",
	prover.StageOpen:     "opening queries",
}

// stopwatch measures the stages of the proof by the worker's news of them.
type stopwatch struct {
	out   *printer
	times []proofStage
	began time.Time
}

// event ends the stage before.
func (s *stopwatch) event(ev bitsage.Event) {
	now := time.Now()
	if n := len(s.times); n > 0 && s.times[n-1].Time == 0 {
		s.times[n-1].Time = max(now.Sub(s.began), 1)
	}
	if ev.State == bitsage.Proving {
		s.times, s.began = append(s.times, proofStage{Stage: ev.Stage}), now
		s.out.doing(string(ev.Stage) + ": " + explained[ev.Stage])
	}
}

// patience is how long a printer is silent while something is being done.
const patience = 3 * time.Second

// printer prints lines and, below them, what is being done: on a terminal on a line
// that changes, elsewhere when nothing else was printed for a while.
type printer struct {
	w    io.Writer
	tty  bool
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	what  string
	since time.Time // of what
	last  time.Time // when something was printed
}

func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	p := &printer{w: w, tty: ok && term.IsTerminal(int(f.Fd())), stop: make(chan struct{}), last: time.Now()}
	p.done.Go(p.beat)
	return p
}

// close clears the changing line.
func (p *printer) close() {
	close(p.stop)
	p.done.Wait()
	p.clear()
}

func (p *printer) clear() {
	if p.tty {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *printer) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.w, format+"\n", args...)
	p.last = time.Now()
}

// doing says what is being done from now on.
func (p *printer) doing(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since = what, time.Now()
	if p.tty {
		p.show()
	}
}

func (p *printer) show() {
	p.clear()
	fmt.Fprintf(p.w, "             %s", p.what)
	if d := time.Since(p.since); d >= time.Second {
		fmt.Fprintf(p.w, ", %v", d.Truncate(time.Second))
	}
	if !p.tty {
		fmt.Fprintln(p.w)
	}
	p.last = time.Now()
}

// beat shows what is being done again and again.
func (p *printer) beat() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-p.stop:
			return
		}
		p.mu.Lock()
		if p.what != "" && (p.tty || time.Since(p.last) >= patience) {
			p.show()
		}
		p.mu.Unlock()
	}
}
