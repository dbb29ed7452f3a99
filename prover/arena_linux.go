package prover

import (
	"context"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// newChunk maps n elements, n a multiple of hugePage. They begin with a huge page.
func newChunk(n int) *chunk {
	const page = 4 * hugePage
	pages, err := unix.Mmap(-1, 0, 4*n+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return &chunk{elems: make([]m31.Elem, n)} // which says more about the lack of memory
	}
	skip := -int(uintptr(unsafe.Pointer(&pages[0]))) & (page - 1)
	populate(pages[skip:][:4*n])
	return &chunk{unsafe.Slice((*m31.Elem)(unsafe.Pointer(&pages[skip])), n), pages}
}

// populate makes huge pages, as long as that is not a loss. The others are small and come
// when they are first written. A huge page costs a tenth to a third of the small ones in
// its place, but several times as much where a virtual machine has returned the free
// memory to its host.
func populate(memory []byte) {
	const (
		page       = 4 * hugePage
		smallPages = 800 * time.Microsecond // in the place of a huge one, about
		mostLost   = 10 * time.Millisecond
	)
	var lost atomic.Int64
	_ = parallel.For(context.Background(), len(memory)/page, 1, func(i, _ int) {
		if lost.Load() > int64(mostLost) {
			return
		}
		begin := time.Now()
		advise(memory[i*page:][:page], unix.MADV_HUGEPAGE)
		advise(memory[i*page:][:page], unix.MADV_POPULATE_WRITE)
		lost.Add(int64(time.Since(begin) - smallPages))
	})
}

// advise leaves errors out: where the system takes no advice everything works, but
// slower.
func advise(memory []byte, advice int) { _ = unix.Madvise(memory, advice) }

// settle lets the system replace small pages by huge ones, which saves later proofs a
// tenth of their time.
func (c *chunk) settle() {
	if c.pages != nil {
		advise(c.pages, unix.MADV_HUGEPAGE)
	}
}

// idle lets the system take the pages when it needs memory. Until then they stay, so
// that using them again costs nothing.
func (c *chunk) idle() {
	if c.pages != nil {
		advise(c.pages, unix.MADV_FREE)
	}
}

func (c *chunk) unmap() {
	if c.pages != nil {
		_ = unix.Munmap(c.pages) // fails for no mapping of Mmap
	}
}
