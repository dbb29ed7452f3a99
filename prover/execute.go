package prover

import (
	"context"

	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/exec"
	"github.com/bitsage/bitsage/proof"
)

// Execute runs a program on its input and returns its output.
func (p *Prover) Execute(ctx context.Context, program proof.Program, input []byte) ([]byte, error) {
	x, err := p.run(ctx, program, input)
	if err != nil {
		return nil, err
	}
	return x.Output(), nil
}

// run checks an input and runs a program on it.
func (p *Prover) run(ctx context.Context, of proof.Program, input []byte) (exec.Execution, error) {
	if err := of.CheckInput(input); err != nil {
		return nil, err
	}
	q, err := program.Parse(of.String())
	if err != nil {
		return nil, err
	}
	return exec.Execute(ctx, p.be, q, input)
}
