package prover

import (
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// quotient samples all columns at the out-of-domain point, checks the
// constraints there and returns the DEEP quotient on the extended domain.
func (s *session) quotient(proof *stark.Proof, alpha m31.QM31) (m31.SecureVec, error) {
	s.clock.enter(StageQuotient)
	oods := circle.SecurePointAt(s.ch.DrawFelt())
	s.note("oods_point", oods)
	points := s.layout.MaskPoints(oods)
	if err := s.sample(proof, points); err != nil {
		return m31.SecureVec{}, err
	}
	if err := s.checkConstraints(proof, alpha, oods); err != nil {
		return m31.SecureVec{}, err
	}
	s.ch.MixFelts(stark.Flatten(proof.SampledValues))
	gamma := s.ch.DrawFelt()
	s.note("quotient_random_coeff", gamma)
	batches := stark.Quotients(s.layout.Columns(), points, proof.SampledValues, gamma, s.layout.Lifted(), s.air.Config.LogBlowup)
	return s.extendQuotient(batches)
}

// sample evaluates every column at its mask points.
func (s *session) sample(proof *stark.Proof, points [][][]circle.SecurePoint) error {
	var polys []backend.Poly
	M := s.layout.MaxLog()
	doubled := make(map[circle.SecurePoint][]circle.SecurePoint) // by number of doublings
	at := func(p circle.SecurePoint, n int) circle.SecurePoint {
		if doubled[p] == nil {
			doubled[p] = []circle.SecurePoint{p}
		}
		for len(doubled[p]) <= n {
			l := doubled[p]
			doubled[p] = append(l, l[len(l)-1].Double(1))
		}
		return doubled[p][n]
	}
	for t, tree := range points {
		for c, zs := range tree {
			var poly backend.Poly
			if s.trees[t].coeffs != nil {
				poly.Coeffs = s.trees[t].coeffs[c]
			} else {
				poly.Values = s.trees[t].values[c]
			}
			n := max(len(poly.Coeffs), len(poly.Values))
			for _, z := range zs {
				poly.Point = at(z, M-circle.Log2(n))
				polys = append(polys, poly)
				s.clock.count(n)
			}
		}
	}
	values, err := s.be.EvalAt(s.ctx, polys)
	if err != nil {
		return err
	}
	proof.SampledValues = make([][][]m31.QM31, len(points))
	for t, tree := range points {
		proof.SampledValues[t] = make([][]m31.QM31, len(tree))
		for c, zs := range tree {
			proof.SampledValues[t][c], values = values[:len(zs):len(zs)], values[len(zs):]
		}
	}
	return nil
}

// checkConstraints makes the verifier's check before the expensive stages. If it
// fails, the first row that breaks a constraint is named.
func (s *session) checkConstraints(proof *stark.Proof, alpha m31.QM31, oods circle.SecurePoint) error {
	ok, err := s.air.CheckAt(s.layout, proof.SampledValues, s.syms, alpha, oods)
	if err != nil || ok {
		return err
	}
	trees := make([][][]m31.Elem, len(s.layout.Trees))
	for t := range trees {
		trees[t] = air.RowOrder(s.trees[t].values)
	}
	if err := s.air.Assert(trees, s.syms); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsatisfied, err)
	}
	return fmt.Errorf("%w at the out-of-domain point, though on every row", ErrUnsatisfied)
}

// extendQuotient computes the quotient on the domain of its degree, on which the
// columns are known without extension, and extends the result: the quotient of a
// polynomial of the FFT space by the line through two points is in that space.
func (s *session) extendQuotient(batches []*stark.Batch) (m31.SecureVec, error) {
	M, L := s.layout.MaxLog(), s.layout.Lifted()
	q := backend.Quotients{Batches: batches, Log: M}
	// The result can take the place of the composition's coefficients, which have
	// their last use here.
	high := s.composition
	if high.Len() != 1<<L {
		high = m31.SecureVec(s.mem.columns(4, 1<<L))
	}
	defer s.mem.scratch()()
	for _, t := range s.trees {
		if t.values == nil && len(t.coeffs) > 0 { // the composition was never evaluated there
			values := s.mem.columns(len(t.coeffs), len(t.coeffs[0]))
			if err := s.be.Evaluate(s.ctx, values, t.coeffs); err != nil {
				return m31.SecureVec{}, err
			}
			q.Trees = append(q.Trees, values)
			continue
		}
		q.Trees = append(q.Trees, t.values)
	}
	low := m31.SecureVec(s.mem.columns(4, 1<<M))
	if err := s.be.Quotients(s.ctx, low, &q); err != nil {
		return m31.SecureVec{}, err
	}
	err := s.be.Extend(s.ctx, high[:], low[:], backend.Part{})
	s.note("quotient", high)
	return high, err
}
