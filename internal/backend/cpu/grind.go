package cpu

import (
	"context"
	"math"
	"runtime"
	"sync/atomic"

	"github.com/bitsage/bitsage/internal/parallel"
)

// Grind implements backend.Backend. Ranges of nonces are claimed in order and
// every worker stops at the first range beyond the best solution so far, so that
// no smaller nonce is left untried.
func (Backend) Grind(ctx context.Context, check func(uint64) bool) (uint64, error) {
	const chunk = 1 << 10
	var next, best atomic.Uint64
	best.Store(math.MaxUint64)
	workers := runtime.GOMAXPROCS(0)
	err := parallel.For(ctx, workers, 1, func(int, int) {
		for ctx.Err() == nil {
			lo := next.Add(chunk) - chunk
			if lo > best.Load() {
				return
			}
			for n := lo; n < lo+chunk; n++ {
				if check(n) {
					lowerTo(&best, n)
					return
				}
			}
		}
	})
	return best.Load(), err
}

func lowerTo(a *atomic.Uint64, v uint64) {
	for old := a.Load(); v < old && !a.CompareAndSwap(old, v); old = a.Load() {
	}
}
