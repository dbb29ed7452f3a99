package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Merkle implements backend.Backend.
func (Backend) Merkle(ctx context.Context, h stark.Hasher, columns [][]m31.Elem, logHeight int) ([][]stark.Hash, error) {
	logs := make([]int, len(columns))
	for i, c := range columns {
		logs[i] = circle.Log2(len(c))
	}
	order := stark.SizeOrder(logs)
	n := len(columns)
	leaves := make([]stark.Hash, 1<<logHeight)
	err := parallel.For(ctx, len(leaves), 64, func(lo, hi int) {
		// Transpose a block of rows, one column at a time.
		rows := make([]m31.Elem, n*(hi-lo))
		for i, c := range order {
			col, shift := columns[c], logHeight-logs[c]
			for p := lo; p < hi; p++ {
				q := p
				if shift > 0 {
					q = circle.LiftIndex(p, shift)
				}
				rows[(p-lo)*n+i] = col[q]
			}
		}
		for p := lo; p < hi; p++ {
			leaves[p] = h.Leaf(rows[(p-lo)*n : (p-lo+1)*n])
		}
	})
	if err != nil {
		return nil, err
	}
	return merkleLayers(ctx, h, leaves)
}

// MerklePacked implements backend.Backend.
func (Backend) MerklePacked(ctx context.Context, h stark.Hasher, column m31.SecureVec, packing int) ([][]stark.Hash, error) {
	per := 1 << packing
	leaves := make([]stark.Hash, column.Len()/per)
	err := parallel.For(ctx, len(leaves), 1024, func(lo, hi int) {
		row := make([]m31.Elem, 4*per)
		for j := lo; j < hi; j++ {
			for k := range per {
				for c := range 4 {
					row[4*k+c] = column[c][j*per+k]
				}
			}
			leaves[j] = h.Leaf(row)
		}
	})
	if err != nil {
		return nil, err
	}
	return merkleLayers(ctx, h, leaves)
}

func merkleLayers(ctx context.Context, h stark.Hasher, leaves []stark.Hash) ([][]stark.Hash, error) {
	k := circle.Log2(len(leaves))
	layers := make([][]stark.Hash, k+1)
	layers[k] = leaves
	for l := k - 1; l >= 0; l-- {
		below, layer := layers[l+1], make([]stark.Hash, 1<<l)
		err := parallel.For(ctx, len(layer), 1024, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				layer[i] = h.Node(&below[2*i], &below[2*i+1])
			}
		})
		if err != nil {
			return nil, err
		}
		layers[l] = layer
	}
	return layers, nil
}
