package matmul

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// trace is a product with its trees in row order. Nothing in it is zero that need
// not be, so that no change hides behind a factor of zero.
type trace struct {
	Shape
	air   *air.AIR
	gamma m31.QM31
	trees [][][]m31.Elem
}

func nonzero(rng *rand.Rand, n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		v[i] = 1 + m31.Elem(rng.Uint32N(m31.P-1))
	}
	return v
}

// product multiplies an m x k by a k x n matrix.
func product(a, b []m31.Elem, m, k, n int) []m31.Elem {
	c := make([]m31.Elem, m*n)
	for i := range c {
		for r := range k {
			c[i] = c[i].Add(a[i/n*k+r].Mul(b[r*n+i%n]))
		}
	}
	return c
}

// newTrace makes a random product of the shape.
func newTrace(t *testing.T, s Shape) *trace {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(s.M), uint64(s.N)))
	a, b := nonzero(rng, s.M*s.K), nonzero(rng, s.K*s.N)
	constraints, err := s.AIR(stark.Blake2s, stark.Config{LogBlowup: 1, Queries: 1, FoldStep: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := &trace{Shape: s, air: constraints, gamma: m31.Q(12345, 678910, 1<<30, m31.P-3)}
	input, result := encodeInput(s, a, b), encodeResult(s, product(a, b, s.M, s.K, s.N))
	interaction, err := s.Interaction(x.gamma, input, result, Sequential)
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range [][][]m31.Elem{input, result, interaction} {
		x.trees = append(x.trees, air.RowOrder(tree))
	}
	return x
}

// clone returns a copy with its own trees.
func (x *trace) clone() *trace {
	y := *x
	y.trees = make([][][]m31.Elem, len(x.trees))
	for t, tree := range x.trees {
		for _, col := range tree {
			y.trees[t] = append(y.trees[t], slices.Clone(col))
		}
	}
	return &y
}

func (x *trace) assert() error {
	return x.air.Assert(x.trees, air.Symbols{"gamma": x.gamma})
}

// affine is the map v -> mul*v + add, one step of a recurrence.
type affine struct{ mul, add m31.QM31 }

// cyclic returns the values of v[r] = steps[r](v[r-1]) that close over the last
// row, which a prover is free to choose as long as all constraints hold.
func cyclic(steps []affine) []m31.QM31 {
	mul, add := m31.One, m31.QM31{}
	for _, s := range steps {
		mul, add = s.mul.Mul(mul), s.mul.Mul(add).Add(s.add)
	}
	v := add.Mul(m31.One.Sub(mul).Inv())
	out := make([]m31.QM31, len(steps))
	for r, s := range steps {
		v = s.mul.Mul(v).Add(s.add)
		out[r] = v
	}
	return out
}

// weigh returns the sum of a row's cells times x^(W-1), ..., x, 1.
func weigh(cols [][]m31.Elem, row int, x m31.QM31) (sum m31.QM31) {
	for _, c := range cols {
		sum = sum.Mul(x).AddElem(c[row])
	}
	return sum
}

// solve recomputes tree 2 from trees 0 and 1 so that all constraints hold on all
// rows, save S on row 0 if the product is wrong: the best that a prover can do.
// It reads the constraints as docs/spec/matmul.md states them.
func (x *trace) solve() {
	n := 1 << x.LogRows()
	alpha, beta := x.gamma, x.gamma.Pow(int64(x.Stride()))
	alphaW, betaW, kappa := alpha.Pow(W), beta.Pow(W), alpha.Pow(x.kappa())
	last, first := x.trees[0][2*W], x.trees[0][2*W+1]
	var as, bs, vs []affine
	for r := range n {
		keep, goOn := m31.Elem(1).Sub(last[r]), m31.Elem(1).Sub(first[r])
		as = append(as, affine{betaW.MulElem(keep), weigh(x.trees[0][:W], r, beta).MulElem(keep)})
		bs = append(bs, affine{alphaW.MulElem(keep), weigh(x.trees[0][W:2*W], r, alpha).MulElem(keep)})
		vs = append(vs, affine{alphaW.MulElem(goOn), weigh(x.trees[1], r, alpha)})
	}
	a, b, v := cyclic(as), cyclic(bs), cyclic(vs)
	sums := make([]m31.QM31, n)
	var sum m31.QM31
	for r := range n {
		before := (r + n - 1) % n
		pa := a[before].Mul(betaW).Add(weigh(x.trees[0][:W], r, beta))
		pb := b[before].Mul(alphaW).Add(weigh(x.trees[0][W:2*W], r, alpha))
		sum = sum.Add(kappa.Mul(pa).Mul(pb).MulElem(last[r])).Sub(v[before].MulElem(first[r]))
		sums[r] = sum
	}
	for k, values := range [][]m31.QM31{a, b, v, sums} {
		for r, e := range values {
			m31.SecureVec(x.trees[2][4*k:4*k+4]).Set(r, e)
		}
	}
}

// mutate adds 1 to every cell of a tree in turn and returns the cells, as
// "column row", whose change nothing notices. If solved, the accumulators are
// recomputed from the changed cell, and then S must fail to close on row 0.
func mutate(t *testing.T, honest *trace, tree int, solved bool) (unnoticed []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range honest.trees[tree] {
		wg.Go(func() {
			x := honest.clone()
			for r := range x.trees[tree][c] {
				cell := &x.trees[tree][c][r]
				*cell = cell.Add(1)
				if solved {
					x.solve()
				}
				err := x.assert()
				if err == nil {
					mu.Lock()
					unnoticed = append(unnoticed, fmt.Sprint(c, " ", r))
					mu.Unlock()
				} else if err := wantRow(err, solved); err != nil {
					t.Errorf("tree %d column %d row %d: %v", tree, c, r, err)
				}
				*cell = honest.trees[tree][c][r]
			}
		})
	}
	wg.Wait()
	slices.Sort(unnoticed)
	return unnoticed
}

// wantRow checks that err is a broken constraint, of S on row 0 if solved.
func wantRow(err error, solved bool) error {
	var row *air.RowError
	if !errors.As(err, &row) || row.Component != "matmul" {
		return fmt.Errorf("%v, want a broken constraint of the component matmul", err)
	}
	if solved && (row.Row != 0 || row.Name != "S") {
		return fmt.Errorf("%v, want only S to break, on row 0", err)
	}
	return nil
}

var mutationShapes = []Shape{
	{M: 5, K: 3, N: 7},    // a block is one row
	{M: 9, K: 5, N: 40},   // two rows, the second of A's all padding
	{M: 20, K: 33, N: 17}, // more blocks than rows of C
}

// TestMutations changes every cell of every tree. The only changes that go
// unnoticed are those of the selector `last` on rows after the last block: A and
// B are zero there, and so is the product that the selector would add. A prover
// gains nothing by them, and the job root, which everyone recomputes, fixes the
// column anyway. In particular all padding of A, B and C counts: the partner of
// A's padding is a whole row of B, which is not zero.
func TestMutations(t *testing.T) {
	for _, s := range mutationShapes {
		honest := newTrace(t, s)
		if err := honest.assert(); err != nil {
			t.Fatal(err)
		}
		var idle []string
		for r := s.K * s.blockRows(); r < 1<<s.LogRows(); r++ {
			idle = append(idle, fmt.Sprint(2*W, " ", r))
		}
		slices.Sort(idle)
		for tree := range honest.trees {
			for _, solved := range []bool{false, true} {
				want := []string(nil)
				if tree == InputTree {
					want = idle
				}
				if tree == InteractionTree && solved {
					continue // solving overwrites the change
				}
				got := mutate(t, honest, tree, solved)
				if !slices.Equal(got, want) {
					t.Errorf("%+v, tree %d, accumulators recomputed: %v: %d changes go unnoticed, want %d: %.200q", s, tree, solved, len(got), len(want), got)
				}
			}
		}
	}
}

// TestDontCares pins the number of cells that do not matter.
func TestDontCares(t *testing.T) {
	for i, want := range []int{13, 22, 31} {
		s := mutationShapes[i]
		if got := 1<<s.LogRows() - s.K*s.blockRows(); got != want {
			t.Errorf("%+v: %d rows after the last block, want %d", s, got, want)
		}
	}
}

// TestSolve compares the accumulators that the constraints determine with those
// that the prover computes.
func TestSolve(t *testing.T) {
	for _, s := range append(mutationShapes, Shape{M: 1, K: 1, N: 1}, Shape{M: 1, K: 1, N: 70}, Shape{M: 33, K: 7, N: 64}) {
		x := newTrace(t, s)
		y := x.clone()
		y.solve()
		// The constraints determine S up to a constant.
		for c, col := range y.trees[2] {
			shift := x.trees[2][c][0].Sub(col[0])
			for r, e := range col {
				if c < 12 && shift != 0 || e.Add(shift) != x.trees[2][c][r] {
					t.Fatalf("%+v: accumulator column %d row %d differs", s, c, r)
				}
			}
		}
		if err := y.assert(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// TestZeroPartner shows where changes of single cells may hide: entries of A
// that meet a zero row of B do not enter the product.
func TestZeroPartner(t *testing.T) {
	s := Shape{M: 5, K: 3, N: 7}
	x := newTrace(t, s)
	const block = 1
	for c := range W {
		x.trees[0][W+c][block] = 0
	}
	a, b := make([]m31.Elem, s.M*s.K), make([]m31.Elem, s.K*s.N)
	for i := range a {
		a[i] = x.trees[0][i/s.K][i%s.K]
	}
	for i := range b {
		b[i] = x.trees[0][W+i%s.N][i/s.N]
	}
	x.trees[1] = air.RowOrder(encodeResult(s, product(a, b, s.M, s.K, s.N)))
	x.solve()
	if err := x.assert(); err != nil {
		t.Fatal(err)
	}
	for _, solved := range []bool{false, true} {
		got := mutate(t, x, InputTree, solved)
		// All of A's row, padding included, and the idle rows of `last`.
		if want := W + 13; len(got) != want {
			t.Errorf("accumulators recomputed: %v: %d changes go unnoticed, want %d: %q", solved, len(got), want, got)
		}
	}
}

// TestSelectorForgery shows why the job root matters: a prover that brings its
// own selectors satisfies the constraints with a wrong C. With `last` zero
// everywhere nothing is multiplied, and C = 0 passes.
func TestSelectorForgery(t *testing.T) {
	x := newTrace(t, Shape{M: 5, K: 3, N: 7})
	clear(x.trees[0][2*W])
	for _, col := range x.trees[1] {
		clear(col)
	}
	x.solve()
	if err := x.assert(); err != nil {
		t.Errorf("the constraints alone do not rule this out, but %v", err)
	}
}
