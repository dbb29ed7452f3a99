package exec

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/backend/cpu"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/matmul"
)

// matmulExecutor multiplies matrices, on the processor if the backend cannot.
type matmulExecutor struct{}

// Execute implements Executor.
func (matmulExecutor) Execute(ctx context.Context, be backend.Backend, p program.Program, input []byte) (Execution, error) {
	q := p.(matmul.Program)
	mul, ok := be.(backend.Multiplier)
	if !ok {
		mul = cpu.Backend{}
	}
	multiply := multiplyM31
	if q.DType == matmul.Int8 {
		multiply = multiplyInt8
	}
	output, err := multiply(ctx, mul, q, input)
	if err != nil {
		return nil, err
	}
	return &matmulExecution{q, output}, nil
}

func multiplyInt8(ctx context.Context, mul backend.Multiplier, p matmul.Program, input []byte) ([]byte, error) {
	entries := make([]int8, len(input))
	for i, b := range input {
		entries[i] = int8(b)
	}
	c := make([]int32, p.M*p.N)
	err := mul.MatMulInt8(ctx, c, entries[:p.M*p.K], entries[p.M*p.K:], p.M, p.K, p.N)
	return encode(c), err
}

func multiplyM31(ctx context.Context, mul backend.Multiplier, p matmul.Program, input []byte) ([]byte, error) {
	entries := make([]m31.Elem, len(input)/4)
	for i := range entries {
		entries[i] = m31.Elem(binary.LittleEndian.Uint32(input[4*i:]))
	}
	c := make([]m31.Elem, p.M*p.N)
	err := mul.MatMulM31(ctx, c, entries[:p.M*p.K], entries[p.M*p.K:], p.M, p.K, p.N)
	return encode(c), err
}

// encode writes the entries of a product.
func encode[E int32 | m31.Elem](entries []E) []byte {
	out := make([]byte, 4*len(entries))
	for i, v := range entries {
		binary.LittleEndian.PutUint32(out[4*i:], uint32(v))
	}
	return out
}

// matmulExecution supplies the columns of a matrix product.
type matmulExecution struct {
	program matmul.Program
	output  []byte
}

// Output implements Execution.
func (x *matmulExecution) Output() []byte { return x.output }

// Tree implements Execution.
func (x *matmulExecution) Tree(ctx context.Context, before [][][]m31.Elem, syms air.Symbols) ([][]m31.Elem, error) {
	if len(before) == program.ResultTree {
		return x.program.EncodeOutput(x.output, Each(ctx))
	}
	return x.program.Interaction(syms["gamma"], before[program.InputTree], before[program.ResultTree], Each(ctx))
}

// Resolve implements Execution: the statement has no other values.
func (x *matmulExecution) Resolve(_ context.Context, name string, _ air.Symbols) (m31.QM31, error) {
	return m31.QM31{}, fmt.Errorf("exec: a matrix product has no value %q", name)
}
