package prover

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/bitsage/bitsage/internal/m31"
)

// TestArena takes memory of all sizes and expects it to be apart, aligned, and used
// again after its release.
func TestArena(t *testing.T) {
	const size = 4 << 20
	a := arena{pool: newPool(), size: size}
	sizes := []int{1, 2, 15, 16, 17, gap - 1, gap, 1 << 12, 1 << 20, size, size + 1, 3, 1 << 20}
	for round := range 3 {
		var taken [][]m31.Elem
		for i, n := range sizes {
			b := a.take(n)
			if len(b) != n || cap(b) != n {
				t.Fatalf("%d elements: length %d, capacity %d", n, len(b), cap(b))
			}
			if uintptr(unsafe.Pointer(&b[0]))%(4*line) != 0 {
				t.Errorf("%d elements at %p", n, &b[0])
			}
			b[0], b[n-1] = m31.Elem(i), m31.Elem(i)
			taken = append(taken, b)
		}
		for i, b := range taken {
			if b[0] != m31.Elem(i) || b[len(b)-1] != m31.Elem(i) {
				t.Errorf("memory %d was written by another", i)
			}
		}
		chunks := len(a.chunks)
		a.release()
		if chunks != 4 {
			t.Errorf("round %d: %d chunks", round, chunks)
		}
		if free := len(a.pool.free); free != chunks {
			t.Errorf("round %d: %d of %d chunks are back", round, free, chunks)
		}
	}
}

// TestScratch expects memory to be handed out again after the end of its use, and
// what was taken before to stay.
func TestScratch(t *testing.T) {
	a := arena{pool: newPool(), size: 1 << 20}
	kept := a.take(100)
	kept[99] = 5
	for _, n := range []int{1, 1 << 19, 1 << 20, 1 << 21} {
		end := a.scratch()
		first := a.take(n)
		first[0], first[n-1] = 1, 1
		end()
		end = a.scratch()
		if again := a.take(n); &again[0] != &first[0] {
			t.Errorf("%d elements: other memory", n)
		}
		end()
	}
	if next := a.take(1); &next[0] == &kept[0] || kept[99] != 5 {
		t.Error("memory in use was handed out again")
	}
}

// TestPoolGarbage expects memory to be unmapped once nobody can use it.
func TestPoolGarbage(t *testing.T) {
	p := newPool()
	done := make(chan struct{})
	runtime.AddCleanup(p, func(done chan struct{}) { close(done) }, done)
	a := arena{pool: p}
	a.take(1)
	a.release()
	p, a = nil, arena{}
	for {
		runtime.GC()
		select {
		case <-done:
			return
		default:
		}
	}
}
