package stark

import (
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

// FRIFold describes one layer of the folding for provers: the log size of the
// layer's domain, the number of folds to the next layer and log2 of the number
// of values in a leaf.
type FRIFold struct{ Log, Fold, Packing int }

// FRIFolds returns the layers over a domain of size 2^log.
func (c Config) FRIFolds(log int) ([]FRIFold, error) {
	ls, err := c.layers(log)
	out := make([]FRIFold, len(ls))
	for i, l := range ls {
		out[i] = FRIFold{l.log, l.fold, l.packing()}
	}
	return out, err
}

// Opening computes what the layer opens for the given queries.
func (f FRIFold) Opening(queries []int) FRIOpening {
	return openingOf(layer{f.Log, f.Fold}, queries)
}

// FoldPair folds the values at a storage pair: (a + b) + alpha*(a - b)/t, where
// t is the y (circle) or x (line) of the first point and inv its inverse.
func FoldPair(a, b, alpha QM31, inv m31.Elem) QM31 {
	return a.Add(b).Add(alpha.Mul(a.Sub(b).MulElem(inv)))
}

// foldGroup folds the 2^fold values of group g of a layer to one.
func foldGroup(values []QM31, g int, l layer, first bool, alpha QM31) QM31 {
	v := append([]QM31(nil), values...)
	start := g << l.fold
	for s := range l.fold {
		log := l.log - s
		for i := range len(v) / 2 {
			slot := start + 2*i
			var t m31.Elem
			if first && s == 0 {
				t = circle.StoragePoint(slot, log).Y
			} else {
				t = circle.LineStorageX(slot, log)
			}
			v[i] = FoldPair(v[2*i], v[2*i+1], alpha, t.Inv())
		}
		v, start = v[:len(v)/2], start/2
		alpha = alpha.Square()
	}
	return v[0]
}

// leafRow lays out the values of one leaf: the coordinates of each in turn.
func leafRow(values []QM31) []m31.Elem {
	row := make([]m31.Elem, 0, 4*len(values))
	for _, v := range values {
		c := v.Coords()
		row = append(row, c[:]...)
	}
	return row
}

// verifyFRI checks that values, the quotient column at the given queries of the
// domain of size 2^log, belong to a column of low degree.
func verifyFRI(cfg Config, h Hasher, log int, alphas []QM31, proof *FRIProof, queries []int, values []QM31) error {
	ls, err := cfg.layers(log)
	if err != nil {
		return invalid(CheckFRIShape, "%v", err)
	}
	for i, fl := range proof.Layers() {
		l := ls[i]
		o := openingOf(l, queries)
		opened, err := fillGroups(o, l, queries, values, fl.Witness)
		if err != nil {
			return invalid(CheckFRIWitness, "layer %d: %v", i, err)
		}
		if err := verifyLayerTree(h, l, o, opened, fl); err != nil {
			return invalid(CheckFRIMerkle, "layer %d: %v", i, err)
		}
		values = make([]QM31, len(o.Groups))
		for k, g := range o.Groups {
			values[k] = foldGroup(opened[k<<l.fold:(k+1)<<l.fold], g, l, i == 0, alphas[i])
		}
		queries = o.Groups
	}
	last := ls[len(ls)-1]
	end := last.log - last.fold
	for k, p := range queries {
		x := m31.FromElem(circle.LineStorageX(p, end))
		if circle.EvalLine(proof.LastPoly.Coeffs, x) != values[k] {
			return invalid(CheckLastLayer, "the folded value at position %d is not on the last layer's polynomial", p)
		}
	}
	return nil
}

type countError string

func (e countError) Error() string { return string(e) }

// fillGroups returns the values at all positions of an opening, taking those of
// the queries from values and the rest, in order, from the witness.
func fillGroups(o FRIOpening, l layer, queries []int, values, witness []QM31) ([]QM31, error) {
	if need := len(o.Positions) - len(queries); len(witness) != need {
		return nil, countError("wrong number of values")
	}
	opened := make([]QM31, len(o.Positions))
	for k, p := range o.Positions {
		if len(queries) > 0 && queries[0] == p {
			opened[k] = values[0]
			queries, values = queries[1:], values[1:]
		} else {
			opened[k] = witness[0]
			witness = witness[1:]
		}
	}
	return opened, nil
}

func verifyLayerTree(h Hasher, l layer, o FRIOpening, opened []QM31, fl *FRILayer) error {
	per := 1 << l.packing()
	leaves := make([]Hash, len(o.Leaves))
	for k := range leaves {
		leaves[k] = h.Leaf(leafRow(opened[k*per : (k+1)*per]))
	}
	return verifyMerkle(h, fl.Commitment, l.log-l.packing(), o.Leaves, leaves, fl.Decommitment.HashWitness)
}
