package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// patience is how long a printer is silent while something is being done.
const patience = 3 * time.Second

// printer prints a table of stages, as wide as the terminal and 100 columns at most, and what
// is being done when it takes long.
type printer struct {
	w     io.Writer
	width int // of what happened
	stop  chan struct{}
	done  sync.WaitGroup

	mu          sync.Mutex
	what        string
	since, last time.Time // of what, and when something was printed
}

func newPrinter(w io.Writer) *printer {
	p := &printer{w: w, width: 60, stop: make(chan struct{}), last: time.Now()}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.width = max(10, min(p.width, width-40))
		}
	}
	p.done.Go(p.beat)
	return p
}

func (p *printer) close() {
	close(p.stop)
	p.done.Wait()
}

// row prints a stage with the first of its transactions, and how many more there are.
func (p *printer) row(s stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	tx, more := "", ""
	if n := len(s.Transactions); n > 0 {
		tx = fmt.Sprintf("%.10s…", s.Transactions[0].Hash)
		if n > 1 {
			more = fmt.Sprintf("+%d", n-1)
		}
	}
	fmt.Fprintf(p.w, "%-13s %-*.*s %-11s %-3s %7.3fs\n", s.Stage, p.width, p.width, s.What, tx, more, s.Time.Seconds())
}

// doing says what is being done from now on.
func (p *printer) doing(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since = what, time.Now()
}

// beat shows again and again what is being done.
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
		if now := time.Now(); p.what != "" && now.Sub(p.last) >= patience {
			fmt.Fprintf(p.w, "              %s, %v\n", p.what, now.Sub(p.since).Truncate(time.Second))
			p.last = now
		}
		p.mu.Unlock()
	}
}
