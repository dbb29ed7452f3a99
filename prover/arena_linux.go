package prover

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bitsage/bitsage/internal/m31"
)

// newChunk maps n elements, n a multiple of hugePage. They begin with a huge page.
func newChunk(n int) *chunk {
	const page = 4 * hugePage
	pages, err := unix.Mmap(-1, 0, 4*n+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return &chunk{elems: make([]m31.Elem, n)} // which says more about the lack of memory
	}
	skip := -int(uintptr(unsafe.Pointer(&pages[0]))) & (page - 1)
	return &chunk{elems: unsafe.Slice((*m31.Elem)(unsafe.Pointer(&pages[skip])), n), pages: pages}
}

// smallPages is about what the small pages in the place of a huge one cost. A huge one
// costs a tenth to a third of it, but several times as much where a virtual machine has
// returned the free memory to its host.
const (
	smallPages = 800 * time.Microsecond
	mostLost   = 10 * time.Millisecond
)

// populate makes huge pages for the first n elements of a chunk, as long as that is not
// a loss. The others are small and come when they are first written.
func (a *arena) populate(c *chunk, n int) {
	for c.pages != nil && c.ready < n && a.lost < mostLost {
		page := unsafe.Slice((*byte)(unsafe.Pointer(&c.elems[c.ready])), 4*hugePage)
		begin := time.Now()
		// Advice: without it everything works, but slower.
		_ = unix.Madvise(page, unix.MADV_HUGEPAGE)
		_ = unix.Madvise(page, unix.MADV_POPULATE_WRITE)
		a.lost += time.Since(begin) - smallPages
		c.ready += hugePage
	}
}

// settle lets the system replace small pages by huge ones, which saves later proofs a
// tenth of their time.
func (c *chunk) settle() {
	if c.pages != nil {
		_ = unix.Madvise(c.pages, unix.MADV_HUGEPAGE)
	}
}

// idle lets the system take the pages when it needs memory. Until then they stay, so
// that using them again costs nothing.
func (c *chunk) idle() {
	if c.pages != nil {
		_ = unix.Madvise(c.pages, unix.MADV_FREE)
	}
}

func (c *chunk) unmap() {
	if c.pages != nil {
		_ = unix.Munmap(c.pages) // fails for no mapping of Mmap
	}
}
