// Package backend defines the whole-column operations that a prover needs.
// Implementations differ in speed only: for the same input all of them return
// the same values, whatever the number of threads.
package backend

import (
	"context"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Backend runs the operations. Columns are in storage order unless a method says
// otherwise. Methods stop early with the context's error when it ends; outputs
// are then unspecified. A Backend is safe for concurrent use.
type Backend interface {
	// Name names the implementation for reports.
	Name() string

	// Interpolate writes to dst[i] the coefficients of the polynomial with the
	// evaluations values[i], which may be the same slice.
	Interpolate(ctx context.Context, dst, values [][]m31.Elem) error

	// Evaluate writes to dst[i] the evaluations of the polynomial coeffs[i] on
	// the canonic domain of size len(dst[i]).
	Evaluate(ctx context.Context, dst, coeffs [][]m31.Elem) error

	// Extend writes to dst[i] a part of the evaluations of the polynomial with the
	// evaluations values[i] on the canonic domain that has len(dst[i]) slots in a part,
	// at least len(values[i]).
	Extend(ctx context.Context, dst, values [][]m31.Elem, part Part) error

	// Merkle returns the layers of the lifted tree of height logHeight over the
	// columns, the root first and nil in place of the leaves, unless a leaf is the
	// root. They lie in room, which holds 1<<logHeight hashes.
	Merkle(ctx context.Context, h stark.Hasher, room []stark.Hash, columns [][]m31.Elem, logHeight int) ([][]stark.Hash, error)

	// MerklePacked returns the layers of the tree over a secure column whose
	// leaves hold 2^packing neighbours each, as Merkle does. Room holds as many
	// hashes as there are leaves.
	MerklePacked(ctx context.Context, h stark.Hasher, room []stark.Hash, column m31.SecureVec, packing int) ([][]stark.Hash, error)

	// EvalAt returns the values of polynomials at points.
	EvalAt(ctx context.Context, polys []Poly) ([]m31.QM31, error)

	// Constraints adds a component's constraint quotients to an accumulator.
	Constraints(ctx context.Context, c *Constraints) error

	// Fractions computes LogUp fractions.
	Fractions(ctx context.Context, f *Fractions) ([]m31.SecureVec, error)

	// Quotients writes the DEEP quotient column to dst, which has 1<<q.Log elements.
	Quotients(ctx context.Context, dst m31.SecureVec, q *Quotients) error

	// FoldCircle folds a secure column on the circle to one on a line, dst, which has
	// half its length and does not overlap it.
	FoldCircle(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error

	// FoldLine is FoldCircle for a column on a line domain.
	FoldLine(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error

	// Grind returns the smallest nonce that is a proof of work.
	Grind(ctx context.Context, pow stark.Pow) (uint64, error)
}

// Multiplier is a Backend that multiplies matrices too, which only programs that do so
// need.
type Multiplier interface {
	// MatMulInt8 writes the exact product of a (m x k) and b (k x n), all
	// row-major, to c. k is at most 65535.
	MatMulInt8(ctx context.Context, c []int32, a, b []int8, m, k, n int) error

	// MatMulM31 is MatMulInt8 over the field.
	MatMulM31(ctx context.Context, c, a, b []m31.Elem, m, k, n int) error
}

// Part is a part of a domain in storage order: cut into 2^Log equal parts, the one with
// the given index. The zero value is the whole domain.
type Part struct{ Index, Log int }

// Slots returns the range of the part in a domain of size 2^log.
func (p Part) Slots(log int) (lo, hi int) {
	n := 1 << (log - p.Log)
	return p.Index * n, (p.Index + 1) * n
}

// Poly asks for the value of a polynomial at a point. Either its coefficients are
// given or its evaluations on the canonic domain of the same size.
type Poly struct {
	Coeffs []m31.Elem
	Values []m31.Elem
	Point  circle.SecurePoint
}

// Constraints describes the evaluation of one component's constraints on a part of
// the domain of size 2^(LogSize+1).
type Constraints struct {
	Program *air.Program
	Part    Part
	Columns [][]m31.Elem // per program input: on the part, or with a row offset on the domain
	LogSize int
	Coeffs  []m31.QM31    // of the program's outputs
	Acc     m31.SecureVec // on the part += sum of Coeffs[i]*output[i] / vanishing
}

// Fractions describes the evaluation of a component's LogUp fractions on its
// rows. The program's outputs come in pairs, numerator and denominator.
type Fractions struct {
	Program *air.Program
	Columns [][]m31.Elem // per program input, on the trace domain
	LogSize int
	Pairs   int
}

// Quotients describes a DEEP quotient column: Batches over the columns of
// Trees, all lifted to size 2^Log.
type Quotients struct {
	Trees   [][][]m31.Elem
	Batches []*stark.Batch
	Log     int
}
