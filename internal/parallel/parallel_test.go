package parallel

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestWith expects every index once, ranges no longer than the grain, and no working
// memory in two hands at a time or made without need.
func TestWith(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, c := range []struct{ n, grain int }{{0, 1}, {1, 1}, {1, 0}, {7, 3}, {8, 8}, {9, 8}, {1000, 1}, {1000, 7}} {
		seen := make([]atomic.Int32, c.n)
		var made atomic.Int32
		scratch := func() *sync.Mutex {
			made.Add(1)
			return new(sync.Mutex)
		}
		err := With(t.Context(), c.n, c.grain, scratch, func(s *sync.Mutex, lo, hi int) {
			if !s.TryLock() {
				t.Error("two calls share their working memory")
			}
			defer s.Unlock()
			if lo >= hi || hi-lo > max(c.grain, 1) {
				t.Errorf("%d by %d: range from %d to %d", c.n, c.grain, lo, hi)
			}
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if k := seen[i].Load(); k != 1 {
				t.Fatalf("%d by %d: index %d came %d times", c.n, c.grain, i, k)
			}
		}
		if m := int(made.Load()); m > min(4, c.n) || m == 0 && c.n > 0 {
			t.Errorf("%d by %d: working memory made %d times", c.n, c.grain, m)
		}
	}
}

// TestForEnds expects no call once the context has ended.
func TestForEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	err := For(ctx, 1000, 1, func(int, int) {
		calls.Add(1)
		cancel()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if n := int(calls.Load()); n < 1 || n > runtime.GOMAXPROCS(0) {
		t.Errorf("%d calls", n)
	}
	if err := For(ctx, 5, 1, func(int, int) { t.Error("a call after the end") }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
