package prover

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	kind "github.com/bitsage/bitsage/internal/program/matmul"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/proof"
)

// product returns what a program multiplies.
func product(p proof.Program) kind.Program {
	q, err := program.Parse(p.String())
	if err != nil {
		panic(err)
	}
	return q.(kind.Program)
}

func typeOf(p proof.Program) proof.DType { return proof.DType(product(p).DType) }

func dims(p proof.Program) (m, k, n int) {
	q := product(p)
	return q.M, q.K, q.N
}

// fill returns an input whose entries are given by a function.
func fill(p proof.Program, entry func() int64) []byte {
	in := make([]byte, p.InputSize())
	for i := range in {
		switch {
		case typeOf(p) == proof.Int8:
			in[i] = byte(entry())
		case i%4 == 0:
			binary.LittleEndian.PutUint32(in[i:], uint32(m31.FromInt64(entry())))
		}
	}
	return in
}

// randomInput returns the same input for the same seed.
func randomInput(p proof.Program, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	return fill(p, func() int64 { return int64(rng.Uint32()) })
}

// programs of many shapes: matrices that fill no row, vectors, and blocks of up
// to five rows.
func programs() []proof.Program {
	var out []proof.Program
	for _, d := range [][3]int{
		{1, 1, 1}, {1, 1, 33}, {33, 1, 1}, {1, 33, 1}, {5, 3, 7}, {16, 16, 16}, {33, 31, 29},
		{32, 32, 32}, {100, 1, 64}, {64, 17, 130}, {2, 65, 3}, {31, 2, 97}, {40, 4, 32},
	} {
		for _, t := range []proof.DType{proof.Int8, proof.M31} {
			out = append(out, proof.MatMulOf(t, d[0], d[1], d[2]))
		}
	}
	return out
}

// fills are the kinds of entries that products are tested with.
func fills(rng *rand.Rand, t proof.DType) map[string]func() int64 {
	f := map[string]func() int64{"random": func() int64 { return int64(rng.Uint32()) }, "zero": func() int64 { return 0 }}
	least, most := int64(-128), int64(127)
	if t == proof.M31 {
		least, most = 0, m31.P-1
	}
	f["least"] = func() int64 { return least }
	f["most"] = func() int64 { return most }
	f["extremes"] = func() int64 { return []int64{least, most}[rng.IntN(2)] }
	return f
}

// entries reads an input.
func entries(p proof.Program, in []byte) (a, b []int64) {
	m, k, _ := dims(p)
	var all []int64
	for i := range in {
		switch {
		case typeOf(p) == proof.Int8:
			all = append(all, int64(int8(in[i])))
		case i%4 == 0:
			all = append(all, int64(binary.LittleEndian.Uint32(in[i:])))
		}
	}
	return all[:m*k], all[m*k:]
}

// multiply returns the program's output by the definition.
func multiply(p proof.Program, in []byte) []byte {
	m, k, n := dims(p)
	a, b := entries(p, in)
	var out []byte
	for i := range m * n {
		var sum int64
		for r := range k {
			sum += a[i/n*k+r] * b[r*n+i%n]
			if typeOf(p) == proof.M31 {
				sum %= m31.P
			}
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(int32(sum)))
	}
	return out
}

func TestExecute(t *testing.T) {
	rng := randtest.New(t)
	all := append(programs(), proof.MatMul(2, 4096, 3), proof.MatMulOf(proof.M31, 2, 4096, 3), proof.MatMul(4096, 1, 1))
	for range 20 {
		dtype := []proof.DType{proof.Int8, proof.M31}[rng.IntN(2)]
		all = append(all, proof.MatMulOf(dtype, 1+rng.IntN(70), 1+rng.IntN(70), 1+rng.IntN(70)))
	}
	p := New(Options{})
	for _, program := range all {
		for name, f := range fills(rng, typeOf(program)) {
			in := fill(program, f)
			got, err := p.Execute(context.Background(), program, in)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, multiply(program, in)) {
				t.Errorf("%v of %s entries: the output differs", program, name)
			}
			if err := program.CheckOutput(got); err != nil {
				t.Errorf("%v of %s entries: %v", program, name, err)
			}
		}
	}
}

