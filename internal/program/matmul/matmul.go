// Package matmul is the kind of program that multiplies two matrices. With its
// constraints (internal/air/matmul) and its executor (internal/program/exec) it is all that knows
// what a matrix product is. docs/spec/matmul.md has the statement.
package matmul

import (
	"fmt"
	"strconv"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/stark"
)

// DType is the type of matrix entries.
type DType uint8

// The types. The values enter statements and must not change.
const (
	Int8 DType = 8  // exact product in int32
	M31  DType = 31 // modulo 2^31 - 1
)

// String returns "int8" or "m31", and the number of what is no type.
func (d DType) String() string {
	switch d {
	case Int8:
		return "int8"
	case M31:
		return "m31"
	}
	return strconv.Itoa(int(d))
}

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, error) {
	for _, d := range []DType{Int8, M31} {
		if d.String() == s {
			return d, nil
		}
	}
	return 0, fmt.Errorf("unknown dtype %.40q, want int8 or m31", s)
}

// inputSize returns the bytes of an entry of A and B.
func (d DType) inputSize() int {
	if d == Int8 {
		return 1
	}
	return 4
}

// outputSize is the bytes of an entry of C.
const outputSize = 4

// MaxDim bounds the dimensions.
const MaxDim = matmul.MaxDim

// Kind is the kind of all matrix products.
type Kind struct{}

// Name implements program.Kind.
func (Kind) Name() string { return "matmul" }

// Tag implements program.Kind: "BSMM", little-endian.
func (Kind) Tag() uint32 { return 0x4d4d5342 }

// Profile implements program.Kind: 96 bits proven.
func (Kind) Profile() string { return "matmul-p96" }

// SelfTests implements program.Kind.
func (Kind) SelfTests() []program.SelfTest {
	return []program.SelfTest{
		{Program: Program{Int8, 16, 16, 16}, Profile: "std", Seed: 39},
		{Program: Program{M31, 16, 16, 16}, Profile: "std", Seed: 127},
	}
}

// Sample implements program.Kind.
func (Kind) Sample() program.Program { return Program{Int8, 64, 64, 64} }

// Parse implements program.Kind.
func (Kind) Parse(text string) (program.Program, error) {
	var dtype string
	var p Program
	if _, err := fmt.Sscanf(text, "matmul %s %dx%dx%d", &dtype, &p.M, &p.K, &p.N); err != nil {
		return nil, fmt.Errorf("malformed program %.80q, want one such as \"matmul int8 16x16x16\": %w", text, err)
	}
	var err error
	if p.DType, err = ParseDType(dtype); err != nil {
		return nil, err
	}
	if p.String() != text {
		return nil, fmt.Errorf("malformed program %.80q, did you mean %q?", text, p)
	}
	if err := p.shape().Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// Program is the product of an M x K by a K x N matrix.
type Program struct {
	DType   DType
	M, K, N int
}

// Kind implements program.Program.
func (Program) Kind() program.Kind { return Kind{} }

// String implements program.Program: a text such as "matmul int8 1024x1024x1024".
func (p Program) String() string { return fmt.Sprintf("matmul %v %dx%dx%d", p.DType, p.M, p.K, p.N) }

// Words implements program.Program.
func (p Program) Words() []uint32 {
	return []uint32{uint32(p.M), uint32(p.K), uint32(p.N), uint32(p.DType), matmul.W}
}

// Blobs implements program.Program: the text says it all.
func (Program) Blobs() []program.Digest { return nil }

// LogRows implements program.Program.
func (p Program) LogRows() int { return p.shape().LogRows() }

// ErrorBits implements program.Program.
func (p Program) ErrorBits() int { return p.shape().ErrorBits() }

// AIR implements program.Program.
func (p Program) AIR(kind stark.Kind, cfg stark.Config, c program.Claim) (*air.AIR, error) {
	return p.shape().AIR(kind, cfg, c.Words)
}

func (p Program) shape() matmul.Shape {
	return matmul.Shape{M: p.M, K: p.K, N: p.N, DType: uint32(p.DType)}
}
