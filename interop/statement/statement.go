// Package statement makes the statements that both provers prove: the built-in
// ones of stwo-oracle, matrix products, and any AIR with its columns in files.
package statement

import (
	"bufio"
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"strconv"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/prover"
)

// Statement is an AIR together with what fills its columns. Make one with the
// functions of this package; the zero value is of no use. It may be proven any
// number of times.
type Statement struct {
	AIR     *air.AIR
	witness func(*prover.Prover) prover.Witness
}

// Given is a statement whose columns, in storage order, are all known.
func Given(a *air.AIR, trees [][][]m31.Elem) *Statement {
	return &Statement{a, func(*prover.Prover) prover.Witness { return prover.Columns(trees) }}
}

// WideFib is the wide Fibonacci statement. With a preprocessed column, which no
// constraint reads, it can also be lifted.
func WideFib(kind stark.Kind, cfg stark.Config, logRows, columns int, preprocessed bool) (*Statement, error) {
	a, err := airtest.WideFib(kind, cfg, logRows, columns, preprocessed)
	if err != nil {
		return nil, err
	}
	return Given(a, airtest.WideFibTrees(logRows, columns, preprocessed)), nil
}

// LogUp is a table of squares and a component of another size that looks up in it.
func LogUp(kind stark.Kind, cfg stark.Config, logUser, logTable int) (*Statement, error) {
	a, err := airtest.LogUp(kind, cfg, logUser, logTable)
	if err != nil {
		return nil, err
	}
	trees := airtest.LogUpTrees(logUser, logTable)
	return &Statement{a, func(p *prover.Prover) prover.Witness { return p.Lookups(a, trees) }}, nil
}

// The types of the entries of a matrix product, as they enter its transcript.
const (
	Int8 = 8
	M31  = 31
)

// MatMul is the product of two matrices of arbitrary entries, which depend on the
// shape alone. Extreme values come first.
func MatMul(kind stark.Kind, cfg stark.Config, s matmul.Shape) (*Statement, error) {
	words := []uint32{uint32(s.M), uint32(s.K), uint32(s.N), s.DType}
	a, err := s.AIR(kind, cfg, words)
	if err != nil {
		return nil, err
	}
	left, right := entries(s, s.M*s.K, 1), entries(s, s.K*s.N, 2)
	input, err := s.EncodeInput(matmul.Entries(left), matmul.Entries(right), matmul.Sequential)
	if err != nil {
		return nil, err
	}
	result, err := s.EncodeResult(matmul.Entries(multiply(s, left, right)), matmul.Sequential)
	if err != nil {
		return nil, err
	}
	w := &product{s, input, result}
	return &Statement{a, func(*prover.Prover) prover.Witness { return w }}, nil
}

// entries returns n entries of the shape's type.
func entries(s matmul.Shape, n int, seed uint64) []m31.Elem {
	rng := rand.New(rand.NewPCG(uint64(s.M)<<32|uint64(s.K)<<16|uint64(s.N), seed))
	out := make([]m31.Elem, n)
	extreme := []m31.Elem{m31.P - 1, 0, 1, m31.P - 1}
	if s.DType == Int8 {
		extreme = []m31.Elem{m31.FromInt64(-128), 0, 127, m31.FromInt64(-128)}
	}
	for i := range out {
		if s.DType == Int8 {
			out[i] = m31.FromInt64(rng.Int64N(256) - 128)
		} else {
			out[i] = m31.Elem(rng.Uint32N(m31.P))
		}
	}
	copy(out, extreme)
	return out
}

// multiply returns the product of the row-major matrices a and b.
func multiply(s matmul.Shape, a, b []m31.Elem) []m31.Elem {
	out := make([]m31.Elem, s.M*s.N)
	row := make([]uint64, s.N)
	for i := range s.M {
		clear(row)
		for k := range s.K {
			x := uint64(a[i*s.K+k])
			for j, y := range b[k*s.N : (k+1)*s.N] {
				// Below 2^62 + 2^32: the sum so far is reduced to less than 2^32.
				v := row[j] + x*uint64(y)
				row[j] = v>>31 + v&m31.P
			}
		}
		for j, v := range row {
			out[i*s.N+j] = m31.New(v)
		}
	}
	return out
}

// product is the witness of a matrix product.
type product struct {
	shape         matmul.Shape
	input, result [][]m31.Elem
}

// Tree implements prover.Witness.
func (w *product) Tree(_ context.Context, tree int, syms air.Symbols) (*prover.Tree, error) {
	switch tree {
	case matmul.InputTree:
		return prover.NewTree(w.input), nil
	case matmul.ResultTree:
		return prover.NewTree(w.result), nil
	}
	cols, err := w.shape.Interaction(syms["gamma"], w.input, w.result, matmul.Sequential)
	return prover.NewTree(cols), err
}

// Resolve implements prover.Witness: a product has no such values.
func (w *product) Resolve(ctx context.Context, name string, syms air.Symbols) (m31.QM31, error) {
	return prover.Columns(nil).Resolve(ctx, name, syms)
}

// Made is a proof and what came up on the way.
type Made struct {
	Proof   *stark.Proof
	Timings []prover.Timing
	AIR     *air.AIR       // with the claimed sums
	Trees   [][][]m31.Elem // the columns of all trees, in storage order
}

// Prove proves the statement.
func (s *Statement) Prove(ctx context.Context, p *prover.Prover) (*Made, error) {
	r := &recorder{Witness: s.witness(p), resolved: make(map[string]m31.QM31)}
	proof, timings, _, err := p.ProveAIR(ctx, s.AIR, r)
	if err != nil {
		return nil, err
	}
	a := *s.AIR
	a.Public = maps.Clone(a.Public)
	if a.Public == nil {
		a.Public = make(map[string]m31.QM31)
	}
	maps.Copy(a.Public, r.resolved)
	return &Made{proof, timings, &a, r.trees}, nil
}

// recorder keeps what a witness supplies.
type recorder struct {
	prover.Witness
	trees    [][][]m31.Elem
	resolved map[string]m31.QM31
}

// Tree implements prover.Witness.
func (r *recorder) Tree(ctx context.Context, tree int, syms air.Symbols) (*prover.Tree, error) {
	t, err := r.Witness.Tree(ctx, tree, syms)
	if err == nil {
		r.trees = append(r.trees, t.Columns())
	}
	return t, err
}

// Resolve implements prover.Witness.
func (r *recorder) Resolve(ctx context.Context, name string, syms air.Symbols) (m31.QM31, error) {
	v, err := r.Witness.Resolve(ctx, name, syms)
	if err == nil {
		r.resolved[name] = v
	}
	return v, err
}

// WriteWitness writes columns in storage order as WITNESS.json.
func WriteWitness(w io.Writer, trees [][][]m31.Elem) error {
	b := bufio.NewWriter(w)
	b.WriteString(`{"order":"bit_reversed_circle_domain","trees":`)
	list(b, trees, func(tree [][]m31.Elem) {
		list(b, tree, func(col []m31.Elem) {
			list(b, col, func(e m31.Elem) { b.Write(strconv.AppendUint(b.AvailableBuffer(), uint64(e), 10)) })
		})
	})
	b.WriteString("}\n")
	return b.Flush() // returns the first error of all writes
}

// list writes a JSON array.
func list[T any](b *bufio.Writer, items []T, item func(T)) {
	b.WriteByte('[')
	for i, x := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		item(x)
	}
	b.WriteByte(']')
}
