package cpu

import (
	"context"
	"math"
	"runtime"
	"sync/atomic"

	"github.com/bitsage/bitsage/internal/blake2s"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Grind implements backend.Backend. Ranges of nonces are claimed in order and
// every worker stops at the first range beyond the best solution so far, so that
// no smaller nonce is left untried.
func (Backend) Grind(ctx context.Context, pow stark.Pow) (uint64, error) {
	chunk := uint64(1 << 12) // below a millisecond of work, even in plain Go
	if pow.Kind == stark.Poseidon252 {
		chunk = 1 << 5
	}
	var next, best atomic.Uint64
	best.Store(math.MaxUint64)
	err := parallel.For(ctx, runtime.GOMAXPROCS(0), 1, func(int, int) {
		for ctx.Err() == nil {
			lo := next.Add(chunk) - chunk
			if lo > best.Load() {
				return
			}
			if n, ok := blake2s.Search(pow, lo, lo+chunk); ok {
				lowerTo(&best, n)
				return
			}
		}
	})
	return best.Load(), err
}

func lowerTo(a *atomic.Uint64, v uint64) {
	for old := a.Load(); v < old && !a.CompareAndSwap(old, v); old = a.Load() {
	}
}
