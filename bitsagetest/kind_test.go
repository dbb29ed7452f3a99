package bitsagetest_test

import (
	"testing"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/bitsagetest"
	"github.com/bitsage/bitsage/internal/program/programtest"
	"github.com/bitsage/bitsage/proof"
)

func init() { programtest.Register() }

// TestSecondKind takes a job whose program is no product of matrices through the network:
// from quotes to a payment and a receipt that verifies.
func TestSecondKind(t *testing.T) {
	n := bitsagetest.New(t, bitsagetest.Options{})
	kind := programtest.New(programtest.Body(16))
	p, err := proof.ParseProgram(kind.String())
	if err != nil {
		t.Fatal(err)
	}
	input := kind.TestInput(110)
	job, err := n.Client().Submit(t.Context(), bitsage.Job{Program: p, Input: input, MaxFee: bitsage.SAGE(1)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := n.Client().Wait(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	n.RequirePaid(t, job.ID)
	if r.Task.Program != p || r.Task.Profile != p.DefaultProfile() || len(r.Task.Inputs) != 3 {
		t.Errorf("the receipt is of the task %+v", r.Task)
	}
	if _, err := r.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.VerifyInput(t.Context(), input); err != nil {
		t.Error(err)
	}
	if err := r.VerifyInput(t.Context(), kind.TestInput(111)); err == nil {
		t.Error("the receipt is of another input too")
	}
}
