package stark

import (
	"errors"
	"sort"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

var (
	errWitnessShort = errors.New("the hash witness is too short")
	errWitnessLong  = errors.New("the hash witness is too long")
	errRoot         = errors.New("the root does not match")
)

// SizeOrder returns the order in which a lifted tree hashes columns of the given
// log sizes: by size, ascending and stable.
func SizeOrder(logSizes []int) []int {
	order := make([]int, len(logSizes))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return logSizes[order[a]] < logSizes[order[b]] })
	return order
}

// verifyMerkle recomputes the root of a tree of 2^logHeight leaves from the
// leaves at the given positions (ascending, distinct) and the witness.
func verifyMerkle(h Hasher, root Hash, logHeight int, positions []int, leaves []Hash, witness []Hash) error {
	pos := append([]int(nil), positions...)
	layer := append([]Hash(nil), leaves...)
	for range logHeight {
		n := 0
		for i := 0; i < len(pos); n++ {
			p, node := pos[i], layer[i]
			i++
			var sibling Hash
			switch {
			case p&1 == 0 && i < len(pos) && pos[i] == p+1:
				sibling = layer[i]
				i++
			case len(witness) == 0:
				return errWitnessShort
			default:
				sibling, witness = witness[0], witness[1:]
			}
			if p&1 == 0 {
				layer[n] = h.Node(&node, &sibling)
			} else {
				layer[n] = h.Node(&sibling, &node)
			}
			pos[n] = p >> 1
		}
		pos, layer = pos[:n], layer[:n]
	}
	if len(witness) != 0 {
		return errWitnessLong
	}
	if len(layer) > 0 && layer[0] != root {
		return errRoot
	}
	return nil
}

// Lift maps leaf p of a tree of the given height to the slot of a column of n
// values.
func Lift(p, height, n int) int { return circle.LiftIndex(p, height-circle.Log2(n)) }

// MerkleRoot returns the root of the lifted tree of height logHeight over
// columns of evaluations in storage order. It is the sequential reference for
// the prover's trees.
func MerkleRoot(h Hasher, columns [][]m31.Elem, logHeight int) Hash {
	layers := MerkleLayers(h, columns, logHeight)
	return layers[0][0]
}

// MerkleLayers returns all layers of the tree of MerkleRoot, the root first.
func MerkleLayers(h Hasher, columns [][]m31.Elem, logHeight int) [][]Hash {
	logs := make([]int, len(columns))
	for i, c := range columns {
		logs[i] = circle.Log2(len(c))
	}
	order := SizeOrder(logs)
	leaves := make([]Hash, 1<<logHeight)
	row := make([]m31.Elem, len(columns))
	for p := range leaves {
		for i, c := range order {
			row[i] = columns[c][Lift(p, logHeight, len(columns[c]))]
		}
		leaves[p] = h.Leaf(row)
	}
	layers := make([][]Hash, logHeight+1)
	layers[logHeight] = leaves
	for l := logHeight - 1; l >= 0; l-- {
		layers[l] = make([]Hash, 1<<l)
		for i := range layers[l] {
			layers[l][i] = h.Node(&layers[l+1][2*i], &layers[l+1][2*i+1])
		}
	}
	return layers
}

// MerkleWitness returns the hashes that complete the paths from the leaves at
// the given positions (ascending, distinct) in a tree given by its layers, root
// first. Where a layer is nil, node computes its hashes.
func MerkleWitness(layers [][]Hash, node func(layer, p int) Hash, positions []int) []Hash {
	var witness []Hash
	pos := append([]int(nil), positions...)
	for l := len(layers) - 1; l > 0; l-- {
		n := 0
		for i := 0; i < len(pos); n++ {
			p := pos[i]
			i++
			if p&1 == 0 && i < len(pos) && pos[i] == p+1 {
				i++
			} else {
				if layers[l] == nil {
					witness = append(witness, node(l, p^1))
				} else {
					witness = append(witness, layers[l][p^1])
				}
			}
			pos[n] = p >> 1
		}
		pos = pos[:n]
	}
	return witness
}
