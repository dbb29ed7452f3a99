// Package matmul is the AIR of a matrix product C = A*B over M31, which is exact
// for int8 entries: univariate Freivalds with Horner accumulators.
// docs/spec/matmul.md states the layout, the constraints and their soundness.
package matmul

import (
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// W is the number of matrix entries in a row of the trace.
const W = 32

// MaxDim bounds m, k and n.
const MaxDim = 4096

// The trees of a proof, in order of commitment.
const (
	InputTree       = 0 // A, B and two selectors; its root is the job root
	ResultTree      = 1 // C; its root is the result root
	InteractionTree = 2 // accumulators
)

// Shape is a product of an M x K by a K x N matrix. DType is the code of the
// entries' type, which enters the transcript.
type Shape struct {
	M, K, N int
	DType   uint32
}

// Validate checks the dimensions.
func (s Shape) Validate() error {
	for _, d := range []struct {
		name string
		v    int
	}{{"m", s.M}, {"k", s.K}, {"n", s.N}} {
		if d.v < 1 || d.v > MaxDim {
			return fmt.Errorf("matmul: dimension %s is %d, want 1 to %d", d.name, d.v, MaxDim)
		}
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// blockRows returns R, the trace rows of one outer product.
func (s Shape) blockRows() int { return ceilDiv(max(s.M, s.N), W) }

// Stride returns the distance in C's flat layout between entries below each
// other.
func (s Shape) Stride() int { return W * ceilDiv(s.N, W) }

// LogRows returns log2 of the number of trace rows.
func (s Shape) LogRows() int {
	n := max(16, s.K*s.blockRows(), s.M*s.Stride()/W)
	k := 4
	for 1<<k < n {
		k++
	}
	return k
}

// kappa returns e, the exponent that aligns the outer products with C.
func (s Shape) kappa() int64 {
	n := int64(1) << s.LogRows()
	rw, stride := int64(s.blockRows()*W), int64(s.Stride())
	return W*n - stride*(rw-1) - rw
}

// ErrorBits returns the statistical security of the product check in bits: the
// polynomial in gamma has degree below W*rows + |e|, over a field of about 2^124
// elements.
func (s Shape) ErrorBits() int {
	e := s.kappa()
	degree := int64(W)<<s.LogRows() + max(e, -e)
	bits := 124
	for d := int64(1); d < degree; d <<= 1 {
		bits--
	}
	return bits
}

// columns allocates n columns of the trace's length, apart from each other by an odd
// number of cache lines: the same rows of all columns would compete for one place of
// a cache otherwise.
func (s Shape) columns(n int) [][]m31.Elem {
	const gap = 17 * line
	rows := 1 << s.LogRows()
	buf := make([]m31.Elem, n*(rows+gap))
	cols := make([][]m31.Elem, n)
	for i := range cols {
		cols[i] = buf[i*(rows+gap):][:rows:rows]
	}
	return cols
}

// Each calls f on ranges that cover 0 to n, maybe in parallel, and returns early
// with an error if it was stopped.
type Each func(n int, f func(lo, hi int)) error

// Sequential is the Each of a single goroutine.
func Sequential(n int, f func(lo, hi int)) error {
	f(0, n)
	return nil
}

// A Reader copies entries of a matrix to dst: the one with the given row-major index
// and those that follow in steps.
type Reader func(dst []m31.Elem, index, step int)

// Entries reads the elements of v.
func Entries(v []m31.Elem) Reader {
	return func(dst []m31.Elem, index, step int) {
		for i := range dst {
			dst[i] = v[index+i*step]
		}
	}
}

// line is the number of elements of a cache line. A trace has at least as many rows.
const line = 16

// layOut makes n columns in storage order of the rows that fill writes into zeroes.
// It fills whole cache lines, because the rows that are next to each other in storage
// come from all over the trace.
func (s Shape) layOut(n int, each Each, fill func(dst []m31.Elem, row int)) ([][]m31.Elem, error) {
	cols, log := s.columns(n), s.LogRows()
	err := each(1<<log/line, func(lo, hi int) {
		row, lines := make([]m31.Elem, n), make([][line]m31.Elem, n)
		for slot := lo * line; slot < hi*line; slot += line {
			for x := range line {
				clear(row)
				fill(row, circle.StorageToRow(slot+x, log))
				for i := range lines {
					lines[i][x] = row[i]
				}
			}
			for i, col := range cols {
				*(*[line]m31.Elem)(col[slot:]) = lines[i]
			}
		}
	})
	return cols, err
}

// EncodeInput lays A (M x K) and B (K x N) out as the columns of tree 0, in storage
// order.
func (s Shape) EncodeInput(a, b Reader, each Each) ([][]m31.Elem, error) {
	r := s.blockRows()
	return s.layOut(2*W+2, each, func(dst []m31.Elem, row int) {
		block, q := row/r, row%r
		if row == 0 {
			dst[2*W+1] = 1
		}
		if block >= s.K {
			return
		}
		if n := min(s.M-q*W, W); n > 0 {
			a(dst[:n], q*W*s.K+block, s.K)
		}
		if n := min(s.N-q*W, W); n > 0 {
			b(dst[W:W+n], block*s.N+q*W, 1)
		}
		if q == r-1 {
			dst[2*W] = 1
		}
	})
}

// EncodeResult lays C (M x N) out as the columns of tree 1, in storage order.
func (s Shape) EncodeResult(c Reader, each Each) ([][]m31.Elem, error) {
	return s.layOut(W, each, func(dst []m31.Elem, row int) {
		i, j := row*W/s.Stride(), row*W%s.Stride()
		if i < s.M {
			c(dst[:min(s.N-j, W)], i*s.N+j, 1)
		}
	})
}

// powers returns x^(W-1), ..., x, 1: the Horner weights of a row.
func powers(x m31.QM31) []m31.QM31 {
	out := make([]m31.QM31, W)
	p := m31.One
	for i := range out {
		out[W-1-i] = p
		p = p.Mul(x)
	}
	return out
}

// Interaction computes the columns of tree 2 from the challenge and the columns
// of trees 0 and 1 (storage order).
func (s Shape) Interaction(gamma m31.QM31, input, result [][]m31.Elem, each Each) ([][]m31.Elem, error) {
	rows := 1 << s.LogRows()
	alpha, beta := gamma, gamma.Pow(int64(s.Stride()))
	sums := [3]m31.SecureVec{m31.NewSecureVec(rows), m31.NewSecureVec(rows), m31.NewSecureVec(rows)}
	weights := [3][]m31.QM31{powers(beta), powers(alpha), powers(alpha)}
	sources := [3][][]m31.Elem{input[:W], input[W : 2*W], result}
	err := each(rows, func(lo, hi int) {
		part := make([]m31.Vec, W)
		for k, src := range sources {
			for i, col := range src {
				part[i] = col[lo:hi]
			}
			sums[k].Slice(lo, hi).AddProducts(part, weights[k])
		}
	})
	if err != nil {
		return nil, err
	}
	cols := s.columns(16)
	s.accumulate(cols, gamma, sums, input[2*W])
	return cols, nil
}

// accumulate runs the recurrences of the four accumulators over the rows.
func (s Shape) accumulate(cols [][]m31.Elem, gamma m31.QM31, h [3]m31.SecureVec, last []m31.Elem) {
	log := s.LogRows()
	alphaW, betaW := gamma.Pow(W), gamma.Pow(int64(s.Stride())*W)
	kappa := gamma.Pow(s.kappa())
	var acc [4]m31.SecureVec
	for k := range acc {
		acc[k] = m31.SecureVec(cols[4*k:])
	}
	var a, b, v, sum m31.QM31
	for r := range last {
		slot := circle.RowToStorage(r, log)
		v = v.Mul(alphaW).Add(h[2].At(slot))
		acc[2].Set(slot, v)
	}
	sum = v.Neg() // what the first row takes off
	for r := range last {
		slot := circle.RowToStorage(r, log)
		a = a.Mul(betaW).Add(h[0].At(slot))
		b = b.Mul(alphaW).Add(h[1].At(slot))
		if last[slot] == 1 {
			sum = sum.Add(kappa.Mul(a).Mul(b))
			a, b = m31.QM31{}, m31.QM31{}
		}
		acc[0].Set(slot, a)
		acc[1].Set(slot, b)
		acc[3].Set(slot, sum)
	}
}

// Preprocessed names the columns of tree 0.
func (s Shape) preprocessed() []air.Preprocessed {
	var out []air.Preprocessed
	add := func(id string) { out = append(out, air.Preprocessed{ID: id, LogSize: s.LogRows()}) }
	for i := range W {
		add(fmt.Sprintf("A%d", i))
	}
	for i := range W {
		add(fmt.Sprintf("B%d", i))
	}
	add("last")
	add("is_first_row")
	return out
}

// horner returns the sum of cells[s]*x^(W-1-s).
func horner(cells []air.Expr, x air.Expr) air.Expr {
	var acc air.Expr
	power := x.Pow(0)
	for i := len(cells) - 1; i >= 0; i-- {
		term := cells[i]
		if i < len(cells)-1 {
			term = term.Mul(power)
			acc = acc.Add(term)
		} else {
			acc = term
		}
		power = power.Mul(x)
	}
	return acc
}

// component records the constraints.
func (s Shape) component() (*air.Component, error) {
	b := air.NewComponent("matmul", s.LogRows())
	var as, bs, cs []air.Expr
	for i := range W {
		as = append(as, b.Pre(fmt.Sprintf("A%d", i)))
	}
	for i := range W {
		bs = append(bs, b.Pre(fmt.Sprintf("B%d", i)))
	}
	for range W {
		cs = append(cs, b.Column(ResultTree)[0])
	}
	last, first, one := b.Pre("last"), b.Pre("is_first_row"), b.Const(1)
	var now, before [4]air.Expr
	for i := range now {
		m := b.Secure(InteractionTree, -1, 0)
		before[i], now[i] = m[0], m[1]
	}
	alpha := b.Sym("gamma")
	beta := alpha.Pow(int64(s.Stride()))
	alphaW, betaW := alpha.Pow(W), beta.Pow(W)
	pa := before[0].Mul(betaW).Add(horner(as, beta))
	pb := before[1].Mul(alphaW).Add(horner(bs, alpha))
	keep := one.Sub(last)
	b.Constrain("acc_a", now[0].Sub(keep.Mul(pa)))
	b.Constrain("acc_b", now[1].Sub(keep.Mul(pb)))
	b.Constrain("V", now[2].Sub(one.Sub(first).Mul(before[2].Mul(alphaW)).Add(horner(cs, alpha))))
	product := alpha.Pow(s.kappa()).Mul(pa).Mul(pb).Mul(last)
	b.Constrain("S", now[3].Sub(before[3]).Sub(product).Add(first.Mul(before[2])))
	return b.Build()
}

// AIR returns the constraint system of the shape with a transcript that binds
// the given words (tag, version, job and shape) before anything else.
func (s Shape) AIR(kind stark.Kind, cfg stark.Config, words []uint32) (*air.AIR, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	c, err := s.component()
	if err != nil {
		return nil, err
	}
	return &air.AIR{
		Kind: kind, Config: cfg,
		Preprocessed: s.preprocessed(),
		Transcript: []air.Step{
			{Op: air.MixConfig},
			{Op: air.MixU32s, Words: words},
			{Op: air.Commit, Tree: InputTree},
			{Op: air.Commit, Tree: ResultTree},
			{Op: air.DrawFelt, Names: []string{"gamma"}},
			{Op: air.Commit, Tree: InteractionTree},
		},
		Components: []*air.Component{c},
	}, nil
}
