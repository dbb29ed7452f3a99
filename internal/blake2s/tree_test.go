package blake2s

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"

	xblake2s "golang.org/x/crypto/blake2s"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/stark"
)

// randomColumn has the extremes 0, P-1 and P, the other zero, now and then.
func randomColumn(rng *rand.Rand, n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		switch rng.IntN(16) {
		case 0:
		case 1:
			v[i] = m31.P - 1
		case 2:
			v[i] = m31.P
		default:
			v[i] = m31.Elem(rng.Uint32N(m31.P))
		}
	}
	return v
}

func randomColumns(rng *rand.Rand, logs []int) [][]m31.Elem {
	out := make([][]m31.Elem, len(logs))
	for i, l := range logs {
		out[i] = randomColumn(rng, 1<<l)
	}
	return out
}

// leaves hashes row by row, from the definition in package stark.
func leaves(h stark.Hasher, columns [][]m31.Elem, log int) []stark.Hash {
	layers := stark.MerkleLayers(h, columns, log)
	return layers[log]
}

func hashRows(t *testing.T, r *Rows, err error) []stark.Hash {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got := make([]stark.Hash, 1<<r.log)
	step := min(len(got), 2*BlockRows)
	for first := 0; first < len(got); first += step { // several blocks a call
		r.Hash(got[first:first+step], first)
	}
	return got
}

func sameRows(t *testing.T, h stark.Hasher, columns [][]m31.Elem, log int) {
	t.Helper()
	r, err := NewRows(context.Background(), h, columns, log)
	got := hashRows(t, r, err)
	for i, want := range leaves(h, columns, log) {
		if got[i] != want {
			t.Fatalf("row %d of %d columns, log size %d: %x, want %x", i, len(columns), log, got[i], want)
		}
	}
}

// TestRows compares rows of all numbers of columns up to three blocks, and around
// 100, with those that package stark hashes.
func TestRows(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for _, kind := range blakes {
			for n := range 120 {
				if n > 49 && n < 95 {
					continue
				}
				for _, log := range []int{4, 5} {
					sameRows(t, kind.Hasher(), randomColumns(rng, slices.Repeat([]int{log}, n)), log)
				}
			}
			for log := range 11 {
				sameRows(t, kind.Hasher(), randomColumns(rng, slices.Repeat([]int{log}, 17)), log)
			}
		}
	})
}

// TestRowsLifted mixes columns of different sizes: in one block, in several, and
// all shorter than the tree.
func TestRowsLifted(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for _, kind := range blakes {
			for _, logs := range [][]int{{1}, {3, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, slices.Repeat([]int{5}, 16), slices.Repeat([]int{1, 9, 4}, 17)} {
				sameRows(t, kind.Hasher(), randomColumns(rng, logs), slices.Max(logs))
				sameRows(t, kind.Hasher(), randomColumns(rng, logs), slices.Max(logs)+2)
			}
			for range 30 {
				logs := make([]int, rng.IntN(100))
				spread := 1 + rng.IntN(8)
				for i := range logs {
					logs[i] = 1 + rng.IntN(spread)
				}
				sameRows(t, kind.Hasher(), randomColumns(rng, logs), 4+rng.IntN(5)+spread/2)
			}
		}
	})
}

// TestPackedRows spreads the values of a row over columns, one for each value and
// coordinate.
func TestPackedRows(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for _, kind := range append(blakes, stark.Poseidon252) {
			for log := range 8 {
				for packing := range 4 {
					v := m31.SecureVec(randomColumns(rng, slices.Repeat([]int{log + packing}, 4)))
					r, err := NewPackedRows(context.Background(), kind.Hasher(), v, packing)
					got := hashRows(t, r, err)
					columns := make([][]m31.Elem, 4<<packing)
					for i := range v.Len() {
						x := v.At(i).Coords()
						for c, e := range x {
							at := i%(1<<packing)*4 + c
							columns[at] = append(columns[at], e)
						}
					}
					if !slices.Equal(got, leaves(kind.Hasher(), columns, log)) {
						t.Fatalf("%v, log size %d, packing %d: the leaves differ", kind, log, packing)
					}
				}
			}
		}
	})
}

// TestNodes compares layers of all lengths up to four vectors.
func TestNodes(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for _, kind := range append(blakes, stark.Poseidon252) {
			h := kind.Hasher()
			for n := range 66 {
				if kind == stark.Poseidon252 && n > 3 {
					break
				}
				src := impltest.Guarded[stark.Hash](t, 2*n)
				for i := range src {
					for j := 0; j < len(src[i]); j += 4 {
						binary.LittleEndian.PutUint32(src[i][j:], rng.Uint32()>>rng.IntN(2))
					}
					if kind == stark.Poseidon252 {
						src[i][0] = 0
					}
				}
				got := impltest.Guarded[stark.Hash](t, n)
				Nodes(h, got, src)
				for i := range got {
					if want := h.Node(&src[2*i], &src[2*i+1]); got[i] != want {
						t.Fatalf("%v: node %d of %d: %x, want %x", kind, i, n, got[i], want)
					}
				}
			}
		}
	})
}

// TestRowsGuarded hashes columns and writes digests that end where a page ends.
func TestRowsGuarded(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := randtest.New(t)
		for _, log := range []int{4, 5, 9} {
			columns := make([][]m31.Elem, 21)
			for i := range columns {
				columns[i] = impltest.Guarded[m31.Elem](t, 1<<(log-i%3))
				copy(columns[i], randomColumn(rng, len(columns[i])))
			}
			r, err := NewRows(context.Background(), stark.Blake2s.Hasher(), columns, log)
			if err != nil {
				t.Fatal(err)
			}
			got := impltest.Guarded[stark.Hash](t, 1<<log)
			r.Hash(got, 0)
			if !slices.Equal(got, leaves(stark.Blake2s.Hasher(), columns, log)) {
				t.Fatalf("log size %d: the leaves differ", log)
			}
		}
	})
}

