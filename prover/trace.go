package prover

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/exec"
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
func (p *Prover) Input(ctx context.Context, of proof.Program, data []byte, profile proof.Profile) (*Input, error) {
	if err := profile.Validate(); err != nil {
		return nil, err
	}
	if err := of.CheckInput(data); err != nil {
		return nil, err
	}
	q, err := program.Parse(of.String())
	if err != nil {
		return nil, err
	}
	tree, err := p.commitData(ctx, of, program.InputTree, profile, func() ([][]m31.Elem, error) { return q.EncodeInput(data, exec.Each(ctx)) })
	if err != nil {
		return nil, err
	}
	return &Input{of, profile, data, tree}, nil
}

// JobRoot computes the commitment to a program's input, as proof.JobRoot does, on all
// processors. An Input has it too, and is ready to be proven.
func (p *Prover) JobRoot(ctx context.Context, of proof.Program, input []byte, profile proof.Profile) (proof.Digest, error) {
	in, err := p.Input(ctx, of, input, profile)
	if err != nil {
		return proof.Digest{}, err
	}
	return in.Root(), nil
}

// ResultRoot computes the commitment to a program's output, as proof.ResultRoot
// does, on all processors.
func (p *Prover) ResultRoot(ctx context.Context, of proof.Program, output []byte, profile proof.Profile) (proof.Digest, error) {
	if err := profile.Validate(); err != nil {
		return proof.Digest{}, err
	}
	if err := of.CheckOutput(output); err != nil {
		return proof.Digest{}, err
	}
	q, err := program.Parse(of.String())
	if err != nil {
		return proof.Digest{}, err
	}
	t, ok := q.(program.OutputTree)
	if !ok {
		return proof.ResultRoot(of, output, profile) // a digest
	}
	tree, err := p.commitData(ctx, of, program.ResultTree, profile, func() ([][]m31.Elem, error) { return t.EncodeOutput(output, exec.Each(ctx)) })
	if err != nil {
		return proof.Digest{}, err
	}
	return proof.Digest(tree.Root()), nil
}

// commitData commits to the columns of a tree of the program's proofs, which are made
// once it is clear that there is room for them.
func (p *Prover) commitData(ctx context.Context, of proof.Program, tree int, profile proof.Profile, columns func() ([][]m31.Elem, error)) (*Tree, error) {
	s := proof.Statement{Program: of}
	a, err := s.AIR(profile)
	if err != nil {
		return nil, err
	}
	l := a.Layout()
	how, n, err := p.choose(a, l, 0)
	if err != nil {
		return nil, err
	}
	data, err := columns()
	if err != nil {
		return nil, err
	}
	return p.commitEarly(ctx, l, tree, data, how, n)
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
	x, err := p.run(ctx, in.Program, in.Data)
	if err != nil {
		return nil, err
	}
	r.Output = x.Output()
	s.clock.count(len(r.Output) / 4)
	digest, err := s.claim(r, in.Profile)
	if err != nil {
		return nil, err
	}
	stark, err := s.prove(newExecution(in, x))
	if err != nil {
		return nil, fmt.Errorf("proving %v: %w", in.Program, err)
	}
	if !digest {
		r.Statement.ResultRoot = proof.Digest(stark.Commitments[program.ResultTree])
	}
	r.Proof = proof.New(stark, a.Kind)
	r.Timings = s.clock.timings()
	return r, nil
}

// claim completes the statement and its constraints once the output is known, if the
// commitment to the output is a digest and not the root of a tree that is yet to come.
func (s *session) claim(r *Result, profile proof.Profile) (digest bool, err error) {
	q, err := program.Parse(r.Statement.Program.String())
	if err != nil {
		return false, err
	}
	if _, digest = q.(program.OutputDigest); !digest {
		return false, nil
	}
	if r.Statement.ResultRoot, err = proof.ResultRoot(r.Statement.Program, r.Output, profile); err != nil {
		return true, err
	}
	s.air, err = r.Statement.AIR(profile)
	return true, err
}

// execution is the Witness of a program that has run on a committed input.
type execution struct {
	exec.Execution
	trees []*Tree // so far, the input's first
}

func newExecution(in *Input, x exec.Execution) *execution { return &execution{x, []*Tree{in.tree}} }

// Tree implements Witness.
func (x *execution) Tree(ctx context.Context, tree int, syms air.Symbols) (*Tree, error) {
	if tree < len(x.trees) {
		return x.trees[tree], nil
	}
	var before [][][]m31.Elem
	for _, t := range x.trees {
		before = append(before, t.values)
	}
	columns, err := x.Execution.Tree(ctx, before, syms)
	if err != nil {
		return nil, err
	}
	x.trees = append(x.trees, NewTree(columns))
	return x.trees[tree], nil
}
