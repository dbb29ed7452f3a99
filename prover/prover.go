// Package prover makes STARK proofs. A proof goes through the stages below in
// order, one file each:
//
//	execute   run the program on its input
//	trace     lay the computation out as columns
//	commit    interpolate, extend and hash the columns of a tree
//	lookup    columns that depend on challenges: accumulators and LogUp sums
//	compose   combine all constraints into the composition polynomial
//	quotient  evaluate at the out-of-domain point, build the DEEP quotient
//	fri       fold the quotient to a polynomial of low degree, grind
//	open      open the queried positions
//
// The whole-column work of every stage is done by a [backend.Backend]. Backends
// and thread counts change the time a proof takes, never its bytes.
package prover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/backend/cpu"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Stage names a stage of a proof.
type Stage string

// The stages, in order. Grinding, the search for a proof of work, is reported by
// itself because its time is a matter of luck.
const (
	StageExecute  Stage = "execute"
	StageTrace    Stage = "trace"
	StageCommit   Stage = "commit"
	StageLookup   Stage = "lookup"
	StageCompose  Stage = "compose"
	StageQuotient Stage = "quotient"
	StageFRI      Stage = "fri"
	StageGrind    Stage = "grind"
	StageOpen     Stage = "open"
)

// Stages lists all stages in order.
func Stages() []Stage {
	return []Stage{StageExecute, StageTrace, StageCommit, StageLookup, StageCompose, StageQuotient, StageFRI, StageGrind, StageOpen}
}

// Timing is the time spent in a stage and the number of field elements it
// produced or read over.
type Timing struct {
	Stage Stage         `json:"stage"`
	Time  time.Duration `json:"time_ns"`
	Cells int64         `json:"cells"`
}

// Options configure a Prover. The zero value is a good default.
type Options struct {
	// MaxMemory bounds the memory of one proof in bytes, its columns included. 0 means
	// what the machine has available. A proof that would need more keeps less: it makes
	// the extensions of its columns part by part, again for every use. With a blowup of 2
	// that takes 0.56 times the memory and 2.1 times the time, StageGrind apart. With a
	// blowup of 8 it takes, depending on the bound, from 0.42 times the memory and 1.5
	// times the time to 0.2 times the memory and 1.9 times the time. If even that does not
	// fit, there is a *MemoryError before any work is done. The proof's bytes are always
	// the same.
	MaxMemory int64

	// Progress, if not nil, is called when a stage begins, from the goroutine that
	// proves. It must not block.
	Progress func(Stage)

	// Backend does the column work; nil means the processor. Only packages of
	// this module can supply one.
	Backend backend.Backend
}

// Prover makes proofs. It is safe for concurrent use; each proof uses all
// processors that GOMAXPROCS allows.
type Prover struct {
	opt Options
	be  backend.Backend
	mem *pool
}

// New returns a Prover.
func New(opt Options) *Prover {
	if opt.Backend == nil {
		opt.Backend = cpu.Backend{}
	}
	return &Prover{opt: opt, be: opt.Backend, mem: newPool()}
}

// Reporting returns a Prover that shares everything with p but calls progress
// when a stage of one of its proofs begins.
func (p *Prover) Reporting(progress func(Stage)) *Prover {
	q := *p
	q.opt.Progress = progress
	return &q
}

// ErrUnsatisfied means that the columns do not satisfy the constraints, so that
// there is nothing to prove.
var ErrUnsatisfied = errors.New("prover: the witness does not satisfy the constraints")

// MemoryError says that a proof needs more memory than there is, in bytes. Need is what
// it needs when it keeps the least.
type MemoryError struct{ Need, Have int64 }

// Error implements error.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("prover: the proof needs at least %d MiB of memory, %d MiB are available: use a smaller job, a profile with a smaller blowup, or raise MaxMemory", e.Need>>20, e.Have>>20)
}

// Witness supplies the columns of an AIR.
type Witness interface {
	// Tree returns the columns of a tree in storage order, or a tree committed
	// before. The prover does not change the columns.
	Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error)
	// Resolve returns a statement value that came up with the columns, such as a
	// claimed sum.
	Resolve(ctx context.Context, name string, syms air.Symbols) (m31.QM31, error)
}