// reduceWords takes the words of a digest modulo p by division.
func reduceWords(h *stark.Hash) {
	for i := 0; i < len(h); i += 4 {
		binary.LittleEndian.PutUint32(h[i:], binary.LittleEndian.Uint32(h[i:])%m31.P)
	}
}

// TestDigests converts states with words at the edges of the reduction.
func TestDigests(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		k := vector()
		if k == nil {
			return // plain Go has no states
		}
		rng := randtest.New(t)
		edges := []uint32{0, 1, m31.P - 1, m31.P, m31.P + 1, 2*m31.P - 1, 2 * m31.P, 2*m31.P + 1}
		for groups := 1; groups < 4; groups++ {
			state := make([]uint32, 8*groups*k.lanes)
			for i := range state {
				if state[i] = rng.Uint32(); i%3 > 0 {
					state[i] = edges[rng.IntN(len(edges))]
				}
			}
			for _, reduced := range []bool{false, true} {
				got := impltest.Guarded[stark.Hash](t, groups*k.lanes)
				k.digests(&got[0][0], &state[0], groups, reduced)
				for i := range got {
					var want stark.Hash
					for w := range 8 {
						binary.LittleEndian.PutUint32(want[4*w:], state[i/k.lanes*8*k.lanes+w*k.lanes+i%k.lanes])
					}
					if reduced {
						reduceWords(&want)
					}
					if got[i] != want {
						t.Fatalf("digest %d: %x, want %x", i, got[i], want)
					}
				}
			}
		}
	})
}

// TestMessages hashes byte strings of all lengths: "abc" of RFC 7693, appendix B,
// and others against x/crypto.
func TestMessages(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		k := vector()
		if k == nil {
			return // x/crypto itself
		}
		const abc = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
		if got := hex.EncodeToString(digest(k, []byte("abc"))); got != abc {
			t.Errorf("abc: %s, want %s", got, abc)
		}
		rng := randtest.New(t)
		for n := range 300 {
			data := make([]byte, n)
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			want := xblake2s.Sum256(data)
			if got := digest(k, data); !slices.Equal(got, want[:]) {
				t.Errorf("%d bytes: %x, want %x", n, got, want)
			}
		}
	})
}

// digest hashes one message in the last lane, among others.
func digest(k *kernels, data []byte) []byte {
	state := slices.Clone(k.start)
	blocks := max(1, (len(data)+63)/64)
	padded := append(slices.Clone(data), make([]byte, 64*blocks-len(data))...)
	for b := range blocks {
		var msg [16]*uint32
		for i := range msg {
			lanes := make([]uint32, k.lanes)
			for j := range lanes {
				lanes[j] = uint32(i * j)
			}
			lanes[k.lanes-1] = binary.LittleEndian.Uint32(padded[64*b+4*i:])
			msg[i] = &lanes[0]
		}
		bytes, final := uint32(64*(b+1)), uint32(0)
		if b == blocks-1 {
			bytes, final = uint32(len(data)), ^final
		}
		k.compress(&state[0], &state[0], 0, &msg, 1, bytes, final)
	}
	out := make([]stark.Hash, k.lanes)
	k.digests(&out[0][0], &state[0], 1, false)
	return out[k.lanes-1][:]
}

func FuzzRows(f *testing.F) {
	f.Add(uint64(1), uint8(17), uint8(6), uint8(3), true)
	f.Fuzz(func(t *testing.T, seed uint64, columns, log, spread uint8, reduced bool) {
		rng := rand.New(rand.NewPCG(seed, 0))
		kind, height := stark.Blake2s, 1+int(log%9)
		if reduced {
			kind = stark.Blake2sM31
		}
		logs := make([]int, columns)
		for i := range logs {
			logs[i] = max(1, height-rng.IntN(1+int(spread%8)))
		}
		v := randomColumns(rng, logs)
		impltest.Each(t, func(t *testing.T) { sameRows(t, kind.Hasher(), v, height) })
	})
}

// BenchmarkRows hashes rows of one block, in the first-level cache, on one thread.
func BenchmarkRows(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	h, columns := stark.Blake2s.Hasher(), randomColumns(rng, slices.Repeat([]int{8}, 16))
	want := leaves(h, columns, 8)
	impltest.Bench(b, "16 columns", func(b *testing.B) {
		r, err := NewRows(context.Background(), h, columns, 8)
		if err != nil {
			b.Fatal(err)
		}
		got := make([]stark.Hash, len(want))
		for b.Loop() {
			r.Hash(got, 0)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(got)), "ns/row")
		if !slices.Equal(got, want) {
			b.Fatal("wrong digests")
		}
	})
}

// BenchmarkNodes hashes nodes in the first-level cache on one thread.
func BenchmarkNodes(b *testing.B) {
	h := stark.Blake2s.Hasher()
	src, dst := make([]stark.Hash, 2*BlockRows), make([]stark.Hash, BlockRows)
	for i := range src {
		src[i][i%32] = byte(i)
	}
	impltest.Bench(b, "nodes", func(b *testing.B) {
		clear(dst)
		for b.Loop() {
			Nodes(h, dst, src)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(dst)), "ns/node")
		for i := range dst {
			if dst[i] != h.Node(&src[2*i], &src[2*i+1]) {
				b.Fatal("wrong node")
			}
		}
	})
}
