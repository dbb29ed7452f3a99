package prover

import (
	"bufio"
	"iter"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/proof"
)

// A plan trades time for memory. With the fast one a proof keeps the extensions of all
// columns and, with a blowup other than 2, their coefficients. The others keep neither,
// nor the lowest layers of the trees: with plan k, k > 0, extensions are made in 2^k
// parts, to hash one part of the rows after the other, again in parts no larger for the
// constraints, and a few columns at a time for the queried rows.
type plan int

const fast plan = 0

// sparse is the number of the lowest layers of a tree, leaves included, that other plans
// than the fast one do not keep. For every queried row, 2^sparse leaves are hashed again.
const sparse = 4

// layers returns how many of the layers of a tree of some height are kept, the root's
// first: those of the parts at least.
func (p plan) layers(height int) int {
	if p == fast {
		return height
	}
	return max(height+1-sparse, min(height, int(p)+1))
}

// constraintParts returns log2 of the number of parts of the domain on which
// constraints are computed, twice as long as the columns.
func (p plan) constraintParts(blowup int) int { return max(0, int(p)-blowup+1) }

// groups cuts columns, given by the log2 of their lengths, into runs that are extended
// together to read a few rows: a quarter of a part, at least one column.
func (p plan) groups(logs []int) iter.Seq2[int, int] {
	limit := 0
	for _, l := range logs {
		limit += 1 << l
	}
	limit >>= p + 2
	return func(yield func(lo, hi int) bool) {
		for lo := 0; lo < len(logs); {
			hi, n := lo+1, 1<<logs[lo]
			for ; hi < len(logs) && n+1<<logs[hi] <= limit; hi++ {
				n += 1 << logs[hi]
			}
			if !yield(lo, hi) {
				return
			}
			lo = hi
		}
	}
}

// need is the memory of a proof in bytes.
type need struct {
	given  int64 // the columns on the trace domain
	arena  int64 // what is taken from the arena, at most
	tables int64 // factors of the transforms, 3 for each place of the largest domain
	first  int64 // of all this, what the first tree holds, which may be there before
}

func (n need) total() int64 { return n.given + n.arena + n.tables }

// tally is an arena that only counts.
type tally struct{ used, peak int64 }

func (t *tally) take(n int) {
	t.used += 4 * int64(room(n))
	t.peak = max(t.peak, t.used)
}

func (t *tally) columns(n, length int) {
	for range n {
		t.take(length)
	}
}

func (t *tally) hashes(n int) { t.take(n * len(stark.Hash{}) / 4) }

func (t *tally) scratch() (end func()) {
	used := t.used
	return func() { t.used = used }
}

// estimate goes through the stages of a proof and counts what they take, as if no tree were
// committed before.
func estimate(a *air.AIR, l *stark.Layout, p plan) need {
	var n need
	var m tally
	blowup, L := l.Config.LogBlowup, l.Lifted()
	for t, cols := range l.Trees {
		n.given += given(cols)
		m.commit(l, t, p)
		if t == 0 {
			n.first = n.given + m.used
		}
	}
	m.compose(a, blowup, p)
	if p == fast {
		m.columns(8, 1<<(l.LogDegree-1+blowup))
		m.hashes(1 << L)
	} else {
		m.columns(8, 1<<(l.LogDegree-1))
		m.commit(l, len(l.Trees), p)
	}
	if l.LogDegree != L {
		m.columns(4, 1<<L)
	}
	end := m.scratch()
	if p == fast {
		m.columns(8, 1<<(l.LogDegree-1))
	}
	m.columns(4, 1<<l.MaxLog())
	end()
	if folds, err := l.Config.FRIFolds(L); err == nil {
		for _, f := range folds {
			m.hashes(1 << (f.Log - f.Packing))
			for k := range f.Fold {
				m.columns(4, 1<<(f.Log-1-k))
			}
		}
	}
	if p != fast {
		for _, cols := range l.Columns() {
			m.open(cols, blowup, p)
		}
	}
	n.arena, n.tables = m.peak, 3*4<<L
	return n
}

