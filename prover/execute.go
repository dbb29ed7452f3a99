package prover

import (
	"context"
	"encoding/binary"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/proof"
)

// Execute runs a program on its input and returns its output.
func (p *Prover) Execute(ctx context.Context, program proof.Program, input []byte) ([]byte, error) {
	if err := program.CheckInput(input); err != nil {
		return nil, err
	}
	m, k, n := program.Dims()
	out := make([]byte, program.OutputSize())
	if program.DType() == proof.Int8 {
		entries := make([]int8, len(input))
		for i, b := range input {
			entries[i] = int8(b)
		}
		c := make([]int32, m*n)
		err := p.be.MatMulInt8(ctx, c, entries[:m*k], entries[m*k:], m, k, n)
		for i, v := range c {
			binary.LittleEndian.PutUint32(out[4*i:], uint32(v))
		}
		return out, err
	}
	entries := make([]m31.Elem, len(input)/4)
	for i := range entries {
		entries[i] = m31.Elem(binary.LittleEndian.Uint32(input[4*i:]))
	}
	c := make([]m31.Elem, m*n)
	err := p.be.MatMulM31(ctx, c, entries[:m*k], entries[m*k:], m, k, n)
	for i, v := range c {
		binary.LittleEndian.PutUint32(out[4*i:], uint32(v))
	}
	return out, err
}
