package prover

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/proof"
)

// Input is a program's input, committed. A worker makes one to compare the job
// root before it accepts a job, and proves from it without committing again. It is
// read-only and safe for concurrent use.
type Input struct {
	Program proof.Program
	Profile proof.Profile
	Data    []byte
	tree    *Tree
}

// Root returns the job root.
func (in *Input) Root() proof.Digest { return proof.Digest(in.tree.Root()) }

// Size returns the bytes of memory that the input and its commitment take.
func (in *Input) Size() int64 {
	t, n := in.tree, len(in.Data)
	for _, columns := range [][][]m31.Elem{t.values, t.coeffs, t.evals} {
		n += 4 * cells(columns)
	}
	for _, l := range t.layers {
		n += len(l) * len(stark.Hash{})
	}
	return int64(n)
}

// Input checks, lays out and commits a program's input under a profile.
func (p *Prover) Input(ctx context.Context, program proof.Program, data []byte, profile proof.Profile) (*Input, error) {
	tree, err := p.commitData(ctx, program, matmul.InputTree, data, profile)
	if err != nil {
		return nil, err
	}
	return &Input{program, profile, data, tree}, nil
}

// JobRoot computes the commitment to a program's input, as proof.JobRoot does, on all
// processors. An Input has it too, and is ready to be proven.
func (p *Prover) JobRoot(ctx context.Context, program proof.Program, input []byte, profile proof.Profile) (proof.Digest, error) {
	tree, err := p.commitData(ctx, program, matmul.InputTree, input, profile)
	if err != nil {
		return proof.Digest{}, err
	}
	return proof.Digest(tree.Root()), nil
}

// ResultRoot computes the commitment to a program's output, as proof.ResultRoot
// does, on all processors.
func (p *Prover) ResultRoot(ctx context.Context, program proof.Program, output []byte, profile proof.Profile) (proof.Digest, error) {
	tree, err := p.commitData(ctx, program, matmul.ResultTree, output, profile)
	if err != nil {
		return proof.Digest{}, err
	}
	return proof.Digest(tree.Root()), nil
}

func (p *Prover) commitData(ctx context.Context, program proof.Program, tree int, data []byte, profile proof.Profile) (*Tree, error) {
	if err := program.Validate(); err != nil {
		return nil, err
	}
	s := proof.Statement{Program: program}
	a, err := s.AIR(profile)
	if err != nil {
		return nil, err
	}
	l := a.Layout()
	how, n, err := p.choose(a, l, 0)
	if err != nil {
		return nil, err
	}
	columns, err := program.EncodeTree(tree, data, each(ctx))
	if err != nil {
		return nil, err
	}
	return p.commitEarly(ctx, l, tree, columns, how, n)
}

// Result is a proven execution.
type Result struct {
	Statement proof.Statement
	Output    []byte
	Proof     *proof.Proof
	Timings   []Timing
}

// Prove executes the program on a committed input, for the given job, and proves
// the execution.
func (p *Prover) Prove(ctx context.Context, in *Input, job proof.JobID) (*Result, error) {
	r := &Result{Statement: proof.Statement{Program: in.Program, JobID: job, JobRoot: in.Root()}}
	a, err := r.Statement.AIR(in.Profile)
	if err != nil {
		return nil, err
	}
	s, err := p.session(ctx, a, in.Size())
	if err != nil {
		return nil, err
	}
	defer s.mem.release()
	s.clock.enter(StageExecute)
	if r.Output, err = p.Execute(ctx, in.Program, in.Data); err != nil {
		return nil, err
	}
	s.clock.count(len(r.Output) / 4)
	stark, err := s.prove(&matmulWitness{in: in, output: r.Output})
	if err != nil {
		return nil, fmt.Errorf("proving %v: %w", in.Program, err)
	}
	r.Statement.ResultRoot = proof.Digest(stark.Commitments[matmul.ResultTree])
	r.Proof = proof.New(stark, a.Kind)
	r.Timings = s.clock.timings()
	return r, nil
}

// each splits a matrix product's loops over all processors.
func each(ctx context.Context) matmul.Each {
	return func(n int, f func(lo, hi int)) error {
		return parallel.For(ctx, n, 1+n/256, f)
	}
}

// matmulWitness supplies the columns of a matrix product.
type matmulWitness struct {
	in     *Input
	output []byte
	result *Tree
}

// Tree implements Witness.
func (w *matmulWitness) Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error) {
	switch tree {
	case matmul.InputTree:
		return w.in.tree, nil
	case matmul.ResultTree:
		columns, err := w.in.Program.EncodeTree(tree, w.output, each(ctx))
		w.result = NewTree(columns)
		return w.result, err
	}
	m, k, n := w.in.Program.Dims()
	shape := matmul.Shape{M: m, K: k, N: n}
	columns, err := shape.Interaction(syms["gamma"], w.in.tree.values, w.result.values, each(ctx))
	return NewTree(columns), err
}

// Resolve implements Witness: the statement has no other values.
func (w *matmulWitness) Resolve(_ context.Context, name string, _ air.Symbols) (m31.QM31, error) {
	return m31.QM31{}, fmt.Errorf("prover: a matrix product has no value %q", name)
}
