package proof

import (
	"fmt"

	"github.com/bitsage/bitsage/internal/program/matmul"
)

// DType is the type of matrix entries. The zero DType is invalid.
type DType uint8

// The types. The values enter statements and must not change.
const (
	// Int8 entries give an exact int32 product.
	Int8 = DType(matmul.Int8)
	// M31 entries are integers modulo 2^31 - 1, and so is their product.
	M31 = DType(matmul.M31)
)

// String returns "int8" or "m31", and the number of what is no type.
func (d DType) String() string { return matmul.DType(d).String() }

// ParseDType is the inverse of String.
func ParseDType(s string) (DType, error) {
	d, err := matmul.ParseDType(s)
	if err != nil {
		return 0, fmt.Errorf("proof: %w", err)
	}
	return DType(d), nil
}

// MaxDim bounds the dimensions of a matrix product.
const MaxDim = matmul.MaxDim

// MatMul is the product of an m x k by a k x n matrix of int8, exact in int32. Its input
// is A and then B, its output is C, all of them row by row and C with four bytes an
// entry, little-endian.
func MatMul(m, k, n int) Program { return MatMulOf(Int8, m, k, n) }

// MatMulOf is MatMul for entries of the given type. Those of M31 take four bytes, in
// inputs too, little-endian.
func MatMulOf(d DType, m, k, n int) Program {
	return Program{matmul.Program{DType: matmul.DType(d), M: m, K: k, N: n}.String()}
}
