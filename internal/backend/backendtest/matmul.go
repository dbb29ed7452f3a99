package backendtest

import (
	"context"

	"github.com/bitsage/bitsage/internal/m31"
)

// multiplierTests are those of backends that multiply matrices.
var multiplierTests = []testCase{
	{"MatMulInt8", (*suite).matMulInt8},
	{"MatMulM31", (*suite).matMulM31},
	{"MatMulCancelled", (*suite).matMulCancelled},
}

// shapes of matrix products: vectors, odd sizes, a row, a column.
var shapes = [][3]int{{1, 1, 1}, {1, 1, 33}, {5, 3, 7}, {16, 16, 16}, {33, 31, 29}, {100, 1, 64}, {1, 4096, 1}, {3, 4096, 2}, {64, 17, 130}}

func (s *suite) matMulInt8() {
	fills := []func() int8{
		func() int8 { return int8(s.rng.Uint32()) },
		func() int8 { return -128 },
		func() int8 { return 127 },
		func() int8 { return []int8{-128, 127}[s.rng.IntN(2)] },
	}
	for _, d := range shapes {
		for i, fill := range fills {
			m, k, n := d[0], d[1], d[2]
			a, b := make([]int8, m*k), make([]int8, k*n)
			for j := range a {
				a[j] = fill()
			}
			for j := range b {
				b[j] = fill()
			}
			c := make([]int32, m*n)
			s.check(s.mul.MatMulInt8(context.Background(), c, a, b, m, k, n))
			for x := range c {
				var want int64
				for r := range k {
					want += int64(a[x/n*k+r]) * int64(b[r*n+x%n])
				}
				if int64(c[x]) != want {
					s.Fatalf("%v, entries of kind %d: entry %d is %d, want %d", d, i, x, c[x], want)
				}
			}
		}
	}
}

func (s *suite) matMulM31() {
	fills := []func() m31.Elem{s.elem, func() m31.Elem { return m31.P - 1 }, func() m31.Elem { return 0 }}
	for _, d := range shapes {
		for i, fill := range fills {
			m, k, n := d[0], d[1], d[2]
			a, b := make([]m31.Elem, m*k), make([]m31.Elem, k*n)
			for j := range a {
				a[j] = fill()
			}
			for j := range b {
				b[j] = fill()
			}
			c := make([]m31.Elem, m*n)
			s.check(s.mul.MatMulM31(context.Background(), c, a, b, m, k, n))
			for x := range c {
				var want uint64
				for r := range k {
					want = (want + uint64(a[x/n*k+r])*uint64(b[r*n+x%n])) % m31.P
				}
				if uint64(c[x]) != want {
					s.Fatalf("%v, entries of kind %d: entry %d is %d, want %d", d, i, x, c[x], want)
				}
			}
		}
	}
}

func (s *suite) matMulCancelled() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.ended("MatMulInt8", s.mul.MatMulInt8(ctx, make([]int32, 1), []int8{1}, []int8{1}, 1, 1, 1))
	v := make([]m31.Elem, 3)
	s.ended("MatMulM31", s.mul.MatMulM31(ctx, v[:1], v[1:2], v[2:], 1, 1, 1))
}
