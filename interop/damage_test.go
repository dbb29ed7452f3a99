//go:build interop

package interop_test

import (
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// damages are the ways to damage a proof. do changes one place, chosen by the
// number among all that there are; every proof has such a place, or its first
// root is changed instead.
var damages = []struct {
	name string
	do   func(p *stark.Proof, number int)
}{
	{"root", func(p *stark.Proof, n int) { flip(&p.Commitments[n%len(p.Commitments)]) }},
	{"sample", func(p *stark.Proof, n int) { pick(p, n, samples(p), increment) }},
	{"missing sample", func(p *stark.Proof, n int) {
		tree := p.SampledValues[1+n%(len(p.SampledValues)-1)]
		tree[n%len(tree)] = nil
	}},
	{"opened value", func(p *stark.Proof, n int) {
		tree := p.QueriedValues[1+n%(len(p.QueriedValues)-1)]
		col := tree[n%len(tree)]
		col[n%len(col)] = col[n%len(col)].Add(1)
	}},
	{"missing row", func(p *stark.Proof, n int) {
		for _, tree := range p.QueriedValues {
			for c := range tree {
				tree[c] = tree[c][1:]
			}
		}
	}},
	{"hash", func(p *stark.Proof, n int) { pick(p, n, hashes(p), flip) }},
	{"missing hash", func(p *stark.Proof, n int) { pick(p, n, witnesses(p), dropLast[stark.Hash]) }},
	{"nonce", func(p *stark.Proof, _ int) { p.ProofOfWork++ }},
	{"FRI root", func(p *stark.Proof, n int) { flip(&p.FRI.Layers()[n%len(p.FRI.Layers())].Commitment) }},
	{"FRI value", func(p *stark.Proof, n int) { pick(p, n, friValues(p), increment) }},
	{"extra FRI value", func(p *stark.Proof, n int) { p.FRI.First.Witness = append(p.FRI.First.Witness, m31.One) }},
	{"missing layer", func(p *stark.Proof, n int) {
		if len(p.FRI.Inner) == 0 {
			flip(&p.Commitments[0])
			return
		}
		p.FRI.Inner = p.FRI.Inner[1:]
	}},
	{"last layer", func(p *stark.Proof, n int) { increment(&p.FRI.LastPoly.Coeffs[n%len(p.FRI.LastPoly.Coeffs)]) }},
	{"long last layer", func(p *stark.Proof, _ int) {
		p.FRI.LastPoly.Coeffs = append(p.FRI.LastPoly.Coeffs, make([]m31.QM31, len(p.FRI.LastPoly.Coeffs))...)
		p.FRI.LastPoly.LogSize++
	}},
	{"configuration", func(p *stark.Proof, _ int) { p.Config.PowBits-- }},
}

// pick changes one of the places.
func pick[T any](p *stark.Proof, n int, places []*T, change func(*T)) {
	if len(places) == 0 {
		flip(&p.Commitments[0])
		return
	}
	change(places[n*7919%len(places)])
}

// flip changes a hash; the last byte keeps a felt252 reduced.
func flip(h *stark.Hash) { h[31] ^= 1 }

func increment(v *m31.QM31) { *v = v.Add(m31.Q(0, 0, 1, 0)) }

func dropLast[T any](v *[]T) { *v = (*v)[:len(*v)-1] }

func samples(p *stark.Proof) (out []*m31.QM31) {
	for _, tree := range p.SampledValues {
		for _, col := range tree {
			for i := range col {
				out = append(out, &col[i])
			}
		}
	}
	return out
}

func friValues(p *stark.Proof) (out []*m31.QM31) {
	for _, l := range p.FRI.Layers() {
		for i := range l.Witness {
			out = append(out, &l.Witness[i])
		}
	}
	return out
}

// witnesses lists the Merkle witnesses that are not empty.
func witnesses(p *stark.Proof) (out []*[]stark.Hash) {
	add := func(d *stark.Decommitment) {
		if len(d.HashWitness) > 0 {
			out = append(out, &d.HashWitness)
		}
	}
	for i := range p.Decommitments {
		add(&p.Decommitments[i])
	}
	for _, l := range p.FRI.Layers() {
		add(&l.Decommitment)
	}
	return out
}

func hashes(p *stark.Proof) (out []*stark.Hash) {
	for _, w := range witnesses(p) {
		for i := range *w {
			out = append(out, &(*w)[i])
		}
	}
	return out
}
