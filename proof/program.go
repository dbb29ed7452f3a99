package proof

import (
	"encoding/binary"
	"fmt"

	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
)

// DType is the type of matrix entries. The zero DType is invalid.
type DType uint8

// The types. The values enter statements and must not change.
const (
	// Int8 entries give an exact int32 product.
	Int8 DType = 8
	// M31 entries are integers modulo 2^31 - 1, and so is their product.
	M31 DType = 31
)

// String returns "int8" or "m31".
func (d DType) String() string {
	switch d {
	case Int8:
		return "int8"
	case M31:
		return "m31"
	}
	return fmt.Sprintf("proof.DType(%d)", uint8(d))
}

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, error) {
	for _, d := range []DType{Int8, M31} {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("proof: unknown dtype %q, want int8 or m31", s)
}

// inputSize and outputSize return the bytes of an entry.
func (d DType) inputSize() int {
	if d == Int8 {
		return 1
	}
	return 4
}

const outputSize = 4

// MaxDim bounds the dimensions of a matrix product.
const MaxDim = matmul.MaxDim

// Program says what is computed. Programs are comparable. The zero Program is
// invalid; make one with MatMul.
type Program struct {
	dtype   DType
	m, k, n int
}

// MatMul is the product of an m x k by a k x n matrix of int8, exact in int32.
func MatMul(m, k, n int) Program { return MatMulOf(Int8, m, k, n) }

// MatMulOf is MatMul for entries of the given type.
func MatMulOf(d DType, m, k, n int) Program { return Program{d, m, k, n} }

// Dims returns the dimensions m, k and n.
func (p Program) Dims() (m, k, n int) { return p.m, p.k, p.n }

// DType returns the type of the entries.
func (p Program) DType() DType { return p.dtype }

// String returns a description such as "matmul int8 1024x1024x1024".
func (p Program) String() string {
	return fmt.Sprintf("matmul %v %dx%dx%d", p.dtype, p.m, p.k, p.n)
}

// MarshalText implements [encoding.TextMarshaler] by String.
func (p Program) MarshalText() ([]byte, error) { return []byte(p.String()), p.Validate() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Program) UnmarshalText(text []byte) error {
	var dtype string
	var q Program
	if _, err := fmt.Sscanf(string(text), "matmul %s %dx%dx%d", &dtype, &q.m, &q.k, &q.n); err != nil {
		return fmt.Errorf("proof: malformed program %.80q: %w", text, err)
	}
	var err error
	if q.dtype, err = ParseDType(dtype); err != nil {
		return err
	}
	if q.String() != string(text) {
		return fmt.Errorf("proof: malformed program %.80q, did you mean %q?", text, q)
	}
	*p = q
	return p.Validate()
}

// Validate reports whether the program can be proven.
func (p Program) Validate() error {
	if p == (Program{}) {
		return fmt.Errorf("proof: no program: use proof.MatMul(m, k, n)")
	}
	if _, err := ParseDType(p.dtype.String()); err != nil {
		return fmt.Errorf("proof: unknown dtype %d, want Int8 or M31", uint8(p.dtype))
	}
	if err := p.shape().Validate(); err != nil {
		return fmt.Errorf("proof: %w", err)
	}
	return nil
}

func (p Program) shape() matmul.Shape {
	return matmul.Shape{M: p.m, K: p.k, N: p.n, DType: uint32(p.dtype)}
}

// InputSize returns the length of the input: A and then B, both row-major,
// entries of one byte (int8, two's complement) or four (m31, little-endian).
func (p Program) InputSize() int { return (p.m*p.k + p.k*p.n) * p.dtype.inputSize() }

// NumParts returns the number of parts of an input: two, A and B.
func (p Program) NumParts() int { return 2 }

// Parts returns the parts of an input, of which each is known and fetched by a hash of
// its own: A and B. The input must have passed CheckInput.
func (p Program) Parts(input []byte) [][]byte {
	n := p.m * p.k * p.dtype.inputSize()
	return [][]byte{input[:n], input[n:]}
}

// OutputSize returns the length of the output: C, row-major, four bytes an entry,
// little-endian (int32 for int8 inputs).
func (p Program) OutputSize() int { return p.m * p.n * outputSize }

// InputError says what is wrong with the input or output of a program.
type InputError struct {
	Program Program
	What    string // "input" or "output"
	Reason  string
}

// Error implements error.
func (e *InputError) Error() string {
	return fmt.Sprintf("proof: %s of %v: %s", e.What, e.Program, e.Reason)
}

// CheckInput reports whether input is an input of the program: its length, and
// that entries are in range.
func (p Program) CheckInput(input []byte) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(input) != p.InputSize() {
		return &InputError{p, "input", fmt.Sprintf("%d bytes, want %d (A %dx%d, then B %dx%d, %d bytes an entry)",
			len(input), p.InputSize(), p.m, p.k, p.k, p.n, p.dtype.inputSize())}
	}
	if p.dtype == M31 {
		return p.checkElems("input", input)
	}
	return nil // every byte is an int8
}

// CheckOutput reports whether output is an output of the program.
func (p Program) CheckOutput(output []byte) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if len(output) != p.OutputSize() {
		return &InputError{p, "output", fmt.Sprintf("%d bytes, want %d (C %dx%d, 4 bytes an entry)", len(output), p.OutputSize(), p.m, p.n)}
	}
	if p.dtype == M31 {
		return p.checkElems("output", output)
	}
	bound := int32(p.k) << 14 // |a*b| <= 2^14, and k <= 4096 such terms are below p/2
	for i := 0; i < len(output); i += 4 {
		if v := int32(binary.LittleEndian.Uint32(output[i:])); v > bound || v < -bound {
			return &InputError{p, "output", fmt.Sprintf("entry %d is %d, beyond any product of int8", i/4, v)}
		}
	}
	return nil
}

func (p Program) checkElems(what string, data []byte) error {
	for i := 0; i < len(data); i += 4 {
		if v := binary.LittleEndian.Uint32(data[i:]); v >= m31.P {
			return &InputError{p, what, fmt.Sprintf("entry %d is %d, want less than 2^31 - 1", i/4, v)}
		}
	}
	return nil
}

// reader reads the entries of a part of an input, or of an output: both of four bytes
// for M31, else of the given size. The data must have been checked.
func (p Program) reader(data []byte, size int) matmul.Reader {
	switch {
	case p.dtype == M31:
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

// EncodeTree checks and lays out a program's input (tree 0) or output (tree 1) as
// columns in storage order. Packages of this module use it to commit to them.
func (p Program) EncodeTree(tree int, data []byte, each matmul.Each) ([][]m31.Elem, error) {
	if tree == matmul.InputTree {
		if err := p.CheckInput(data); err != nil {
			return nil, err
		}
		parts, size := p.Parts(data), p.dtype.inputSize()
		return p.shape().EncodeInput(p.reader(parts[0], size), p.reader(parts[1], size), each)
	}
	if err := p.CheckOutput(data); err != nil {
		return nil, err
	}
	return p.shape().EncodeResult(p.reader(data, outputSize), each)
}
