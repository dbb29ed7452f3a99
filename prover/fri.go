package prover

import (
	"errors"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// friLayer is a committed layer of the folding.
type friLayer struct {
	stark.FRIFold
	column m31.SecureVec
	layers [][]stark.Hash
}

// leaf hashes the values of a leaf.
func (l *friLayer) leaf(h stark.Hasher, p int) stark.Hash {
	row := make([]m31.Elem, 0, 4<<l.Packing)
	for i := p << l.Packing; i < (p+1)<<l.Packing; i++ {
		for _, c := range l.column {
			row = append(row, c[i])
		}
	}
	return h.Leaf(row)
}

// fri folds the quotient column layer by layer, commits to each, and puts the
// last layer's coefficients into the proof.
func (s *session) fri(proof *stark.Proof, column m31.SecureVec) ([]friLayer, error) {
	s.clock.enter(StageFRI)
	folds, err := s.air.Config.FRIFolds(s.layout.Lifted())
	if err != nil {
		return nil, err
	}
	var out []friLayer
	for i, f := range folds {
		layers, err := s.be.MerklePacked(s.ctx, s.hasher, hashes(s.mem.take, 1<<(f.Log-f.Packing)), column, f.Packing)
		if err != nil {
			return nil, err
		}
		s.clock.count(4 * column.Len())
		out = append(out, friLayer{f, column, layers})
		s.ch.MixRoot(layers[0][0])
		alpha := s.ch.DrawFelt()
		s.note("fri_alpha", alpha)
		for k := range f.Fold {
			half := m31.SecureVec(s.mem.columns(4, column.Len()/2))
			if i == 0 && k == 0 {
				err = s.be.FoldCircle(s.ctx, half, column, alpha)
			} else {
				err = s.be.FoldLine(s.ctx, half, column, alpha)
			}
			if err != nil {
				return nil, err
			}
			column, alpha = half, alpha.Square()
		}
		s.note("fri_layer", column)
	}
	proof.FRI.LastPoly, err = lastLayer(column, s.air.Config.LogLastLayer)
	s.ch.MixFelts(proof.FRI.LastPoly.Coeffs)
	return out, err
}

// lastLayer interpolates the folded column and keeps its 2^log coefficients with
// bit-reversed indices.
func lastLayer(column m31.SecureVec, log int) (stark.LinePoly, error) {
	v := make([]m31.QM31, column.Len())
	for i := range v {
		v[i] = column.At(i)
	}
	circle.InterpolateLine(v)
	n := 1 << log
	for _, c := range v[n:] {
		if !c.IsZero() {
			return stark.LinePoly{}, errors.New("prover: the quotient is not of low degree")
		}
	}
	poly := stark.LinePoly{Coeffs: make([]m31.QM31, n), LogSize: log}
	for i := range poly.Coeffs {
		poly.Coeffs[circle.Reverse(i, log)] = v[i]
	}
	return poly, nil
}

// grind finds the proof of work that precedes the queries.
func (s *session) grind(proof *stark.Proof) error {
	s.clock.enter(StageGrind)
	nonce, err := s.be.Grind(s.ctx, s.ch.Pow(s.air.Config.PowBits))
	if err != nil {
		return err
	}
	s.clock.count(int(nonce) + 1)
	proof.ProofOfWork = nonce
	s.ch.MixU64(nonce)
	return nil
}
