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
	t := &Tree{coeffs: append(left[:], right[:]...)}
	if s.plan != fast { // like the other trees
		t.values = s.mem.columns(len(t.coeffs), half)
		if err := s.be.Evaluate(s.ctx, t.values, t.coeffs); err != nil {
			return err
		}
		t.coeffs = nil
	}
	t, err := s.commitTree(t, len(s.trees))
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
	parts := s.plan.constraintParts(s.air.Config.LogBlowup)
	columnsOn, err := s.constraintColumns(prog, c.LogSize+1, parts)
	if err != nil {
		return err
	}
	for k := range 1 << parts {
		part := backend.Part{Index: k, Log: parts}
		columns, err := columnsOn(part)
		if err != nil {
			return err
		}
		s.clock.count(cells(columns))
		lo, hi := part.Slots(c.LogSize + 1)
		err = s.be.Constraints(s.ctx, &backend.Constraints{Program: prog, Part: part, Columns: columns, LogSize: c.LogSize, Coeffs: coeffs, Acc: acc.Slice(lo, hi)})
		if err != nil {
			return err
		}
	}
	return nil
}

// constraintColumns returns a function that returns the program's inputs on a part of the
// domain of size 2^log, and on all of it those with a row offset. It may be called again
// when they have been used. They are the committed extension where that is kept and the
// blowup is 2, else another one.
func (s *session) constraintColumns(prog *air.Program, log, parts int) (func(backend.Part) ([][]m31.Elem, error), error) {
	type column struct{ tree, column int }
	type transform struct{ dst, src [][]m31.Elem }
	made := make(map[column][]m31.Elem) // on the domain, or on a part
	var evaluate, extend, extendPart transform
	add := func(t *transform, key column, src []m31.Elem, log int) {
		made[key] = s.mem.take(1 << log)
		t.dst, t.src = append(t.dst, made[key]), append(t.src, src)
	}
	for _, in := range prog.Inputs {
		t, key := s.trees[in.Tree], column{in.Tree, in.Column}
		switch {
		case made[key] != nil:
		case t.evals != nil && len(t.evals[in.Column]) == 1<<log:
			made[key] = t.evals[in.Column]
		case parts > 0 && in.Offset == 0: // a part will do, unless another input has an offset
		case t.coeffs != nil:
			add(&evaluate, key, t.coeffs[in.Column], log)
		default:
			add(&extend, key, t.values[in.Column], log)
		}
	}
	for _, in := range prog.Inputs {
		if key := (column{in.Tree, in.Column}); made[key] == nil {
			add(&extendPart, key, s.trees[in.Tree].values[in.Column], log-parts)
		}
	}
	if len(evaluate.src) > 0 {
		if err := s.be.Evaluate(s.ctx, evaluate.dst, evaluate.src); err != nil {
			return nil, err
		}
	}
	if len(extend.src) > 0 {
		if err := s.be.Extend(s.ctx, extend.dst, extend.src, backend.Part{}); err != nil {
			return nil, err
		}
	}
	return func(part backend.Part) ([][]m31.Elem, error) {
		out := make([][]m31.Elem, len(prog.Inputs))
		lo, hi := part.Slots(log)
		for i, in := range prog.Inputs {
			out[i] = made[column{in.Tree, in.Column}]
			if in.Offset == 0 && len(out[i]) == 1<<log {
				out[i] = out[i][lo:hi]
			}
		}
		if len(extendPart.src) == 0 {
			return out, nil
		}
		return out, s.be.Extend(s.ctx, extendPart.dst, extendPart.src, part)
	}, nil
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
