package prover

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bitsage/bitsage/internal/m31"
)

// newChunk maps n elements, n a multiple of hugePage. They begin with a huge page;
// pages come into being when they are first written. They are small: where a virtual
// machine returns free memory to its host, making huge ones takes as long as a proof.
func newChunk(n int) *chunk {
	const page = 4 * hugePage
	pages, err := unix.Mmap(-1, 0, 4*n+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return &chunk{elems: make([]m31.Elem, n)} // which says more about the lack of memory
	}
	skip := -int(uintptr(unsafe.Pointer(&pages[0]))) & (page - 1)
	return &chunk{unsafe.Slice((*m31.Elem)(unsafe.Pointer(&pages[skip])), n), pages}
}

// idle lets the system take the pages when it needs memory. Until then they stay, so
// that using them again costs nothing. Meanwhile the system may make them huge, which
// saves later proofs a tenth of their time.
func (c *chunk) idle() {
	if c.pages != nil {
		// Advice: without it everything works, but slower.
		_ = unix.Madvise(c.pages, unix.MADV_HUGEPAGE)
		_ = unix.Madvise(c.pages, unix.MADV_FREE)
	}
}

func (c *chunk) unmap() {
	if c.pages != nil {
		_ = unix.Munmap(c.pages) // fails for no mapping of Mmap
	}
}
