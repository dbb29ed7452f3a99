package codec

import (
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// check reports whether the forms can hold the proof. It is what the readers
// enforce, and implied by [stark.Layout.CheckShape] but for the limits. It
// returns the size of the binary form.
func check(p *stark.Proof, kind stark.Kind) (size int, err error) {
	refuse := func(field string, reason error) (int, error) {
		return 0, &FormatError{-1, field, reason}
	}
	if !knownKind(kind) {
		return refuse("kind", ErrKind)
	}
	if p == nil {
		return refuse("proof", ErrShape)
	}
	if p.Config.Validate() != nil {
		return refuse("configuration", ErrConfig)
	}
	for _, f := range []func(*stark.Proof) (string, error){checkTrees, checkColumns, checkFRI} {
		if field, err := f(p); err != nil {
			return refuse(field, err)
		}
	}
	s := sizer{size: headerBytes}
	write(&s, p)
	if s.size > MaxBytes {
		return refuse("proof", ErrTooLarge)
	}
	if field := nonCanonical(p, kind); field != "" {
		return refuse(field, ErrNonCanonical)
	}
	return s.size, nil
}

// checkTrees checks that all lists have one item per tree.
func checkTrees(p *stark.Proof) (field string, err error) {
	trees := len(p.Commitments)
	switch {
	case trees < 1 || trees > maxTrees:
		return "number of trees", ErrLength
	case len(p.SampledValues) != trees:
		return "sampled values", ErrShape
	case len(p.Decommitments) != trees:
		return "decommitments", ErrShape
	case len(p.QueriedValues) != trees:
		return "queried values", ErrShape
	}
	return "", nil
}

// checkColumns checks that all columns are opened at the same number of
// positions. checkTrees has accepted the proof.
func checkColumns(p *stark.Proof) (field string, err error) {
	trees := len(p.Commitments)
	if len(p.QueriedValues[trees-1]) == 0 {
		return "number of columns", ErrLength
	}
	n := openings(p)
	if n < 1 || n > p.Config.Queries {
		return "number of openings", ErrLength
	}
	for t, tree := range p.QueriedValues {
		if len(tree) > maxColumns {
			return "number of columns", ErrLength
		}
		if len(p.SampledValues[t]) != len(tree) {
			return "sampled values", ErrShape
		}
		for _, column := range tree {
			if len(column) != n {
				return "queried values", ErrShape
			}
		}
	}
	return "", nil
}

// checkFRI checks the number of layers and the size of the last one.
func checkFRI(p *stark.Proof) (field string, err error) {
	if len(p.FRI.Inner) > maxInner {
		return "number of inner layers", ErrLength
	}
	last, log := &p.FRI.LastPoly, p.Config.LogLastLayer
	if last.LogSize != log || len(last.Coeffs) != 1<<log {
		return "last layer", ErrShape
	}
	return "", nil
}

// nonCanonical names the first field with an element that is not reduced.
func nonCanonical(p *stark.Proof, kind stark.Kind) (field string) {
	c := canonicity{felt252: kind == stark.Poseidon252}
	c.hashes("commitments", p.Commitments)
	for t := range p.Commitments {
		for i := range p.SampledValues[t] {
			c.felts("sampled values", p.SampledValues[t][i])
			c.elems("queried values", p.QueriedValues[t][i])
		}
		c.hashes("hash witness", p.Decommitments[t].HashWitness)
	}
	for _, l := range p.FRI.Layers() {
		c.felts("FRI witness", l.Witness)
		c.hashes("hash witness", l.Decommitment.HashWitness)
		c.hashes("FRI commitment", []stark.Hash{l.Commitment})
	}
	c.felts("last layer", p.FRI.LastPoly.Coeffs)
	return c.field
}

// canonicity remembers the first field that holds an unreduced element.
type canonicity struct {
	felt252 bool // whether hashes are field elements
	field   string
}

func (c *canonicity) note(field string, ok bool) {
	if !ok && c.field == "" {
		c.field = field
	}
}

func (c *canonicity) elems(field string, v []m31.Elem) {
	for _, e := range v {
		c.note(field, e.IsCanonical())
	}
}

func (c *canonicity) felts(field string, v []stark.QM31) {
	for _, x := range v {
		c.note(field, x.IsCanonical())
	}
}

func (c *canonicity) hashes(field string, v []stark.Hash) {
	for i := range v {
		c.note(field, !c.felt252 || reduced((*[32]byte)(&v[i])))
	}
}

// sizer measures the binary form.
type sizer struct{ size int }

func (s *sizer) number(v uint64) { s.size += uvarintLen(v) }

func (s *sizer) numbers(v []int) {
	for _, n := range v {
		s.number(uint64(n))
	}
}

func (s *sizer) elems(columns ...[]m31.Elem) {
	for _, c := range columns {
		s.size += elemBytes * len(c)
	}
}

func (s *sizer) felts(columns ...[]stark.QM31) {
	for _, c := range columns {
		s.size += feltBytes * len(c)
	}
}

func (s *sizer) hashes(v []stark.Hash) { s.size += hashBytes * len(v) }
