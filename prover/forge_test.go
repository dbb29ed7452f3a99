package prover

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/proof"
)

// The tests of this file make proofs that stwo's own verification accepts, the
// constraint system's here as well, and that package proof must refuse by the
// roots and words of the statement. The roots are compared before anything else,
// so that proofs with little work show it under a real profile.

// checkOf returns the check that a constraint system or package proof says has failed.
func checkOf(err error) proof.Check {
	if e, ok := errors.AsType[*stark.InvalidError](err); ok {
		return proof.Check(e.Check)
	}
	if e, ok := errors.AsType[*proof.InvalidError](err); ok {
		return e.Check
	}
	return 0
}

// wantCheck expects err to say that the check has failed.
func wantCheck(t *testing.T, err error, want proof.Check) {
	t.Helper()
	if checkOf(err) != want || !errors.Is(err, proof.ErrInvalid) {
		t.Errorf("got %v, want the check of %v to fail", err, want)
	}
}

// statementOf returns the honest statement about a program's input under Fast.
func statementOf(t *testing.T, program proof.Program, data []byte) proof.Statement {
	t.Helper()
	s := proof.Statement{Program: program, JobID: proof.JobID{1}}
	var err error
	if s.JobRoot, err = proof.JobRoot(program, data, proof.Fast); err != nil {
		t.Fatal(err)
	}
	if s.ResultRoot, err = proof.ResultRoot(program, multiply(program, data), proof.Fast); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSwappedFactors: a proof of B*A is a good proof, of something else.
func TestSwappedFactors(t *testing.T) {
	p := New(Options{})
	program := proof.MatMul(16, 16, 16)
	data := randomInput(program, 1)
	s := statementOf(t, program, data)
	parts := program.Parts(data)
	_, w := cheapInput(t, p, program, slices.Concat(parts[1], parts[0]))
	made := mustProve(t, p, cheapAIR(t, s), w)
	_, err := proof.Verify(s, proof.New(made, stark.Blake2s), proof.Fast)
	wantCheck(t, err, proof.CheckJobRoot)
}

// withoutProduct is a witness of C = 0 for any A and B: its tree 0 has a selector
// `last` that never multiplies.
type withoutProduct struct {
	matmul.Shape
	input, result [][]m31.Elem
}

// Tree implements Witness.
func (w *withoutProduct) Tree(_ context.Context, tree int, syms air.Symbols) (*Tree, error) {
	switch tree {
	case matmul.InputTree:
		return NewTree(w.input), nil
	case matmul.ResultTree:
		return NewTree(w.result), nil
	}
	gamma := syms["gamma"]
	columns, err := w.Interaction(gamma, w.input, w.result, matmul.Sequential)
	if err != nil {
		return nil, err
	}
	rows := air.RowOrder(columns)
	closeCycle(rows[0:4], gamma.Pow(int64(w.Stride())*matmul.W))
	closeCycle(rows[4:8], gamma.Pow(matmul.W))
	return NewTree(air.StorageOrder(rows)), nil
}

// Resolve implements Witness.
func (w *withoutProduct) Resolve(context.Context, string, air.Symbols) (m31.QM31, error) {
	panic("no values")
}

// closeCycle changes v[r] = x*v[r-1] + h[r], which began with v[-1] = 0, so that
// v[-1] is the last row's value.
func closeCycle(columns [][]m31.Elem, x m31.QM31) {
	v := m31.SecureVec(columns)
	n := v.Len()
	shift := v.At(n - 1).Mul(m31.One.Sub(x.Pow(int64(n))).Inv())
	for r := range n {
		shift = shift.Mul(x)
		v.Set(r, v.At(r).Add(shift))
	}
}

// TestForgedSelectors proves that a product is zero, with selectors under which
// nothing is multiplied. The constraints hold; only the job root tells.
func TestForgedSelectors(t *testing.T) {
	program := proof.MatMul(5, 3, 7)
	data := randomInput(program, 2)
	lie := make([]byte, program.OutputSize())
	s := statementOf(t, program, data)
	var err error
	if s.ResultRoot, err = proof.ResultRoot(program, lie, proof.Fast); err != nil {
		t.Fatal(err)
	}
	w := &withoutProduct{Shape: matmul.Shape{M: 5, K: 3, N: 7}}
	if w.input, err = product(program).EncodeInput(data, matmul.Sequential); err != nil {
		t.Fatal(err)
	}
	if w.result, err = product(program).EncodeOutput(lie, matmul.Sequential); err != nil {
		t.Fatal(err)
	}
	clear(w.input[2*matmul.W])
	made := mustProve(t, New(Options{}), cheapAIR(t, s), w)
	if made.Commitments[matmul.ResultTree] != stark.Hash(s.ResultRoot) {
		t.Fatal("the forged proof is about another result")
	}
	_, err = proof.Verify(s, proof.New(made, stark.Blake2s), proof.Fast)
	wantCheck(t, err, proof.CheckJobRoot)
}

// forgedLeaf is a matrix product's witness whose tree 1 has one leaf hash
// replaced.
type forgedLeaf struct {
	*execution
	p    *Prover
	cfg  stark.Config
	leaf int
}

// Tree implements Witness.
func (w *forgedLeaf) Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error) {
	t, err := w.execution.Tree(ctx, tree, syms)
	if err != nil || tree != matmul.ResultTree {
		return t, err
	}
	if t, err = w.p.CommitTree(ctx, stark.Blake2s, w.cfg, t.Columns()); err != nil {
		return nil, err
	}
	h := stark.Blake2s.Hasher()
	height := len(t.layers) - 1
	t.layers = stark.MerkleLayers(h, t.evals, height) // leaves included
	t.layers[height][w.leaf][0] ^= 1
	for l, i := height-1, w.leaf/2; l >= 0; l, i = l-1, i/2 {
		t.layers[l][i] = h.Node(&t.layers[l+1][2*i], &t.layers[l+1][2*i+1])
	}
	return t, nil
}

