package prover

import (
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// arena hands out memory for the columns of one proof. All of it goes back to the
// pool at once, when the proof ends; nothing that outlives the proof may refer to
// it. An arena is not safe for concurrent use.
type arena struct {
	pool       *pool
	size       int // of a chunk, in elements, unless more are wanted
	chunks     []*chunk
	rest       []m31.Elem // of the last chunk
	used, peak int        // elements handed out, now and at most
}

const (
	// line is the number of elements of a cache line.
	line = 16
	// gap separates large columns by an odd number of cache lines, so that the same
	// rows of many columns do not compete for the same places of a cache.
	gap = 17 * line
)

// take returns n elements with unspecified contents, aligned to a cache line.
func (a *arena) take(n int) []m31.Elem {
	room := room(n)
	if len(a.rest) < room {
		c := a.pool.get(max(room, a.size))
		a.chunks = append(a.chunks, c)
		a.rest = c.elems
	}
	out := a.rest[:n:n]
	a.rest = a.rest[room:]
	a.used += room
	a.peak = max(a.peak, a.used)
	return out
}

// room returns how many elements of an arena n elements take up.
func room(n int) int {
	room := (n + line - 1) / line * line
	if n >= gap {
		room += gap
	}
	return room
}

func (a *arena) columns(n, length int) [][]m31.Elem {
	cols := make([][]m31.Elem, n)
	for i := range cols {
		cols[i] = a.take(length)
	}
	return cols
}

// scratch returns a function that takes back what is handed out from now on.
func (a *arena) scratch() (end func()) {
	n, rest, used := len(a.chunks), a.rest, a.used
	return func() {
		a.pool.put(a.chunks[n:])
		a.chunks, a.rest, a.used = a.chunks[:n], rest, used
	}
}

// release gives all memory back to the pool.
func (a *arena) release() {
	for _, c := range a.chunks {
		c.settle()
	}
	a.pool.put(a.chunks)
	a.pool.idleLater()
	a.chunks, a.rest, a.used = nil, nil, 0
}

// hashes allocates n hashes as elements, with unspecified contents.
func hashes(alloc func(n int) []m31.Elem, n int) []stark.Hash {
	const size = unsafe.Sizeof(stark.Hash{}) / unsafe.Sizeof(m31.Elem(0))
	return unsafe.Slice((*stark.Hash)(unsafe.Pointer(unsafe.SliceData(alloc(n*int(size))))), n)
}

// chunk is memory from the system, in huge pages where it has them.
type chunk struct {
	elems []m31.Elem
	pages []byte // nil if elems belong to the garbage collector
}

// pool keeps chunks between proofs. If there is no other proof for a while, the system
// may take the memory back when it runs short; all of it goes back once the pool is
// garbage.
type pool struct{ *shelf }

type shelf struct {
	mu   sync.Mutex
	free []*chunk
	uses int // by arenas
}

// keep is how long unused chunks stay for sure.
const keep = 10 * time.Second

func newPool() *pool {
	p := &pool{new(shelf)}
	runtime.AddCleanup(p, (*shelf).unmap, p.shelf)
	return p
}

// get returns a chunk of at least n elements, the smallest that there is.
func (s *shelf) get(n int) *chunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := -1
	for i, c := range s.free {
		if len(c.elems) >= n && (best < 0 || len(c.elems) < len(s.free[best].elems)) {
			best = i
		}
	}
	if best < 0 {
		return newChunk((n + hugePage - 1) / hugePage * hugePage)
	}
	c := s.free[best]
	s.free = slices.Delete(s.free, best, best+1)
	return c
}

func (s *shelf) put(chunks []*chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, chunks...)
}

// idleLater lets the system take the chunks back if they are still unused then.
func (s *shelf) idleLater() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses++
	uses := s.uses
	time.AfterFunc(keep, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.uses == uses {
			s.idle()
		}
	})
}

// idle lets the system take the unused chunks back. The caller holds the lock.
func (s *shelf) idle() {
	for _, c := range s.free {
		c.idle()
	}
}

func (s *shelf) unmap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.free {
		c.unmap()
	}
	s.free = nil
}

// hugePage is the number of elements of a huge page.
const hugePage = 2 << 20 / 4
