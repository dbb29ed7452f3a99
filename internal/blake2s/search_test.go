package blake2s

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/stark"
)

var blakes = []stark.Kind{stark.Blake2s, stark.Blake2sM31}

func randomPow(rng *rand.Rand, kind stark.Kind, bits int) stark.Pow {
	p := stark.Pow{Kind: kind, Bits: bits}
	for i := 0; i < len(p.Seed); i += 4 {
		binary.LittleEndian.PutUint32(p.Seed[i:], rng.Uint32())
	}
	return p
}

func sameSearch(t *testing.T, pow stark.Pow, start, end uint64) {
	t.Helper()
	n, ok := Search(pow, start, end)
	want, wantOK := searchGeneric(pow, start, end)
	if n != want || ok != wantOK {
		t.Fatalf("%+v from %d to %d: %d, %v, want %d, %v", pow, start, end, n, ok, want, wantOK)
	}
}

// TestSearch compares with the check of one nonce after the other: ranges of all
// lengths, ranges across 2^32 and up to the last nonce, and all difficulties that
// have solutions near.
func TestSearch(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for _, kind := range append(blakes, stark.Poseidon252) {
			for bits := -1; bits < 7; bits++ {
				sameSearch(t, randomPow(rng, kind, bits), 0, 100)
			}
		}
		for _, kind := range blakes {
			for n := range uint64(66) {
				for _, start := range []uint64{0, 5, 1<<32 - 20, 1<<32 - 64, 1 << 63, math.MaxUint64 - n} {
					sameSearch(t, randomPow(rng, kind, 6), start, start+n)
				}
			}
			for bits := 7; bits < 16; bits++ {
				sameSearch(t, randomPow(rng, kind, bits), rng.Uint64()>>1, math.MaxUint64)
			}
		}
	})
}

// TestSearchAll finds every solution in a range, so that every lane has some.
func TestSearchAll(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		for _, kind := range blakes {
			pow := randomPow(randtest.New(t), kind, 3)
			for n, ok := uint64(0), true; ok; n++ {
				sameSearch(t, pow, n, 4096)
				n, ok = Search(pow, n, 4096)
			}
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add([]byte("seed"), uint8(4), uint64(1<<32-7), uint8(100), true)
	f.Fuzz(func(t *testing.T, seed []byte, bits uint8, start uint64, n uint8, reduced bool) {
		pow := stark.Pow{Kind: stark.Blake2s, Bits: int(bits % 12)}
		if reduced {
			pow.Kind = stark.Blake2sM31
		}
		copy(pow.Seed[:], seed)
		end := start + uint64(n)
		if end < start {
			end = math.MaxUint64
		}
		impltest.Each(t, func(t *testing.T) { sameSearch(t, pow, start, end) })
	})
}

// BenchmarkSearch reports nonces a second of one thread.
func BenchmarkSearch(b *testing.B) {
	const n = 1 << 12
	impossible, easy := stark.Pow{Kind: stark.Blake2s, Bits: 128}, stark.Pow{Kind: stark.Blake2s, Bits: 8}
	want, _ := searchGeneric(easy, 0, n)
	impltest.Bench(b, "nonces", func(b *testing.B) {
		for b.Loop() {
			if _, ok := Search(impossible, 0, n); ok {
				b.Fatal("impossible work")
			}
		}
		b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mnonces/s")
		if got, ok := Search(easy, 0, n); !ok || got != want {
			b.Fatalf("nonce %d, want %d", got, want)
		}
	})
}
