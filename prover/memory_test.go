package prover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
	"github.com/bitsage/bitsage/proof"
)

// proveBy proves by a plan. It returns the proof's bytes, and how much the arena handed
// out at most, all of it from one chunk.
func proveBy(t *testing.T, p *Prover, a *air.AIR, w Witness, how plan) (made []byte, peak int64) {
	t.Helper()
	s, err := p.session(context.Background(), a, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.mem.release()
	s.plan, s.mem.size = how, int(estimate(a, s.layout, how).arena/4)
	stark, err := s.prove(w)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.mem.chunks) != 1 {
		t.Errorf("plan %d: %d chunks", how, len(s.mem.chunks))
	}
	return stark.AppendJSON(nil, a.Kind), 4 * int64(s.mem.peak)
}

// TestPlansGolden makes the proofs that the Rust prover made, by every plan.
func TestPlansGolden(t *testing.T) {
	most := fast
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, name := range vectors.Dirs(t, dir) {
			a, w := goldenCase(t, dir, name)
			want := bytes.TrimSpace(vectors.Read(t, dir, name, "PROOF.json"))
			p := New(Options{})
			for how := fast + 1; how <= leanest(a.Layout()); how++ {
				if got, _ := proveBy(t, p, a, w, how); !bytes.Equal(got, want) {
					t.Errorf("%s by plan %d: the proof differs from stwo's", name, how)
				}
				poison(p)
				most = max(most, how)
			}
		}
	}
	if most < 2 {
		t.Errorf("plans up to %d", most)
	}
}

// planCase is a statement with its witness.
type planCase struct {
	name    string
	air     *air.AIR
	witness func(p *Prover) Witness
}

func planCases(t *testing.T) (cases []planCase) {
	for blowup := 1; blowup <= 3; blowup++ {
		for _, lifting := range []int{0, 15} {
			cfg := stark.Config{LogBlowup: blowup, Queries: 10, FoldStep: 1 + blowup, Lifting: lifting}
			first := lifting != 0 // without columns in the first tree there is no lifting
			fib, err := airtest.WideFib(stark.Blake2s, cfg, 9, 40, first)
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, planCase{"wide Fibonacci", fib, func(*Prover) Witness { return Columns(airtest.WideFibTrees(9, 40, first)) }})
			for _, logs := range [][2]int{{9, 9}, {10, 6}} {
				logup, err := airtest.LogUp(stark.Blake2s, cfg, logs[0], logs[1])
				if err != nil {
					t.Fatal(err)
				}
				cases = append(cases, planCase{fmt.Sprintf("LogUp %v", logs), logup, func(p *Prover) Witness {
					return p.Lookups(logup, airtest.LogUpTrees(logs[0], logs[1]))
				}})
			}
			cases = append(cases, productCase(t, cfg))
		}
	}
	return cases
}

// productCase is a matrix product whose input is not committed beforehand.
func productCase(t *testing.T, cfg stark.Config) planCase {
	program := proof.MatMul(100, 50, 64)
	a := cheapAIR(t, proof.Statement{Program: program})
	a.Config = cfg
	data := randomInput(program, 1)
	return planCase{"product", a, func(p *Prover) Witness {
		in, w := cheapInput(t, p, program, data)
		w.trees[0] = NewTree(in.tree.values)
		return w
	}}
}

// TestPlans expects the same proof by every plan, and that a plan takes what the estimate
// says, to the byte.
func TestPlans(t *testing.T) {
	for _, c := range planCases(t) {
		what := fmt.Sprintf("%s, blowup 2^%d, lifting %d", c.name, c.air.Config.LogBlowup, c.air.Config.Lifting)
		p := New(Options{})
		want, _ := proveBy(t, p, c.air, c.witness(p), fast)
		for how := fast; how <= leanest(c.air.Layout()); how++ {
			got, peak := proveBy(t, p, c.air, c.witness(p), how)
			if !bytes.Equal(got, want) {
				t.Errorf("%s: another proof by plan %d", what, how)
			}
			if n := estimate(c.air, c.air.Layout(), how); n.arena != peak {
				t.Errorf("%s by plan %d: %d bytes, the estimate is %d", what, how, peak, n.arena)
			}
			poison(p)
		}
	}
}

