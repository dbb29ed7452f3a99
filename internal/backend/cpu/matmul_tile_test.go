package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
)

// shapes are the sizes m, k and n of products: none, all that are smaller than two
// tiles and one row, and columns up to four vectors.
func shapes() (out [][3]int) {
	for m := range 26 {
		for _, k := range []int{0, 1, 2, 3, 4, 5, 9} {
			for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65} {
				out = append(out, [3]int{m, k, n})
			}
		}
	}
	for n := range 130 {
		out = append(out, [3]int{1, 1, n}, [3]int{13, 5, n})
	}
	for k := range 66 {
		out = append(out, [3]int{7, k, 33})
	}
	return out
}

// sameInt8 compares with sums of products.
func sameInt8(t *testing.T, a, b []int8, m, k, n int) {
	t.Helper()
	got := guarded(t, make([]int32, m*n))
	for i := range got {
		got[i] = 77
	}
	if err := (Backend{}).MatMulInt8(t.Context(), got, guarded(t, a), guarded(t, b), m, k, n); err != nil {
		t.Fatal(err)
	}
	sameSums(t, got, a, b, m, k, n, func(sum int32, x, y int8) int32 { return sum + int32(x)*int32(y) })
}

// sameSums compares a product with sums of products, to which add adds one.
func sameSums[E any, S comparable](t *testing.T, got []S, a, b []E, m, k, n int, add func(sum S, x, y E) S) {
	t.Helper()
	for i := range m {
		want := make([]S, n)
		for r, x := range a[i*k : (i+1)*k] {
			for j, y := range b[r*n : (r+1)*n] {
				want[j] = add(want[j], x, y)
			}
		}
		for j := range n {
			if got[i*n+j] != want[j] {
				t.Fatalf("%d x %d times %d x %d: entry (%d, %d) is %v, want %v", m, k, k, n, i, j, got[i*n+j], want[j])
			}
		}
	}
}

func TestMatMulInt8Shapes(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(17, 18))
		some := func(n int) []int8 {
			v := make([]int8, n)
			for i := range v {
				if v[i] = int8(rng.Uint32()); rng.IntN(2) == 0 {
					v[i] = []int8{-128, -127, -1, 0, 1, 127}[rng.IntN(6)]
				}
			}
			return v
		}
		for _, d := range shapes() {
			sameInt8(t, some(d[0]*d[1]), some(d[1]*d[2]), d[0], d[1], d[2])
		}
	})
}

// TestMatMulInt8Largest takes the largest k and products of the extremes alone, equal
// ones and ones of changing sign.
func TestMatMulInt8Largest(t *testing.T) {
	const m, k, n = 2, 65535, 33
	a, b := make([]int8, m*k), make([]int8, k*n)
	impltest.Each(t, func(t *testing.T) {
		for _, x := range [][2]int8{{-128, -128}, {127, 127}, {127, -128}} {
			for _, y := range [][2]int8{{-128, -128}, {127, 127}, {127, -128}} {
				for i := range a {
					a[i] = x[i&1]
				}
				for i := range b {
					b[i] = y[i/n&1]
				}
				sameInt8(t, a, b, m, k, n)
			}
		}
	})
}

// TestTile runs kernels on factors and sums of exactly their size, up to the largest k
// and the largest sums.
func TestTile(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		tile := tiled()
		if tile == nil {
			return // plain Go knows no tiles
		}
		rng := rand.New(rand.NewPCG(19, 20))
		extremes := []uint32{0xff80ff80, 0x007f007f, 0xff80007f}
		number := func(word uint32, i int, signed bool) int32 {
			word >>= i * tile.shift()
			switch {
			case !tile.bytes:
				return int32(int16(word))
			case signed:
				return int32(int8(word))
			}
			return int32(uint8(word))
		}
		if tile.bytes {
			extremes = []uint32{0x80808080, 0x7f7f7f7f, 0xffffffff, 0}
		}
		for _, k := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, tile.words(65535)} {
			for _, x := range extremes {
				for _, y := range extremes {
					a, b := guarded(t, make([]uint32, k*tile.rows)), guarded(t, make([]uint32, k*tile.cols))
					for i := range a {
						a[i] = x
					}
					for i := range b {
						b[i] = y
					}
					if k < 10 { // all extremes in turn
						for _, v := range [][]uint32{a, b} {
							for i := range v {
								if rng.IntN(2) == 0 {
									v[i] = extremes[rng.IntN(len(extremes))]
								}
							}
						}
					}
					got := guarded(t, make([]int32, tile.rows*tile.cols))
					tile.mul(&got[0], &a[0], &b[0], k)
					for at, v := range got {
						r, c := at/tile.cols, at%tile.cols
						if k > 10 && r*c > 0 && at != len(got)-1 {
							continue
						}
						var want int64
						for w := range k {
							for i := range tile.group() {
								want += int64(number(a[w*tile.rows+r], i, true)) * int64(number(b[w*tile.cols+c], i, false))
							}
						}
						if int64(v) != want {
							t.Fatalf("%d words %#x and %#x: entry (%d, %d) is %d, want %d", k, x, y, r, c, v, want)
						}
					}
				}
			}
		}
	})
}

