package main

import "time"

// clock measures the core's frequency in GHz, by products of 64 bits that depend on
// each other: each takes three cycles on the processors that the kernels are for.
func clock() float64 {
	const rounds, latency = 1 << 16, 3
	best := time.Duration(1<<63 - 1)
	for range 100 {
		start := time.Now()
		if chain(3, rounds) == 0 { // never: the product is odd
			return 0
		}
		best = min(best, time.Since(start))
	}
	return latency * 16 * rounds / float64(best.Nanoseconds())
}

// chain returns k^(16*rounds).
//
//go:noinline
func chain(k uint64, rounds int) uint64 {
	x := uint64(1)
	for range rounds {
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
		x *= k
	}
	return x
}
