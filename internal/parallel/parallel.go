// Package parallel splits loops over goroutines.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// For calls f on consecutive ranges that cover 0 to n, from up to
// GOMAXPROCS goroutines, each range at most grain long, and returns when all
// calls have returned. It starts no more calls once ctx has ended.
func For(ctx context.Context, n, grain int, f func(lo, hi int)) error {
	return With(ctx, n, grain, func() struct{} { return struct{}{} }, func(_ struct{}, lo, hi int) { f(lo, hi) })
}

// With is For with working memory: every goroutine makes its own and passes it to all
// its calls of f.
func With[S any](ctx context.Context, n, grain int, scratch func() S, f func(s S, lo, hi int)) error {
	grain = max(grain, 1)
	chunks := (n + grain - 1) / grain
	workers := min(runtime.GOMAXPROCS(0), chunks)
	var next atomic.Int64
	work := func() {
		i := int(next.Add(1)) - 1
		if i >= chunks || ctx.Err() != nil {
			return
		}
		for s := scratch(); i < chunks && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			f(s, i*grain, min((i+1)*grain, n))
		}
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return ctx.Err()
}
