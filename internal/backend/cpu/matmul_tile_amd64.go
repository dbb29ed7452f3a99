//go:build !purego

package cpu

import "github.com/bitsage/bitsage/internal/impl"

var (
	vnni = tile{rows: 12, cols: 32, bytes: true, mul: tileVNNI}
	avx2 = tile{rows: 6, cols: 16, mul: tileAVX2}
)

// tiled returns the tile that this machine multiplies best with, or nil.
func tiled() *tile {
	switch {
	case impl.VNNI:
		return &vnni
	case impl.AVX2:
		return &avx2
	}
	return nil
}