// TestForgedLeaf replaces every leaf of the result's tree in turn. As long as no
// query hits the leaf, which with few queries is most of the time, the proof
// passes, and only the root recomputed from the result tells.
func TestForgedLeaf(t *testing.T) {
	p := New(Options{})
	program := proof.MatMul(5, 3, 7)
	data := randomInput(program, 2)
	s := statementOf(t, program, data)
	a := cheapAIR(t, s)
	in, honest := cheapInput(t, p, program, data)
	const leaves = 32 // 16 rows, blowup 2
	accepted := 0
	for leaf := range leaves {
		w := &forgedLeaf{newExecution(in, honest.Execution), p, a.Config, leaf}
		made, _, _, err := p.ProveAIR(context.Background(), a, w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Verify(made); err == nil {
			accepted++
		} else {
			wantCheck(t, err, proof.CheckMerkle)
		}
		_, err = proof.Verify(s, proof.New(made, stark.Blake2s), proof.Fast)
		wantCheck(t, err, proof.CheckResultRoot)
	}
	// A leaf escapes 5 queries among 32 with probability (31/32)^5 = 0.85.
	if accepted < leaves*2/3 {
		t.Errorf("%d of %d forged trees pass: the test does not show what it should", accepted, leaves)
	}
}

// TestEqualRoots finds statements of other shapes, types and jobs with the same
// roots. Their words in the transcript keep the proofs apart.
func TestEqualRoots(t *testing.T) {
	// A's last row is zero: without it both trees are the same. All entries are
	// positive, so that they are the same elements as int8 and as m31.
	program := proof.MatMul(16, 3, 8)
	data := fill(program, func() int64 { return 5 })
	clear(data[15*3 : 16*3])
	s := statementOf(t, program, data)
	p := New(Options{})
	_, w := cheapInput(t, p, program, data)
	made := mustProve(t, p, cheapAIR(t, s), w)

	shorter := proof.MatMul(15, 3, 8)
	var wide []byte
	for _, b := range data {
		wide = append(wide, b, 0, 0, 0)
	}
	for _, other := range []proof.Statement{
		statementOf(t, shorter, slices.Delete(bytes.Clone(data), 15*3, 16*3)),
		statementOf(t, proof.MatMulOf(proof.M31, 16, 3, 8), wide),
		{Program: program, JobID: proof.JobID{2}, JobRoot: s.JobRoot, ResultRoot: s.ResultRoot},
	} {
		if other.JobRoot != s.JobRoot || other.ResultRoot != s.ResultRoot {
			t.Errorf("%v has other roots than %v: the test does not show what it should", other.Program, program)
		}
		_, err := cheapAIR(t, other).Verify(made)
		wantCheck(t, err, proof.CheckComposition)
	}
}

// TestEqualResultRoots: the same numbers as 64x64 and as 32x128 have one root.
func TestEqualResultRoots(t *testing.T) {
	square, flat := proof.MatMul(64, 1, 64), proof.MatMul(32, 1, 128)
	data := randomInput(square, 3)
	s := statementOf(t, square, data)
	other := proof.Statement{Program: flat, JobID: s.JobID, JobRoot: s.JobRoot}
	var err error
	if other.ResultRoot, err = proof.ResultRoot(flat, multiply(square, data), proof.Fast); err != nil {
		t.Fatal(err)
	}
	if other.ResultRoot != s.ResultRoot {
		t.Error("the shapes have different roots: the test does not show what it should")
	}
	p := New(Options{})
	_, w := cheapInput(t, p, square, data)
	_, err = cheapAIR(t, other).Verify(mustProve(t, p, cheapAIR(t, s), w))
	wantCheck(t, err, proof.CheckComposition)
}
