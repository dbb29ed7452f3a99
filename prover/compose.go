package prover

import (
	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

// compose evaluates all constraints, combines them with powers of alpha into the
// composition polynomial, splits it in the middle and commits to the halves.
func (s *session) compose(alpha m31.QM31) error {
	s.clock.enter(StageCompose)
	s.note("composition_random_coeff", alpha)
	powers := alphaPowers(alpha, s.air.NumConstraints())
	sums := make(map[int]m31.SecureVec) // by log2 of the length
	for i, c := range s.air.Components {
		n := len(c.Constraints)
		if err := s.composeComponent(i, powers[:n], sums); err != nil {
			return err
		}
		powers = powers[n:]
	}
	coeffs := liftSum(sums, s.layout.LogDegree)
	if err := s.be.Interpolate(s.ctx, coeffs[:], coeffs[:]); err != nil {
		return err
	}
	s.composition = coeffs
	s.note("composition_coefficients", coeffs)
	half := coeffs.Len() / 2
	left, right := coeffs.Slice(0, half), coeffs.Slice(half, 2*half)
	t, err := s.commitTree(&Tree{coeffs: append(left[:], right[:]...)}, len(s.trees))
	if err != nil {
		return err
	}
	s.trees = append(s.trees, t)
	s.ch.MixRoot(t.Root())
	return nil
}

// alphaPowers returns alpha^(n-1), ..., alpha, 1.
func alphaPowers(alpha m31.QM31, n int) []m31.QM31 {
	out := make([]m31.QM31, n)
	p := m31.One
	for i := n - 1; i >= 0; i-- {
		out[i] = p
		p = p.Mul(alpha)
	}
	return out
}

func (s *session) composeComponent(i int, coeffs []m31.QM31, sums map[int]m31.SecureVec) error {
	c := s.air.Components[i]
	prog, err := s.air.Compile(i, s.syms, c.Constraints)
	if err != nil {
		return err
	}
	acc, ok := sums[c.LogSize+1]
	if !ok {
		acc = m31.SecureVec(s.mem.columns(4, 1<<(c.LogSize+1)))
		for _, v := range acc {
			clear(v)
		}
		sums[c.LogSize+1] = acc
	}
	defer s.mem.scratch()()
	columns, err := s.constraintColumns(prog, c.LogSize+1)
	if err != nil {
		return err
	}
	s.clock.count(cells(columns))
	return s.be.Constraints(s.ctx, &backend.Constraints{Program: prog, Columns: columns, LogSize: c.LogSize, Coeffs: coeffs, Acc: acc})
}

// constraintColumns returns the program's inputs on the domain of size 2^log:
// the committed extension where the blowup is 2, else another one.
func (s *session) constraintColumns(prog *air.Program, log int) ([][]m31.Elem, error) {
	type column struct{ tree, column int }
	made := make(map[column][]m31.Elem)
	out := make([][]m31.Elem, len(prog.Inputs))
	var dst, src [][]m31.Elem
	for i, in := range prog.Inputs {
		t := s.trees[in.Tree]
		if out[i] = t.evals[in.Column]; len(out[i]) == 1<<log {
			continue
		}
		key := column{in.Tree, in.Column}
		if made[key] == nil {
			made[key] = s.mem.take(1 << log)
			dst, src = append(dst, made[key]), append(src, t.coeffs[in.Column])
		}
		out[i] = made[key]
	}
	return out, s.be.Evaluate(s.ctx, dst, src)
}

// liftSum lifts the columns to size 2^log and adds them up.
func liftSum(sums map[int]m31.SecureVec, log int) m31.SecureVec {
	total := sums[log]
	for k, v := range sums {
		if k == log {
			continue
		}
		for c, dst := range total {
			for p, e := range dst {
				dst[p] = e.Add(v[c][circle.LiftIndex(p, log-k)])
			}
		}
	}
	return total
}