// TestPlansMixed commits to an input with little memory and with much, and proves from
// each by every plan.
func TestPlansMixed(t *testing.T) {
	program := proof.MatMul(100, 50, 64)
	data := randomInput(program, 1)
	for _, profile := range []proof.Profile{proof.Fast, proof.Std, proof.MatMulP96} {
		s := proof.Statement{Program: program}
		a, err := s.AIR(profile)
		if err != nil {
			t.Fatal(err)
		}
		a.Config.PowBits, a.Config.Queries = 4, 10
		p := New(Options{})
		in, err := p.Input(context.Background(), program, data, profile)
		if err != nil {
			t.Fatal(err)
		}
		small, err := New(Options{MaxMemory: estimate(a, a.Layout(), fast).total() - 1}).Input(context.Background(), program, data, profile)
		if err != nil {
			t.Fatal(err)
		}
		if small.Root() != in.Root() || small.tree.evals != nil || small.Size() >= in.Size()/2 {
			t.Errorf("%v: an input with little memory takes %d bytes, another one %d", profile, small.Size(), in.Size())
		}
		x, err := p.run(context.Background(), program, data)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := proveBy(t, p, a, newExecution(in, x), fast)
		for how := fast; how <= leanest(a.Layout()); how++ {
			for _, in := range []*Input{in, small} {
				got, peak := proveBy(t, p, a, newExecution(in, x), how)
				if most := estimate(a, a.Layout(), how).arena; !bytes.Equal(got, want) || peak > most {
					t.Errorf("%v by plan %d: another proof, or %d bytes for %d", profile, how, peak, most)
				}
			}
		}
	}
}

// TestChoose gives a proof as much memory as a plan needs, and a byte less.
func TestChoose(t *testing.T) {
	a, err := airtest.WideFib(stark.Blake2s, stark.Config{LogBlowup: 3, Queries: 10, FoldStep: 3}, 12, 40, true)
	if err != nil {
		t.Fatal(err)
	}
	l, w := a.Layout(), Columns(airtest.WideFibTrees(12, 40, true))
	for how := fast; how <= leanest(l); how++ {
		n := estimate(a, l, how)
		p := New(Options{MaxMemory: n.total()})
		if got, _, err := p.choose(a, l, 0); got != how || err != nil {
			t.Errorf("with %d bytes: plan %d, %v, want %d", n.total(), got, err, how)
		}
		mustProve(t, p, a, w)
		if c := p.mem.free; len(c) != 1 || 4*len(c[0].elems) >= int(n.arena)+4*hugePage {
			t.Errorf("with %d bytes: %d chunks, want one of %d bytes in whole huge pages", n.total(), len(c), n.arena)
		}
		if how == leanest(l) {
			_, _, _, err := New(Options{MaxMemory: n.total() - 1}).ProveAIR(context.Background(), a, w)
			wantNeed(t, err, n.total(), n.total()-1)
		}
	}
}

func wantNeed(t *testing.T, err error, need, have int64) {
	t.Helper()
	var e *MemoryError
	if !errors.As(err, &e) || e.Need != need || e.Have != have {
		t.Errorf("with %d bytes: %v, want a need of %d", have, err, need)
	}
}

