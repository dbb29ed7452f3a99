package cpu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

func treeColumns(n, log int) [][]m31.Elem {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(log)))
	out := make([][]m31.Elem, n)
	for i := range out {
		out[i] = make([]m31.Elem, 1<<log)
		for j := range out[i] {
			out[i][j] = m31.Elem(rng.Uint32N(m31.P))
		}
	}
	return out
}

// checkPath recomputes the root from a row and its siblings.
func checkPath(b *testing.B, h stark.Hasher, layers [][]stark.Hash, row func(p int) []m31.Elem, p int) {
	at, sibling := h.Leaf(row(p)), h.Leaf(row(p^1))
	for l := len(layers) - 1; l > 0; l-- {
		if layers[l] != nil {
			sibling = layers[l][p^1]
		}
		if p&1 == 0 {
			at = h.Node(&at, &sibling)
		} else {
			at = h.Node(&sibling, &at)
		}
		p >>= 1
	}
	if at != layers[0][0] {
		b.Fatal("wrong root")
	}
}

// BenchmarkMerkle reports the time per row and the column data hashed.
func BenchmarkMerkle(b *testing.B) {
	h := stark.Blake2s.Hasher()
	for _, c := range []struct{ columns, log int }{{100, 18}, {16, 20}, {4, 20}, {4, 10}} {
		impltest.Bench(b, fmt.Sprintf("%dx2^%d", c.columns, c.log), func(b *testing.B) {
			columns := treeColumns(c.columns, c.log)
			b.SetBytes(int64(4*c.columns) << c.log)
			var layers [][]stark.Hash
			room := make([]stark.Hash, 1<<c.log)
			for b.Loop() {
				var err error
				if layers, err = (Backend{}).Merkle(context.Background(), h, room, columns, c.log); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(int(1)<<c.log), "ns/row")
			row := func(p int) (row []m31.Elem) {
				for _, col := range columns {
					row = append(row, col[p])
				}
				return row
			}
			checkPath(b, h, layers, row, 12345%(1<<c.log))
		})
	}
}

// BenchmarkMerklePacked hashes a secure column in leaves of eight values.
func BenchmarkMerklePacked(b *testing.B) {
	h := stark.Blake2s.Hasher()
	const log, packing = 20, 3
	v := m31.SecureVec(treeColumns(4, log))
	var layers [][]stark.Hash
	room := make([]stark.Hash, 1<<(log-packing))
	for b.Loop() {
		var err error
		if layers, err = (Backend{}).MerklePacked(context.Background(), h, room, v, packing); err != nil {
			b.Fatal(err)
		}
	}
	row := func(p int) (row []m31.Elem) {
		for k := range 1 << packing {
			x := v.At(p<<packing + k).Coords()
			row = append(row, x[:]...)
		}
		return row
	}
	checkPath(b, h, layers, row, 12345)
}
