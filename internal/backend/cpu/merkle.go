package cpu

import (
	"context"
	"sync"

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

// leaves are those of one block of rows.
type leaves [blake2s.BlockRows]stark.Hash

var leafPool = sync.Pool{New: func() any { return new(leaves) }}

// tree hashes blocks of rows together with the layers above them while they are in
// the cache, then in the same way blocks of the topmost layer so far. It does not
// keep leaves, which are half of all hashes and quickly made again.
func tree(ctx context.Context, h stark.Hasher, room []stark.Hash, rows *blake2s.Rows, logHeight int) ([][]stark.Hash, error) {
	const block, top = blake2s.BlockRows, 16 // hashes of a block's lowest and highest layer
	layers := make([][]stark.Hash, logHeight+1)
	for l := range logHeight {
		layers[l] = room[1<<l : 2<<l]
	}
	if logHeight == 0 {
		layers[0] = room[:1]
		rows.Hash(layers[0], 0)
		return layers, nil
	}
	for k := logHeight; ; {
		least := top
		if 1<<k <= block {
			least = 1
		}
		err := parallel.For(ctx, 1<<k, block, func(lo, hi int) {
			below := layers[k]
			if k == logHeight {
				buf := leafPool.Get().(*leaves)
				defer leafPool.Put(buf)
				below = buf[:hi-lo]
				rows.Hash(below, lo)
			} else {
				below = below[lo:hi]
			}
			for l := k - 1; (hi-lo)/2 >= least; l-- {
				lo, hi = lo/2, hi/2
				blake2s.Nodes(h, layers[l][lo:hi], below)
				below = layers[l][lo:hi]
			}
		})
		if err != nil || least == 1 {
			return layers, err
		}
		k -= circle.Log2(block / top)
	}
}
