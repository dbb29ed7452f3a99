//go:build unix

package impltest

import (
	"syscall"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Guarded returns n zero elements after which memory cannot be read or written: a
// kernel that goes beyond them crashes.
func Guarded[T any](t TestingT, n int) []T {
	var zero T
	page, size := syscall.Getpagesize(), n*int(unsafe.Sizeof(zero))
	room := (size + page - 1) / page * page
	mem, err := syscall.Mmap(-1, 0, room+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, syscall.Munmap(mem)) })
	require.NoError(t, syscall.Mprotect(mem[room:], syscall.PROT_NONE))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[room-size])), n)
}