func TestExecuteRefuses(t *testing.T) {
	p := New(Options{})
	for _, c := range []struct {
		program proof.Program
		in      []byte
		want    string
	}{
		{proof.Program{}, nil, "no program"},
		{proof.MatMul(1, 1, 1), make([]byte, 3), "3 bytes, want 2"},
		{proof.MatMulOf(proof.M31, 1, 1, 1), []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}, "entry 1 is 2147483647"},
		{proof.MatMul(4097, 1, 1), make([]byte, 4098), "dimension m is 4097"},
		{proof.MatMulOf(7, 1, 1, 1), make([]byte, 2), `unknown dtype "7"`},
	} {
		if _, err := p.Execute(context.Background(), c.program, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Execute: %v, want an error that contains %q", err, c.want)
		}
		if _, err := p.Input(context.Background(), c.program, c.in, proof.Fast); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Input: %v, want an error that contains %q", err, c.want)
		}
	}
	if _, err := p.Input(context.Background(), proof.MatMul(1, 1, 1), make([]byte, 2), 0); err == nil {
		t.Error("the zero profile is accepted")
	}
}

// cheapAIR returns a statement's AIR under a profile that is Fast but for the
// numbers of queries and bits of work. Roots are those under Fast.
func cheapAIR(t testing.TB, s proof.Statement) *air.AIR {
	t.Helper()
	a, err := s.AIR(proof.Fast)
	if err != nil {
		t.Fatal(err)
	}
	a.Config.PowBits, a.Config.Queries = 4, 5
	return a
}

// cheapInput executes a program and commits to its input under Fast.
func cheapInput(t testing.TB, p *Prover, program proof.Program, data []byte) (*Input, *execution) {
	t.Helper()
	in, err := p.Input(context.Background(), program, data, proof.Fast)
	if err != nil {
		t.Fatal(err)
	}
	x, err := p.run(context.Background(), program, data)
	if err != nil {
		t.Fatal(err)
	}
	return in, newExecution(in, x)
}

// mustProve proves and checks that the proof verifies.
func mustProve(t testing.TB, p *Prover, a *air.AIR, w Witness) *stark.Proof {
	t.Helper()
	made, _, _, err := p.ProveAIR(context.Background(), a, w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verify(made); err != nil {
		t.Fatal(err)
	}
	return made
}

// TestProveShapes proves products of many shapes and kinds of entries, verifies
// the proofs and recomputes both roots by the sequential reference. Between them
// the shapes have all signs of the exponent of kappa.
func TestProveShapes(t *testing.T) {
	rng := randtest.New(t)
	p := New(Options{})
	for _, program := range programs() {
		for name, f := range fills(rng, typeOf(program)) {
			data := fill(program, f)
			in, w := cheapInput(t, p, program, data)
			made := mustProve(t, p, cheapAIR(t, proof.Statement{Program: program, JobID: proof.JobID{7}}), w)
			job, err := proof.JobRoot(program, data, proof.Fast)
			if err != nil {
				t.Fatal(err)
			}
			result, err := proof.ResultRoot(program, w.Output(), proof.Fast)
			if err != nil {
				t.Fatal(err)
			}
			if job != in.Root() || made.Commitments[0] != stark.Hash(job) {
				t.Errorf("%v of %s entries: the proof's job root is another", program, name)
			}
			if made.Commitments[1] != stark.Hash(result) {
				t.Errorf("%v of %s entries: the proof's result root is another", program, name)
			}
		}
	}
}

// TestRoots compares the prover's roots with the reference under every profile.
func TestRoots(t *testing.T) {
	p := New(Options{})
	for _, program := range []proof.Program{proof.MatMul(5, 3, 7), proof.MatMulOf(proof.M31, 33, 31, 29)} {
		data := randomInput(program, 3)
		output := multiply(program, data)
		for _, profile := range proof.Profiles() {
			in, err := p.Input(context.Background(), program, data, profile)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := proof.JobRoot(program, data, profile); err != nil || in.Root() != want {
				t.Errorf("%v, %v: job root %v, want %v (%v)", program, profile, in.Root(), want, err)
			}
			got, err := p.ResultRoot(context.Background(), program, output, profile)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := proof.ResultRoot(program, output, profile); err != nil || got != want {
				t.Errorf("%v, %v: result root %v, want %v (%v)", program, profile, got, want, err)
			}
		}
	}
	if _, err := p.ResultRoot(context.Background(), proof.MatMul(1, 1, 1), []byte{1, 0, 1, 0}, proof.Fast); err == nil {
		t.Error("an output beyond any product is accepted")
	}
}

// TestThreads expects the same bytes whatever the number of threads.
func TestThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, program := range []proof.Program{proof.MatMul(64, 17, 130), proof.MatMulOf(proof.M31, 100, 65, 3)} {
		var want []byte
		for _, threads := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(threads)
			p := New(Options{})
			_, w := cheapInput(t, p, program, randomInput(program, 9))
			got := mustProve(t, p, cheapAIR(t, proof.Statement{Program: program}), w).AppendJSON(nil, stark.Blake2s)
			if want == nil {
				want = got
			} else if !bytes.Equal(got, want) {
				t.Errorf("%v: other bytes on %d threads", program, threads)
			}
		}
	}
}