// TestChooseHeld leaves as much memory as a proof needs beside its input, which is there
// already. A bound of the options counts the input.
func TestChooseHeld(t *testing.T) {
	program := proof.MatMul(256, 256, 256)
	p := New(Options{})
	in, err := p.Input(context.Background(), program, randomInput(program, 1), proof.Std)
	if err != nil {
		t.Fatal(err)
	}
	s := proof.Statement{Program: program}
	a, err := s.AIR(proof.Std)
	if err != nil {
		t.Fatal(err)
	}
	n := estimate(a, a.Layout(), fast)
	if n.first < in.Size() || n.first > in.Size()+in.Size()/64 { // gaps between columns
		t.Errorf("the input takes %d bytes, the estimate is %d", in.Size(), n.first)
	}
	more := n.total() - in.Size()
	for _, c := range []struct {
		limit, max, held int64
		want             bool // the fast plan
	}{
		{more, 0, in.Size(), true}, {more - 1, 0, in.Size(), false}, {more, 0, 0, false},
		{more, n.total(), in.Size(), true}, {more, more, in.Size(), false},
	} {
		limit := debug.SetMemoryLimit(c.limit)
		how, _, err := New(Options{MaxMemory: c.max}).choose(a, a.Layout(), c.held)
		debug.SetMemoryLimit(limit)
		if err != nil || (how == fast) != c.want {
			t.Errorf("%+v: plan %d, %v", c, how, err)
		}
	}

	n = estimate(a, a.Layout(), leanest(a.Layout()))
	least := n.total() - n.first
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for limit := least - 1; limit <= least; limit++ {
		before := debug.SetMemoryLimit(limit)
		_, err := p.Prove(cancelled, in, proof.JobID{})
		debug.SetMemoryLimit(before)
		if errors.Is(err, context.Canceled) != (limit == least) {
			t.Errorf("with %d bytes beside the input: %v", limit, err)
		} else if limit < least {
			wantNeed(t, err, least, limit)
		}
	}
}

// TestCommitTree commits with as much memory as each plan needs, and a byte less.
func TestCommitTree(t *testing.T) {
	for blowup := 1; blowup <= 3; blowup++ {
		cfg := stark.Config{LogBlowup: blowup}
		columns := airtest.LogUpTrees(10, 6)[1]
		l := &stark.Layout{Config: cfg, Trees: [][]stark.Column{nil}}
		for _, c := range columns {
			l.Trees[0] = append(l.Trees[0], stark.Column{LogSize: circle.Log2(len(c))})
		}
		var want stark.Hash
		for how := fast; how <= leanest(l); how++ {
			n := estimateTree(l, 0, how)
			p := New(Options{MaxMemory: n.total()})
			tree, err := p.CommitTree(context.Background(), stark.Blake2s, cfg, columns)
			if err != nil {
				t.Fatal(err)
			}
			if how == fast {
				want = tree.Root()
			}
			if tree.Root() != want || (tree.evals != nil) != (how == fast) || len(p.mem.free) > 1 {
				t.Errorf("blowup 2^%d, %d bytes: another root, extensions %v, %d chunks", blowup, n.total(), tree.evals != nil, len(p.mem.free))
			}
			if how == leanest(l) {
				_, err := New(Options{MaxMemory: n.total() - 1}).CommitTree(context.Background(), stark.Blake2s, cfg, columns)
				wantNeed(t, err, n.total(), n.total()-1)
			}
		}
	}
}

// BenchmarkPlans times a proof without proof of work by every plan, and reports what it
// needs: the columns that are given and what is added.
func BenchmarkPlans(b *testing.B) {
	const columns, logRows = 100, 17
	trees := Columns(airtest.WideFibTrees(logRows, columns, true))
	for _, blowup := range []int{1, 3} {
		a, err := airtest.WideFib(stark.Blake2s, stark.Config{LogBlowup: blowup, Queries: 70, FoldStep: 3}, logRows, columns, true)
		if err != nil {
			b.Fatal(err)
		}
		p := New(Options{})
		for how := fast; how <= leanest(a.Layout()); how++ {
			b.Run(fmt.Sprintf("blowup=%d/plan=%d", 1<<blowup, how), func(b *testing.B) {
				var s *session
				for b.Loop() {
					if s, err = p.session(b.Context(), a, 0); err != nil {
						b.Fatal(err)
					}
					s.plan = how
					proof, err := s.prove(trees)
					if err != nil {
						b.Fatal(err)
					}
					s.mem.release()
					if _, err := a.Verify(proof); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(estimate(a, s.layout, how).total())/(1<<20), "MiB")
				for _, t := range s.clock.timings() {
					b.ReportMetric(t.Time.Seconds()*1e3, string(t.Stage)+"-ms")
				}
			})
		}
	}
}