// estimateTree counts what a commitment outside of a proof takes.
func estimateTree(l *stark.Layout, tree int, p plan) need {
	var m tally
	m.commit(l, tree, p)
	return need{given: given(l.Trees[tree]), arena: m.peak, tables: 3 * 4 << l.Height(tree)}
}

func given(cols []stark.Column) (bytes int64) {
	for _, c := range cols {
		bytes += 4 << c.LogSize
	}
	return bytes
}

func (t *tally) commit(l *stark.Layout, tree int, p plan) {
	blowup, height := l.Config.LogBlowup, l.Height(tree)
	t.hashes(1 << p.layers(height))
	if p != fast && height > 0 {
		defer t.scratch()()
		t.hashes(1 << (height - int(p)))
	}
	for _, c := range l.Columns()[tree] {
		t.take(1 << (c.LogSize + blowup - int(p)))
		if p == fast && blowup != 1 {
			t.take(1 << c.LogSize)
		}
	}
}

func (t *tally) compose(a *air.AIR, blowup int, p plan) {
	parts := p.constraintParts(blowup)
	sums := make(map[int]bool)
	for _, c := range a.Components {
		log := c.LogSize + 1
		if !sums[log] {
			sums[log] = true
			t.columns(4, 1<<log)
		}
		if p == fast && blowup == 1 {
			continue
		}
		end := t.scratch()
		t.columns(len(c.Preprocessed), 1<<(log-parts))
		for _, cols := range c.Masks {
			for _, offsets := range cols {
				if slices.ContainsFunc(offsets, func(o int) bool { return o != 0 }) {
					t.take(1 << log)
				} else {
					t.take(1 << (log - parts))
				}
			}
		}
		end()
	}
}

func (t *tally) open(cols []stark.Column, blowup int, p plan) {
	logs := make([]int, len(cols))
	for i, c := range cols {
		logs[i] = c.LogSize + blowup
	}
	for lo, hi := range p.groups(logs) {
		end := t.scratch()
		for _, l := range logs[lo:hi] {
			t.take(1 << l)
		}
		end()
	}
}

// CheckMemory returns the *MemoryError with which Prove would refuse the program under
// the profile now. It is cheap. Where Options.MaxMemory is 0, memory that proofs in
// progress hold is not available.
func (p *Prover) CheckMemory(program proof.Program, profile proof.Profile) error {
	s := proof.Statement{Program: program}
	a, err := s.AIR(profile)
	if err != nil {
		return err
	}
	_, _, err = p.choose(a, a.Layout(), 0)
	return err
}

// choose returns the fastest plan that fits, and what it needs. held says how much of the
// first tree is there already.
func (p *Prover) choose(a *air.AIR, l *stark.Layout, held int64) (plan, need, error) {
	return p.fit(l, held, func(k plan) need { return estimate(a, l, k) })
}

// fit returns the fastest plan that fits the bound of the options, or Go's memory limit
// and what the system says is available beside what is held.
func (p *Prover) fit(l *stark.Layout, held int64, estimate func(plan) need) (plan, need, error) {
	have := p.opt.MaxMemory
	if have == 0 {
		have = min(p.mem.available(estimate(fast).total()), debug.SetMemoryLimit(-1))
	} else {
		held = 0
	}
	least := int64(math.MaxInt64)
	for k := fast; k <= leanest(l); k++ {
		n := estimate(k)
		more := n.total() - min(held, n.first)
		if more <= have {
			return k, n, nil
		}
		least = min(least, more)
	}
	return fast, need{}, &MemoryError{least, have}
}

// leanest returns the last plan, whose parts are as long as the columns. Shorter ones would
// save little beside the columns themselves.
func leanest(l *stark.Layout) plan { return plan(l.Config.LogBlowup) }

// available returns the memory that the system can give. If that is less than wanted, it
// can give that of unused chunks as well.
func (s *shelf) available(want int64) int64 {
	if have := available(); have >= want {
		return have
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle()
	return available()
}

// available returns the memory that the system can give without swapping. Where
// it cannot be told it returns no bound.
func available() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) >= 2 && fields[0] == "MemAvailable:" {
			if kb, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return math.MaxInt64
}