// TestReuse makes proofs of several sizes with one Prover, whose buffers hold
// rubbish in between, and expects those of a fresh Prover.
func TestReuse(t *testing.T) {
	shared := New(Options{})
	for round := range 3 {
		for _, program := range []proof.Program{proof.MatMul(16, 16, 16), proof.MatMul(64, 17, 40), proof.MatMulOf(proof.M31, 20, 33, 17)} {
			var got [2][]byte
			for i, p := range []*Prover{New(Options{}), shared} {
				_, w := cheapInput(t, p, program, randomInput(program, 4))
				got[i] = mustProve(t, p, cheapAIR(t, proof.Statement{Program: program}), w).AppendJSON(nil, stark.Blake2s)
			}
			if !bytes.Equal(got[0], got[1]) {
				t.Errorf("round %d: %v: a used Prover makes another proof", round, program)
			}
			poison(shared)
		}
	}
}

// TestCheckColumns gives columns that do not fit the layout or the field.
func TestCheckColumns(t *testing.T) {
	p := New(Options{})
	program := proof.MatMul(16, 16, 16)
	in, _ := cheapInput(t, p, program, randomInput(program, 4))
	s, err := p.session(context.Background(), cheapAIR(t, proof.Statement{Program: program}), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.mem.release()
	const tree = matmul.InputTree
	if err := s.checkColumns(tree, in.tree.values); err != nil {
		t.Errorf("good columns: %v", err)
	}
	if err := s.checkColumns(tree, in.tree.values[1:]); err == nil {
		t.Error("a column less passes")
	}
	short := slices.Clone(in.tree.values)
	short[1] = short[1][1:]
	if err := s.checkColumns(tree, short); err == nil {
		t.Error("a short column passes")
	}
	for _, e := range []m31.Elem{m31.P, m31.P + 1, 1<<32 - 2, 1<<32 - 1} {
		columns := slices.Clone(in.tree.values)
		columns[2] = slices.Clone(columns[2])
		columns[2][len(columns[2])-1] = e
		err := s.checkColumns(tree, columns)
		if want := fmt.Sprintf("column 2 holds %d, which is not reduced", e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// poison overwrites all pooled memory.
func poison(p *Prover) {
	for _, c := range p.mem.free {
		for i := range c.elems {
			c.elems[i] = m31.P - 1
		}
	}
}

// TestConcurrent makes proofs with one Prover from several goroutines.
func TestConcurrent(t *testing.T) {
	p := New(Options{})
	program := proof.MatMul(20, 33, 17)
	in, w := cheapInput(t, p, program, randomInput(program, 1))
	a := cheapAIR(t, proof.Statement{Program: program})
	want := mustProve(t, p, a, w).AppendJSON(nil, a.Kind)
	errs := make(chan error)
	for range 4 {
		go func() {
			made, _, _, err := p.ProveAIR(context.Background(), a, newExecution(in, w.Execution))
			if err == nil && !bytes.Equal(made.AppendJSON(nil, a.Kind), want) {
				err = errors.New("another proof")
			}
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// scarce is less memory than any proof needs.
const scarce = 64 << 10

func TestMemoryError(t *testing.T) {
	p := New(Options{MaxMemory: scarce})
	program := proof.MatMul(64, 64, 64)
	_, err := p.Input(context.Background(), program, randomInput(program, 1), proof.Fast)
	checkMemoryError(t, err)
	in, w := cheapInput(t, New(Options{}), program, randomInput(program, 1))
	_, _, _, err = p.ProveAIR(context.Background(), cheapAIR(t, proof.Statement{Program: program}), w)
	checkMemoryError(t, err)
	_, err = p.Prove(context.Background(), in, proof.JobID{})
	checkMemoryError(t, err)
	_, err = p.ResultRoot(context.Background(), program, w.Output(), proof.Fast)
	checkMemoryError(t, err)
	checkMemoryError(t, p.CheckMemory(program, proof.Fast))
	if err := p.CheckMemory(proof.Program{}, proof.Fast); err == nil || errors.As(err, new(*MemoryError)) {
		t.Errorf("no program: %v", err)
	}
	if err := New(Options{}).CheckMemory(program, proof.Fast); err != nil {
		t.Errorf("a small product: %v", err)
	}
}

func checkMemoryError(t *testing.T, err error) {
	t.Helper()
	var e *MemoryError
	if !errors.As(err, &e) || e.Have != scarce || e.Need <= e.Have {
		t.Errorf("%v, want a MemoryError", err)
	}
}

// altered is the witness of a matrix product with 1 added to one cell. What is
// computed from the cell's tree follows.
type altered struct {
	*execution
	tree, column, row int
}

// Tree implements Witness.
func (w *altered) Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error) {
	t, err := w.execution.Tree(ctx, tree, syms)
	if err != nil || tree != w.tree {
		return t, err
	}
	rows := air.RowOrder(t.Columns())
	rows[w.column][w.row] = rows[w.column][w.row].Add(1)
	w.trees[tree] = NewTree(air.StorageOrder(rows))
	return w.trees[tree], nil
}

// TestUnsatisfied changes one cell and expects to be told where it breaks which
// constraint.
func TestUnsatisfied(t *testing.T) {
	p := New(Options{})
	program := proof.MatMul(5, 3, 7) // blocks of one row, 16 rows
	for _, c := range []struct {
		tree, column, row int
		wantRow           int
		wantName          string
	}{
		{2, 0, 3, 3, "acc_a"},
		{2, 4, 9, 9, "acc_b"},
		{2, 11, 4, 4, "V"},
		{2, 12, 7, 7, "S"},
		{2, 15, 15, 0, "S"}, // the first row follows the last
		{1, 0, 2, 0, "S"},   // C: the accumulators follow, and the sum does not close
		{1, 31, 15, 0, "S"},
		{0, 0, 1, 0, "S"},              // A
		{0, matmul.W + 6, 2, 0, "S"},   // B
		{0, 2*matmul.W + 1, 5, 5, "V"}, // is_first_row
	} {
		_, w := cheapInput(t, p, program, fill(program, func() int64 { return 3 }))
		a := cheapAIR(t, proof.Statement{Program: program})
		_, _, _, err := p.ProveAIR(context.Background(), a, &altered{w, c.tree, c.column, c.row})
		var row *air.RowError
		if !errors.Is(err, ErrUnsatisfied) || !errors.As(err, &row) {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if row.Component != "matmul" || row.Row != c.wantRow || row.Name != c.wantName {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestUnsatisfiedSums gives a LogUp statement a wrong table.
func TestUnsatisfiedSums(t *testing.T) {
	a, err := airtest.LogUp(stark.Blake2s, stark.Config{LogBlowup: 1, Queries: 3, FoldStep: 1}, 5, 5)
	if err != nil {
		t.Fatal(err)
	}
	trees := airtest.LogUpTrees(5, 5)
	trees[1][6][4]++
	p := New(Options{})
	_, _, _, err = p.ProveAIR(context.Background(), a, p.Lookups(a, trees))
	var invalid *stark.InvalidError
	if !errors.Is(err, ErrUnsatisfied) || !errors.As(err, &invalid) || invalid.Check != stark.CheckStatement {
		t.Errorf("%v, want an unsatisfied statement", err)
	}
}

// TestBadColumns gives the prover columns of the wrong number, length or range.
func TestBadColumns(t *testing.T) {
	a, err := airtest.WideFib(stark.Blake2s, stark.Config{LogBlowup: 1, Queries: 3, FoldStep: 1}, 4, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(w Columns)
	}{
		{"tree 1 has 4 columns, want 5", func(w Columns) { w[1] = w[1][1:] }},
		{"tree 1 column 2 has 8 rows, want 16", func(w Columns) { w[1][2] = w[1][2][:8] }},
		{"tree 1 column 3 holds 2147483647", func(w Columns) { w[1][3][7] = m31.P }},
		{"tree 0 has 0 columns", func(w Columns) { w[0] = nil }},
	} {
		w := Columns(airtest.WideFibTrees(4, 5, true))
		c.spoil(w)
		if _, _, _, err := New(Options{}).ProveAIR(context.Background(), a, w); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error that contains %q", err, c.want)
		}
	}
}

// TestTimings: every stage is reported once in order, with its cells. The last
// one only reads what is there.
func TestTimings(t *testing.T) {
	var seen []Stage
	p := New(Options{Progress: func(s Stage) { seen = append(seen, s) }})
	program := proof.MatMul(16, 16, 16)
	_, w := cheapInput(t, p, program, randomInput(program, 1))
	_, timings, _, err := p.ProveAIR(context.Background(), cheapAIR(t, proof.Statement{Program: program}), w)
	if err != nil {
		t.Fatal(err)
	}
	want := Stages()[1:] // ProveAIR executes nothing
	for i, x := range timings {
		if x.Stage != want[i] || x.Cells <= 0 && x.Stage != StageOpen {
			t.Errorf("timing %d is %+v", i, x)
		}
	}
	if got, want := fmt.Sprint(seen), "[trace commit trace commit lookup commit compose quotient fri grind open]"; got != want {
		t.Errorf("stages %s, want %s", got, want)
	}
}
