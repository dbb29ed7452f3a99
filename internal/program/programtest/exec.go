package programtest

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/exec"
)

// executor runs programs of the kind.
type executor struct{}

// Execute implements exec.Executor.
func (executor) Execute(ctx context.Context, _ backend.Backend, p program.Program, input []byte) (exec.Execution, error) {
	steps := p.(Program).steps
	x := &execution{trace: make([]m31.Elem, steps)}
	v := elem(input[4*steps:]).Add(elem(input[4*steps+4:]))
	for i := range x.trace {
		x.trace[circle.RowToStorage(i, p.LogRows())] = v
		v = v.Mul(v).Add(elem(input[4*i:]))
	}
	x.output = binary.LittleEndian.AppendUint32(nil, uint32(v))
	return x, ctx.Err()
}

// execution is a program that has run.
type execution struct {
	output []byte
	trace  []m31.Elem
}

// Output implements exec.Execution.
func (x *execution) Output() []byte { return x.output }

// Tree implements exec.Execution: there is one besides the input's.
func (x *execution) Tree(context.Context, [][][]m31.Elem, air.Symbols) ([][]m31.Elem, error) {
	return [][]m31.Elem{x.trace}, nil
}

// Resolve implements exec.Execution: the statement has no values that come up later.
func (x *execution) Resolve(_ context.Context, name string, _ air.Symbols) (m31.QM31, error) {
	return m31.QM31{}, fmt.Errorf("programtest: there is no value %q", name)
}
