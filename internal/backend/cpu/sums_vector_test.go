//go:build amd64 && !purego

package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
)

// eachSums runs f with the kernels of every width.
func eachSums(t *testing.T, f func(t *testing.T, v *sumKernels)) {
	impltest.Each(t, func(t *testing.T) {
		if v := sumVectors(); v != nil {
			f(t, v)
		}
	})
}

func words(v []m31.Elem) []uint32 {
	out := make([]uint32, len(v))
	for i, e := range v {
		out[i] = uint32(e)
	}
	return out
}

// TestReduce takes sums up to the bound, at multiples of P and of powers of two, and
// groups with and without space between them.
func TestReduce(t *testing.T) {
	edges := []uint64{0, 1, m31.P - 1, m31.P, m31.P + 1, 2*m31.P - 1, 2 * m31.P, 1<<32 - 1, 1 << 32, m31.P * m31.P,
		1<<62 - 1, 1 << 62, 1<<63 - 1, (1<<63 - 1) / m31.P * m31.P, (1<<63-1)/m31.P*m31.P - 1}
	eachSums(t, func(t *testing.T, v *sumKernels) {
		rng := rand.New(rand.NewPCG(11, 12))
		for groups := 1; groups < 5; groups++ {
			for gap := range 3 {
				for range 20 {
					stride := v.lanes + gap
					acc := guarded(t, make([]uint64, (groups-1)*stride+v.lanes))
					for i := range acc {
						if acc[i] = edges[rng.IntN(len(edges))]; rng.IntN(4) == 0 {
							acc[i] = rng.Uint64() >> 1
						}
					}
					dst := guarded(t, words(extreme(rng, groups*v.lanes)))
					v.reduce(&dst[0], &acc[0], 8*stride, groups)
					for i, got := range dst {
						g, lane := i/v.lanes, i%v.lanes
						sum := acc[g*stride+lane%2*v.lanes/2+lane/2]
						if uint64(got) != sum%m31.P {
							t.Fatalf("%d modulo P is %d, want %d", sum, got, sum%m31.P)
						}
					}
				}
			}
		}
	})
}

// TestProduct multiplies four rows by a vector of columns, with extreme and with
// the largest numbers, up to the largest k.
func TestProduct(t *testing.T) {
	eachSums(t, func(t *testing.T, v *sumKernels) {
		rng := rand.New(rand.NewPCG(13, 14))
		for _, steps := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 1 << 14} {
			a, b := guarded(t, words(extreme(rng, 4*productRows*steps))), guarded(t, words(extreme(rng, 4*v.lanes*steps)))
			for _, largest := range []bool{false, true} {
				if largest {
					fill(a, m31.P)
					fill(b, m31.P-1)
					fill(b[:len(b)/2], m31.P)
				}
				dst := guarded(t, make([]uint64, productRows*v.lanes))
				v.product(&dst[0], &a[0], &b[0], steps)
				for i, got := range dst {
					r, lane := i/v.lanes, i%v.lanes
					column := lane%(v.lanes/2)*2 + lane/(v.lanes/2)
					var want uint64
					for k := range 4 * steps {
						want = (want + uint64(a[productRows*k+r])*uint64(b[v.lanes*k+column])) % m31.P
					}
					if got >= uint64(steps)<<34 || got%m31.P != want {
						t.Fatalf("%d steps, row %d, column %d: %d, want %d modulo P", steps, r, column, got, want)
					}
				}
			}
		}
	})
}

// TestDotSums starts from sums of its own, and looks at each of them.
func TestDotSums(t *testing.T) {
	eachSums(t, func(t *testing.T, v *sumKernels) {
		rng := rand.New(rand.NewPCG(15, 16))
		half := v.lanes / 2
		for _, steps := range []int{1, 2, 3, 4, 5, 1 << 10} {
			n := 2 * v.lanes * steps
			var in [6][]uint32 // two columns and four coordinates
			for i := range in {
				in[i] = guarded(t, words(extreme(rng, n)))
			}
			start := make([]uint64, 8*half)
			for i := range start {
				start[i] = rng.Uint64() >> 1
			}
			sums := guarded(t, start)
			v.dot(&sums[0], &in[0][0], &in[1][0], &in[2][0], &in[3][0], &in[4][0], &in[5][0], steps)
			for i := range 8 {
				var got, want uint64
				for j := range half {
					if sums[i*half+j]-start[i*half+j] >= uint64(steps)<<34 {
						t.Fatalf("%d steps added %d", steps, sums[i*half+j]-start[i*half+j])
					}
					got, want = (got+sums[i*half+j])%m31.P, (want+start[i*half+j])%m31.P
				}
				for k, x := range in[i/4] {
					want = (want + uint64(x)*uint64(in[2+i%4][k])) % m31.P
				}
				if got != want {
					t.Fatalf("%d steps, column %d, coordinate %d: %d, want %d", steps, i/4, i%4, got, want)
				}
			}
		}
	})
}

func fill(v []uint32, x uint32) {
	for i := range v {
		v[i] = x
	}
}
