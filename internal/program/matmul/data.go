package matmul

import (
	"encoding/binary"
	"fmt"

	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
)

// InputSize implements program.Program. An input is A and then B, both row-major, with
// entries of one byte (int8, two's complement) or four (m31, little-endian).
func (p Program) InputSize() int { return (p.M*p.K + p.K*p.N) * p.DType.inputSize() }

// OutputSize implements program.Program. The output is C, row-major, with entries of four
// bytes, little-endian (int32 for int8 inputs).
func (p Program) OutputSize() int { return p.M * p.N * outputSize }

// NumParts implements program.Program.
func (Program) NumParts() int { return 2 }

// Parts implements program.Program: A and B.
func (p Program) Parts(input []byte) [][]byte {
	n := p.M * p.K * p.DType.inputSize()
	return [][]byte{input[:n], input[n:]}
}

// CheckInput implements program.Program.
func (p Program) CheckInput(input []byte) error {
	if len(input) != p.InputSize() {
		return fmt.Errorf("%d bytes, want %d (A %dx%d, then B %dx%d, %d bytes an entry)",
			len(input), p.InputSize(), p.M, p.K, p.K, p.N, p.DType.inputSize())
	}
	if p.DType == M31 {
		return checkElems(input)
	}
	return nil // every byte is an int8
}

// CheckOutput implements program.Program.
func (p Program) CheckOutput(output []byte) error {
	if len(output) != p.OutputSize() {
		return fmt.Errorf("%d bytes, want %d (C %dx%d, 4 bytes an entry)", len(output), p.OutputSize(), p.M, p.N)
	}
	if p.DType == M31 {
		return checkElems(output)
	}
	bound := int32(p.K) << 14 // |a*b| <= 2^14, and k <= 4096 such terms are below p/2
	for i := 0; i < len(output); i += 4 {
		if v := int32(binary.LittleEndian.Uint32(output[i:])); v > bound || v < -bound {
			return fmt.Errorf("entry %d is %d, beyond any product of int8", i/4, v)
		}
	}
	return nil
}

func checkElems(data []byte) error {
	for i := 0; i < len(data); i += 4 {
		if v := binary.LittleEndian.Uint32(data[i:]); v >= m31.P {
			return fmt.Errorf("entry %d is %d, want less than 2^31 - 1", i/4, v)
		}
	}
	return nil
}

// TestInput implements program.Program.
func (p Program) TestInput(seed byte) []byte {
	input := make([]byte, p.InputSize())
	for i := range input {
		if input[i] = byte(i) * seed; p.DType == M31 && i%4 == 3 {
			input[i] &= 0x3f // of a number below 2^31-1
		}
	}
	return input
}

// EncodeInput implements program.Program.
func (p Program) EncodeInput(input []byte, each program.Each) ([][]m31.Elem, error) {
	parts, size := p.Parts(input), p.DType.inputSize()
	return p.shape().EncodeInput(p.reader(parts[0], size), p.reader(parts[1], size), matmul.Each(each))
}

// EncodeOutput implements program.OutputTree.
func (p Program) EncodeOutput(output []byte, each program.Each) ([][]m31.Elem, error) {
	return p.shape().EncodeResult(p.reader(output, outputSize), matmul.Each(each))
}

// Interaction computes the columns of the last tree from the challenge and the columns of
// the trees of input and output, in storage order.
func (p Program) Interaction(gamma m31.QM31, input, result [][]m31.Elem, each program.Each) ([][]m31.Elem, error) {
	return p.shape().Interaction(gamma, input, result, matmul.Each(each))
}

// reader reads the entries of a part of an input, or of an output: both of four bytes
// for M31, else of the given size. The data must have been checked.
func (p Program) reader(data []byte, size int) matmul.Reader {
	switch {
	case p.DType == M31:
		return func(dst []m31.Elem, index, step int) {
			for i := range dst {
				dst[i] = m31.Elem(binary.LittleEndian.Uint32(data[4*index:]))
				index += step
			}
		}
	case size == 1:
		return func(dst []m31.Elem, index, step int) {
			for i := range dst {
				dst[i] = signed(int32(int8(data[index])))
				index += step
			}
		}
	}
	return func(dst []m31.Elem, index, step int) {
		for i := range dst {
			dst[i] = signed(int32(binary.LittleEndian.Uint32(data[4*index:])))
			index += step
		}
	}
}

// signed returns v modulo p. |v| must be below p.
func signed(v int32) m31.Elem { return m31.Elem(v + v>>31&m31.P) }
