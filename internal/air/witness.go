package air

import (
	"encoding/json"
	"fmt"
	"math/bits"

	"github.com/bitsage/bitsage/internal/m31"
)

// Orders of a witness file's columns.
const (
	orderNatural = "natural"                    // row order
	orderStorage = "bit_reversed_circle_domain" // storage order
)

// ParseWitness reads the columns of every tree of the AIR from the Rust oracle's
// WITNESS.json and returns them in storage order.
func (a *AIR) ParseWitness(data []byte) ([][][]m31.Elem, error) {
	if len(data) > 1<<30 {
		return nil, fmt.Errorf("air: the witness exceeds 1 GiB")
	}
	var w struct {
		Order string         `json:"order"`
		Trees [][][]m31.Elem `json:"trees"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("air: witness: %w", err)
	}
	if w.Order != orderNatural && w.Order != orderStorage {
		return nil, fmt.Errorf("air: witness: unknown order %q", w.Order)
	}
	layout := a.Layout()
	if len(w.Trees) != len(layout.Trees) {
		return nil, fmt.Errorf("air: witness: %d trees, want %d", len(w.Trees), len(layout.Trees))
	}
	for t, tree := range w.Trees {
		for c, col := range tree {
			if n := len(col); n < 2 || bits.OnesCount(uint(n)) != 1 {
				return nil, fmt.Errorf("air: witness: tree %d column %d has %d rows, which is not a power of two", t, c, n)
			}
			for i, e := range col {
				if !e.IsCanonical() {
					return nil, fmt.Errorf("air: witness: tree %d column %d row %d is %d, which is not reduced", t, c, i, e)
				}
			}
		}
		if w.Order == orderNatural {
			w.Trees[t] = StorageOrder(tree)
		}
	}
	return w.Trees, nil
}
