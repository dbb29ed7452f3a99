// Package blake2s runs compressions of Blake2s on all lanes of the processor's
// vectors at once: to search for a proof of work, and to hash the rows and nodes of
// Merkle trees. What it computes is defined by package stark.
package blake2s

import "github.com/bitsage/bitsage/internal/stark"

//go:generate go run -C ../_asm ./blake2s -out ../blake2s/blake2s_amd64.s -stubs ../blake2s/blake2s_amd64.go -pkg blake2s

// kernels are the functions for vectors of one width. States are in groups of as
// many as there are lanes: first word 0 of all states of a group, then word 1.
type kernels struct {
	lanes, searchLanes int // lanes is also the number of words in a vector
	// search tries groups*searchLanes nonces from the given one on and returns the
	// index of the first whose digest's first word is good, or -1.
	search func(p *[32]uint32, nonce uint32, groups int) int
	// start is the state of a group before the first block.
	start []uint32
	// compress runs one block of each of groups*lanes messages. The states before it
	// are at from, step bytes from group to group. Word i of message j is the j-th at
	// msg[i]; bytes counts those hashed with the block; final is all
	// ones for the last block of a message, else zero.
	compress func(state, from *uint32, step int, msg *[16]*uint32, groups int, bytes, final uint32)
	// digests writes states as digests, their words modulo p if reduced.
	digests func(dst *byte, state *uint32, groups int, reduced bool)
	// nodes hashes pairs of digests.
	nodes func(dst, src *byte, groups int, reduced bool)
	// split separates the words with even and odd indices of 2*vectors vectors.
	split func(even, odd, src *uint32, vectors int)
}

// of returns the kernels that run h, nil if there are none, and whether h takes the
// words of digests modulo p.
func of(h stark.Hasher) (k *kernels, reduced bool) {
	switch h {
	case stark.Blake2s.Hasher():
		return vector(), false
	case stark.Blake2sM31.Hasher():
		return vector(), true
	}
	return nil, false
}

var iv = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

// param is the first word of the parameter block: one digest of 32 bytes, no key.
const param = 0x01010020
