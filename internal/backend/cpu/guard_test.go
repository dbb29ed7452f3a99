package cpu

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
)

// guarded copies v to memory that ends with v. The test fails if something writes in
// front of it.
func guarded[T ~int8 | ~int32 | ~uint32 | ~uint64](t testing.TB, v []T) []T {
	t.Helper()
	if len(v) == 0 {
		return v
	}
	const before, mark = 64, 0x5a
	room := impltest.Guarded[T](t, before+len(v))
	for i := range before {
		room[i] = mark
	}
	t.Cleanup(func() {
		if slices.ContainsFunc(room[:before], func(x T) bool { return x != mark }) {
			t.Errorf("something wrote in front of %d elements: %v", len(v), room[:before])
		}
	})
	copy(room[before:], v)
	return room[before:]
}

func guardedColumns(t testing.TB, columns [][]m31.Elem) [][]m31.Elem {
	out := make([][]m31.Elem, len(columns))
	for i, c := range columns {
		out[i] = guarded(t, c)
	}
	return out
}

func guardedSecure(t testing.TB, v m31.SecureVec) m31.SecureVec {
	return m31.SecureVec(guardedColumns(t, v[:]))
}

// guardedBackend moves inputs and outputs to guarded memory. Packages circle and
// blake2s do so themselves for the operations that are theirs.
type guardedBackend struct {
	Backend
	t *testing.T
}

func (b guardedBackend) EvalAt(ctx context.Context, polys []backend.Poly) ([]m31.QM31, error) {
	polys = slices.Clone(polys)
	for i, p := range polys {
		polys[i].Coeffs, polys[i].Values = guarded(b.t, p.Coeffs), guarded(b.t, p.Values)
	}
	return b.Backend.EvalAt(ctx, polys)
}

func (b guardedBackend) Constraints(ctx context.Context, c *backend.Constraints) error {
	in := *c
	in.Columns, in.Acc = guardedColumns(b.t, c.Columns), guardedSecure(b.t, c.Acc)
	defer copySecure(c.Acc, in.Acc)
	return b.Backend.Constraints(ctx, &in)
}

func (b guardedBackend) Fractions(ctx context.Context, f *backend.Fractions) ([]m31.SecureVec, error) {
	in := *f
	in.Columns = guardedColumns(b.t, f.Columns)
	return b.Backend.Fractions(ctx, &in)
}

func (b guardedBackend) Quotients(ctx context.Context, dst m31.SecureVec, q *backend.Quotients) error {
	in, out := *q, guardedSecure(b.t, dst)
	in.Trees = slices.Clone(q.Trees)
	for i, columns := range q.Trees {
		in.Trees[i] = guardedColumns(b.t, columns)
	}
	defer copySecure(dst, out)
	return b.Backend.Quotients(ctx, out, &in)
}

func (b guardedBackend) FoldCircle(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error {
	out := guardedSecure(b.t, dst)
	defer copySecure(dst, out)
	return b.Backend.FoldCircle(ctx, out, guardedSecure(b.t, column), alpha)
}

func (b guardedBackend) FoldLine(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error {
	out := guardedSecure(b.t, dst)
	defer copySecure(dst, out)
	return b.Backend.FoldLine(ctx, out, guardedSecure(b.t, column), alpha)
}

func (b guardedBackend) MatMulInt8(ctx context.Context, c []int32, x, y []int8, m, k, n int) error {
	out := guarded(b.t, c)
	defer func() { copy(c, out) }()
	return b.Backend.MatMulInt8(ctx, out, guarded(b.t, x), guarded(b.t, y), m, k, n)
}

func (b guardedBackend) MatMulM31(ctx context.Context, c, x, y []m31.Elem, m, k, n int) error {
	out := guarded(b.t, c)
	defer func() { copy(c, out) }()
	return b.Backend.MatMulM31(ctx, out, guarded(b.t, x), guarded(b.t, y), m, k, n)
}

func copySecure(dst, src m31.SecureVec) {
	for k := range dst {
		copy(dst[k], src[k])
	}
}

// extreme returns elements most of which are the largest, where sums are closest to
// what they may be.
func extreme(rng *rand.Rand, n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		v[i] = m31.P - 1
		switch rng.IntN(8) {
		case 0:
			v[i] = 0
		case 1:
			v[i] = 1
		case 2:
			v[i] = m31.Elem(rng.Uint32N(m31.P))
		}
	}
	return v
}

func extremeSecure(rng *rand.Rand, n int) m31.SecureVec {
	return m31.SecureVec{extreme(rng, n), extreme(rng, n), extreme(rng, n), extreme(rng, n)}
}

func extremeColumns(rng *rand.Rand, logs ...int) [][]m31.Elem {
	out := make([][]m31.Elem, len(logs))
	for i, log := range logs {
		out[i] = extreme(rng, 1<<log)
	}
	return out
}

// otherZero guards a copy of v in which every other zero is P.
func otherZero(t testing.TB, v []m31.Elem) []m31.Elem {
	out, odd := guarded(t, v), false
	for i, x := range out {
		if x == 0 {
			if odd = !odd; odd {
				out[i] = m31.P
			}
		}
	}
	return out
}

func otherZeroSecure(t testing.TB, v m31.SecureVec) (out m31.SecureVec) {
	for k, c := range v {
		out[k] = otherZero(t, c)
	}
	return out
}

// tape reads the bytes of a fuzzer again and again, each time larger by one.
func tape(data []byte) func() uint32 {
	at := 0
	return func() (w uint32) {
		for i := 0; i < 4 && len(data) > 0; i++ {
			w |= uint32(data[at%len(data)]+byte(at/len(data))) << (8 * i)
			at++
		}
		return w
	}
}

// canonical reads n elements.
func canonical(next func() uint32, n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		v[i] = m31.New(uint64(next() & m31.P)) // P, too, is a zero
	}
	return v
}
