package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/blake2s"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Merkle implements backend.Backend.
func (Backend) Merkle(ctx context.Context, h stark.Hasher, room []stark.Hash, columns [][]m31.Elem, logHeight int) ([][]stark.Hash, error) {
	rows, err := blake2s.NewRows(ctx, h, columns, logHeight)
	if err != nil {
		return nil, err
	}
	return tree(ctx, h, room, rows, logHeight)
}

// MerklePacked implements backend.Backend.
func (Backend) MerklePacked(ctx context.Context, h stark.Hasher, room []stark.Hash, column m31.SecureVec, packing int) ([][]stark.Hash, error) {
	rows, err := blake2s.NewPackedRows(ctx, h, column, packing)
	if err != nil {
		return nil, err
	}
	return tree(ctx, h, room, rows, circle.Log2(column.Len())-packing)
}

// tree hashes blocks of rows together with the layers above them while they are in
// the cache, then in the same way blocks of the topmost layer so far.
func tree(ctx context.Context, h stark.Hasher, room []stark.Hash, rows *blake2s.Rows, logHeight int) ([][]stark.Hash, error) {
	const block, top = blake2s.BlockRows, 16 // hashes of a block's lowest and highest layer
	layers := make([][]stark.Hash, logHeight+1)
	for l := range layers {
		layers[l] = room[1<<l : 2<<l]
	}
	for k := logHeight; ; {
		least := top
		if 1<<k <= block {
			least = 1
		}
		err := parallel.For(ctx, 1<<k, block, func(lo, hi int) {
			if k == logHeight {
				rows.Hash(layers[k][lo:hi], lo)
			}
			for l := k - 1; (hi-lo)/2 >= least; l-- {
				lo, hi = lo/2, hi/2
				blake2s.Nodes(h, layers[l][lo:hi], layers[l+1][2*lo:2*hi])
			}
		})
		if err != nil || least == 1 {
			return layers, err
		}
		k -= circle.Log2(block / top)
	}
}