// ProveAIR proves a statement given as an AIR. Along with the proof it returns
// the time per stage and the symbols, claimed sums included.
func (p *Prover) ProveAIR(ctx context.Context, a *air.AIR, w Witness) (*stark.Proof, []Timing, air.Symbols, error) {
	s, err := p.session(ctx, a, 0)
	if err != nil {
		return nil, nil, nil, err
	}
	defer s.mem.release()
	proof, err := s.prove(w)
	if err != nil {
		return nil, nil, nil, err
	}
	return proof, s.clock.timings(), s.syms, nil
}

// session is one proof in progress.
type session struct {
	*Prover
	ctx    context.Context
	air    *air.AIR
	layout *stark.Layout
	plan   plan
	hasher stark.Hasher
	ch     stark.Channel
	syms   air.Symbols
	trees  []*Tree
	clock  *clock
	mem    arena
	// composition holds the coefficients of the composition polynomial until the
	// quotient is made.
	composition m31.SecureVec
	// observe, if not nil, receives intermediate values by name. Tests compare
	// them with those of the Rust prover.
	observe func(name string, v any)
}

// session begins a proof. held is the memory that the first tree takes already.
func (p *Prover) session(ctx context.Context, a *air.AIR, held int64) (*session, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	s := &session{Prover: p, ctx: ctx, air: a, layout: a.Layout(), hasher: a.Kind.Hasher(), ch: a.Kind.NewChannel(), mem: arena{pool: p.mem}}
	s.clock = newClock(p.opt.Progress)
	var n need
	var err error
	s.plan, n, err = p.choose(a, s.layout, held)
	size := n.arena
	if held > 0 {
		size -= n.first - given(s.layout.Trees[0])
	}
	s.mem.size = int(size / 4)
	return s, err
}

func (s *session) note(name string, v any) {
	if s.observe != nil {
		s.observe(name, v)
	}
}

// prove goes through the stages from the first commitment on.
func (s *session) prove(w Witness) (*stark.Proof, error) {
	var err error
	if s.syms, err = s.air.Play(s.ch, &committer{s, w}); err != nil {
		return nil, err
	}
	if err := s.air.CheckScalars(s.syms); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsatisfied, err)
	}
	alpha := s.ch.DrawFelt()
	if err := s.compose(alpha); err != nil {
		return nil, err
	}
	proof := &stark.Proof{Config: s.air.Config}
	q, err := s.quotient(proof, alpha)
	if err != nil {
		return nil, err
	}
	layers, err := s.fri(proof, q)
	if err != nil {
		return nil, err
	}
	if err := s.grind(proof); err != nil {
		return nil, err
	}
	if err := s.open(proof, layers); err != nil {
		return nil, err
	}
	for _, t := range s.trees {
		proof.Commitments = append(proof.Commitments, t.Root())
	}
	return proof, s.ctx.Err()
}

// clock adds up the time per stage.
type clock struct {
	progress func(Stage)
	stage    Stage
	start    time.Time
	total    map[Stage]time.Duration
	cells    map[Stage]int64
}

func newClock(progress func(Stage)) *clock {
	return &clock{progress: progress, total: make(map[Stage]time.Duration), cells: make(map[Stage]int64)}
}

// enter ends the running stage and begins another.
func (c *clock) enter(s Stage) {
	c.stop()
	if c.progress != nil {
		c.progress(s)
	}
	c.stage, c.start = s, time.Now()
}

func (c *clock) stop() {
	if c.stage != "" {
		c.total[c.stage] += time.Since(c.start)
	}
	c.stage = ""
}

func (c *clock) count(cells int) { c.cells[c.stage] += int64(cells) }

func (c *clock) timings() []Timing {
	c.stop()
	var out []Timing
	for _, s := range Stages() {
		if t, ok := c.total[s]; ok {
			out = append(out, Timing{s, t, c.cells[s]})
		}
	}
	return out
}