// sameM31 compares with sums of products.
func sameM31(t *testing.T, a, b []m31.Elem, m, k, n int) {
	t.Helper()
	got := guarded(t, make([]m31.Elem, m*n))
	for i := range got {
		got[i] = 77
	}
	if err := (Backend{}).MatMulM31(t.Context(), got, otherZero(t, a), otherZero(t, b), m, k, n); err != nil {
		t.Fatal(err)
	}
	sameSums(t, got, a, b, m, k, n, func(sum, x, y m31.Elem) m31.Elem { return sum.Add(x.Mul(y)) })
}

func TestMatMulM31Shapes(t *testing.T) {
	impltest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(21, 22))
		for _, d := range shapes() {
			sameM31(t, extreme(rng, d[0]*d[1]), extreme(rng, d[1]*d[2]), d[0], d[1], d[2])
		}
	})
}

// TestMatMulM31Largest adds up as many equal products as k allows for int8.
func TestMatMulM31Largest(t *testing.T) {
	const m, k, n = 1, 65535, 17
	a, b, got := make([]m31.Elem, m*k), make([]m31.Elem, k*n), make([]m31.Elem, m*n)
	impltest.Each(t, func(t *testing.T) {
		for _, e := range boundary {
			for _, f := range boundary {
				m31.Fill(a, e)
				m31.Fill(b, f)
				if err := (Backend{}).MatMulM31(t.Context(), got, a, b, m, k, n); err != nil {
					t.Fatal(err)
				}
				want := m31.New(uint64(e) * uint64(f)).Mul(k)
				for j, x := range got {
					if x != want {
						t.Fatalf("%d times %d, %d times: entry %d is %d, want %d", e, f, k, j, x, want)
					}
				}
			}
		}
	})
}

// FuzzMatMulInt8 compares products with sums of products.
func FuzzMatMulInt8(f *testing.F) {
	f.Add([]byte{0x80, 0x7f}, uint8(13), uint8(5), uint8(33))
	f.Add([]byte{0x80}, uint8(12), uint8(255), uint8(32))
	f.Add([]byte{1, 2, 3, 0xff}, uint8(1), uint8(1), uint8(1))
	f.Add([]byte{}, uint8(7), uint8(0), uint8(17))
	f.Fuzz(func(t *testing.T, data []byte, m, k, n uint8) {
		next := tape(data)
		some := func(n int) []int8 {
			v := make([]int8, n)
			for i := range v {
				v[i] = int8(next() >> (i & 3))
			}
			return v
		}
		m %= 40
		a, b := some(int(m)*int(k)), some(int(k)*int(n))
		impltest.Each(t, func(t *testing.T) { sameInt8(t, a, b, int(m), int(k), int(n)) })
	})
}

// FuzzMatMulM31 compares products with sums of products.
func FuzzMatMulM31(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\x7f\xfe\xff\xff\x7f\x00\x00\x00\x00"), uint8(5), uint8(9), uint8(17))
	f.Add([]byte("\xfe\xff\xff\x7f"), uint8(4), uint8(255), uint8(16))
	f.Add([]byte("\x01\x00\x00\x00\xfe\xff\xff\x7f\x01\x00\x00\x00\x01\x00\x00\x00"), uint8(1), uint8(2), uint8(1)) // the sum is P
	f.Add([]byte{1, 2, 3, 0xff}, uint8(1), uint8(1), uint8(1))
	f.Add([]byte{}, uint8(7), uint8(0), uint8(17))
	f.Fuzz(func(t *testing.T, data []byte, m, k, n uint8) {
		next := tape(data)
		m %= 20
		a, b := canonical(next, int(m)*int(k)), canonical(next, int(k)*int(n))
		impltest.Each(t, func(t *testing.T) { sameM31(t, a, b, int(m), int(k), int(n)) })
	})
}
