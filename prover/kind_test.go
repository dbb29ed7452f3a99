package prover_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/program/programtest"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

func init() { programtest.Register() }

// squares returns a program of the second kind, an input of which the proof of work is
// short, and the output.
func squares(t testing.TB) (p proof.Program, input, output []byte) {
	t.Helper()
	kind := programtest.New(programtest.Body(16))
	p, err := proof.ParseProgram(kind.String())
	if err != nil {
		t.Fatal(err)
	}
	input = kind.TestInput(110)
	x := uint64(input[64]) + uint64(input[68])
	for i := range uint64(16) {
		x = (x*x + 7*i + 1) % (1<<31 - 1)
	}
	return p, input, []byte{byte(x), byte(x >> 8), byte(x >> 16), byte(x >> 24)}
}

// TestSecondKind takes a program that is no product of matrices from its input to a proof
// that verifies, and not for another output, input, job or program.
func TestSecondKind(t *testing.T) {
	p, input, want := squares(t)
	pr := prover.New(prover.Options{})
	in, err := pr.Input(t.Context(), p, input, p.DefaultProfile())
	if err != nil {
		t.Fatal(err)
	}
	if root, err := proof.JobRoot(p, input, p.DefaultProfile()); err != nil || root != in.Root() {
		t.Errorf("the job root is %v (%v) and %v", root, err, in.Root())
	}
	res, err := pr.Prove(t.Context(), in, proof.JobID{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(res.Output, want) {
		t.Errorf("the output is %x, want %x", res.Output, want)
	}
	s := res.Statement
	for name, f := range map[string]func() (proof.Digest, error){
		"prover": func() (proof.Digest, error) { return pr.ResultRoot(t.Context(), p, want, proof.Std) },
		"proof":  func() (proof.Digest, error) { return proof.ResultRoot(p, want, proof.Std) },
	} {
		if root, err := f(); err != nil || root != s.ResultRoot || !slices.Equal(root[:4], want) {
			t.Errorf("%s: the result root is %v (%v), want %v", name, root, err, s.ResultRoot)
		}
	}
	if report, err := proof.Verify(s, res.Proof, proof.Std); err != nil || report.Profile != proof.Std {
		t.Fatalf("%+v, %v", report, err)
	}
	other, err := proof.ParseProgram(programtest.New(input[4:68]).String())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(s *proof.Statement){
		"output":  func(s *proof.Statement) { s.ResultRoot[0] ^= 1 },
		"input":   func(s *proof.Statement) { s.JobRoot[0] ^= 1 },
		"job":     func(s *proof.Statement) { s.JobID[0] ^= 1 },
		"program": func(s *proof.Statement) { s.Program = other },
		"kind":    func(s *proof.Statement) { s.Program = proof.MatMul(1, 1, 1) },
	} {
		s := s
		change(&s)
		if _, err := proof.Verify(s, res.Proof, proof.Std); !errors.Is(err, proof.ErrInvalid) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	s.ResultRoot[31] = 1
	var invalid *proof.InvalidError
	if _, err := proof.Verify(s, res.Proof, proof.Std); !errors.As(err, &invalid) || invalid.Check != proof.CheckResultRoot {
		t.Errorf("a result root of no output: %v", err)
	}
}

// TestSecondKindTask makes a task of a program whose body is a part of the input.
func TestSecondKindTask(t *testing.T) {
	p, input, _ := squares(t)
	root, err := proof.JobRoot(p, input, proof.Std)
	if err != nil {
		t.Fatal(err)
	}
	task := proof.NewTask(p, proof.Std, "squares", input, root)
	body := proof.Digest(blake3.Sum256(input[:64]))
	if len(task.Inputs) != 3 || task.Inputs[0] != body || !slices.Equal(p.Blobs(), []proof.Digest{body}) {
		t.Errorf("parts %v, blobs %v", task.Inputs, p.Blobs())
	}
	if err := task.Validate(); err != nil {
		t.Error(err)
	}
	data, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	var back proof.Task
	if err := json.Unmarshal(data, &back); err != nil || back.ID() != task.ID() {
		t.Errorf("%s becomes %+v (%v)", data, back, err)
	}
	if err := back.CheckInput(input, root); err != nil {
		t.Error(err)
	}
	back.Inputs[0][0] ^= 1
	if err := back.Validate(); err == nil {
		t.Error("a task with another body passes")
	}
	if err := back.CheckInput(input, root); !errors.Is(err, proof.ErrContradiction) {
		t.Errorf("the job root is of the input, a hash is not: %v", err)
	}
	input[0] ^= 1
	var e *proof.InputError
	if err := p.CheckInput(input); !errors.As(err, &e) {
		t.Errorf("an input with another body: %v", err)
	}
	if _, err := prover.New(prover.Options{}).Execute(context.Background(), p, input); !errors.As(err, &e) {
		t.Errorf("an input with another body: %v", err)
	}
}
