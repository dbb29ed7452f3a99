package matmul

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// TestShapes pins the layout's figures, for exponents of kappa of every sign.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		m, k, n   int
		logRows   int
		kappa     int64
		errorBits int
	}{
		{1, 1, 1, 4, -512, 114},
		{1, 1, 33, 4, -3584, 112},
		{16, 16, 16, 4, -512, 114},
		{20, 33, 17, 6, 1024, 112},
		{32, 32, 32, 5, 0, 114},
		{64, 17, 130, 9, -9216, 109},
		{1024, 1024, 1024, 15, 0, 104},
		{4096, 4096, 4096, 19, 0, 100},
		{1, 4096, 4096, 19, 0, 100},
		{4096, 4096, 1, 19, 16642080, 99},
	} {
		s := Shape{M: c.m, K: c.k, N: c.n}
		if s.LogRows() != c.logRows || s.kappa() != c.kappa || s.ErrorBits() != c.errorBits {
			t.Errorf("%+v: 2^%d rows, exponent %d, %d bits, want 2^%d, %d, %d", s, s.LogRows(), s.kappa(), s.ErrorBits(), c.logRows, c.kappa, c.errorBits)
		}
	}
}

func TestShapeValidate(t *testing.T) {
	for _, c := range []struct {
		shape Shape
		want  string
	}{
		{Shape{}, "dimension m is 0"},
		{Shape{M: 1, K: -1, N: 1}, "dimension k is -1"},
		{Shape{M: 1, K: 1, N: 4097}, "dimension n is 4097, want 1 to 4096"},
	} {
		if err := c.shape.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.shape, err)
		}
		if _, err := c.shape.AIR(stark.Blake2s, stark.Config{LogBlowup: 1, Queries: 1, FoldStep: 1}, nil); err == nil {
			t.Errorf("%+v has an AIR", c.shape)
		}
	}
}

// TestRandomShapes asserts honest traces of random shapes, and that one wrong
// entry of C breaks them.
func TestRandomShapes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		s := Shape{M: 1 + rng.IntN(70), K: 1 + rng.IntN(20), N: 1 + rng.IntN(70)}
		x := newTrace(t, s)
		if err := x.assert(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		c := rng.IntN(W)
		r := rng.IntN(len(x.trees[ResultTree][c]))
		x.trees[ResultTree][c][r] = x.trees[ResultTree][c][r].Add(1 + m31.Elem(rng.Uint32N(m31.P-1)))
		x.solve()
		if err := wantRow(x.assert(), true); err != nil {
			t.Errorf("%+v with a wrong C at column %d row %d: %v", s, c, r, err)
		}
	}
}

// TestTransposed: the transpose of B gives another tree 0, but for symmetric B.
func TestTransposed(t *testing.T) {
	s := Shape{M: 3, K: 3, N: 3}
	rng := rand.New(rand.NewPCG(3, 4))
	a, b := nonzero(rng, 9), nonzero(rng, 9)
	transposed := make([]m31.Elem, 9)
	for i := range transposed {
		transposed[i] = b[i%3*3+i/3]
	}
	same := func(b, c []m31.Elem) bool {
		return slices.EqualFunc(encodeInput(s, a, b), encodeInput(s, a, c), slices.Equal[[]m31.Elem])
	}
	if same(b, transposed) {
		t.Error("the transpose is encoded alike")
	}
	x := newTrace(t, s)
	x.trees[0] = air.RowOrder(encodeInput(s, a, b))
	x.trees[1] = air.RowOrder(encodeResult(s, product(a, transposed, 3, 3, 3)))
	x.solve()
	if err := wantRow(x.assert(), true); err != nil {
		t.Error(err)
	}
}
