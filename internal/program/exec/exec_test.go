package exec

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/backend/cpu"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/matmul"
)

// plain is a backend that multiplies no matrices.
type plain struct{ backend.Backend }

// counting is one that does, and counts.
type counting struct {
	cpu.Backend
	products int
}

func (c *counting) MatMulM31(ctx context.Context, dst, a, b []m31.Elem, m, k, n int) error {
	c.products++
	return c.Backend.MatMulM31(ctx, dst, a, b, m, k, n)
}

// TestMultiplier multiplies by the backend if it can, else by the processor.
func TestMultiplier(t *testing.T) {
	p := matmul.Program{DType: matmul.M31, M: 2, K: 1, N: 2}
	input := []byte{2, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0}
	want := []byte{10, 0, 0, 0, 14, 0, 0, 0, 15, 0, 0, 0, 21, 0, 0, 0}
	can := &counting{}
	for _, be := range []backend.Backend{plain{cpu.Backend{}}, can} {
		x, err := Execute(t.Context(), be, p, input)
		if err != nil || !bytes.Equal(x.Output(), want) {
			t.Errorf("%T: %v, %v", be, x, err)
		}
	}
	if can.products != 1 {
		t.Errorf("the backend made %d products, want 1", can.products)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if x, err := Execute(ctx, plain{cpu.Backend{}}, p, input); err == nil {
		t.Errorf("after the end of its context: %v", x)
	}
}

// unknown is a kind without an executor.
type unknown struct{ matmul.Kind }

func (unknown) Name() string { return "unknown" }

type stranger struct{ matmul.Program }

func (stranger) Kind() program.Kind { return unknown{} }

func TestExecutors(t *testing.T) {
	if x, err := Execute(t.Context(), cpu.Backend{}, stranger{}, nil); err == nil || !strings.Contains(err.Error(), `"unknown"`) {
		t.Errorf("%v, %v", x, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a second executor of a kind was registered")
		}
	}()
	Register(matmul.Kind{}, matmulExecutor{})
}
