package codec

import (
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// sink is the writing side of a form. Lists carry no length of their own; the
// columns of one call form a single run of values.
type sink interface {
	number(v uint64)
	numbers(v []int) // a run of small numbers
	elems(columns ...[]m31.Elem)
	felts(columns ...[]stark.QM31)
	hashes(v []stark.Hash)
}

// source is the reading side of a form. Its methods panic with a *FormatError,
// and check that the data holds n items before they allocate.
type source interface {
	number(field string, lo, hi uint64) uint64
	numbers(field string, n, hi int) []int
	elems(field string, n int) []m31.Elem
	felts(field string, n int) []stark.QM31
	hashes(field string, n int) []stark.Hash
	fail(field string, reason error)
}

// write emits everything after a form's header. The proof has passed check.
func write(w sink, p *stark.Proof) {
	for _, v := range configFields(&p.Config) {
		w.number(uint64(*v))
	}
	w.number(uint64(len(p.Commitments)))
	w.hashes(p.Commitments)
	for _, tree := range p.SampledValues {
		counts := make([]int, len(tree))
		for i, column := range tree {
			counts[i] = len(column)
		}
		w.number(uint64(len(tree)))
		w.numbers(counts)
		w.felts(tree...)
	}
	for _, d := range p.Decommitments {
		writeHashes(w, d.HashWitness)
	}
	w.number(uint64(openings(p)))
	for _, tree := range p.QueriedValues {
		w.elems(tree...)
	}
	w.number(p.ProofOfWork)
	writeLayer(w, &p.FRI.First)
	w.number(uint64(len(p.FRI.Inner)))
	for i := range p.FRI.Inner {
		writeLayer(w, &p.FRI.Inner[i])
	}
	w.felts(p.FRI.LastPoly.Coeffs)
}

func writeHashes(w sink, v []stark.Hash) {
	w.number(uint64(len(v)))
	w.hashes(v)
}

func writeLayer(w sink, l *stark.FRILayer) {
	w.number(uint64(len(l.Witness)))
	w.felts(l.Witness)
	writeHashes(w, l.Decommitment.HashWitness)
	w.hashes([]stark.Hash{l.Commitment})
}

// openings returns the number of query positions, which is the length of every
// column of queried values: the last tree always has a column.
func openings(p *stark.Proof) int {
	return len(p.QueriedValues[len(p.QueriedValues)-1][0])
}

// configFields returns the parameters in the order of the format.
func configFields(c *stark.Config) [6]*int {
	return [...]*int{&c.PowBits, &c.LogBlowup, &c.LogLastLayer, &c.Queries, &c.FoldStep, &c.Lifting}
}

// read parses everything after a form's header.
func read(r source) *stark.Proof {
	p := new(stark.Proof)
	for _, v := range configFields(&p.Config) {
		*v = count(r, "configuration", 0, 1<<16)
	}
	if p.Config.Validate() != nil {
		r.fail("configuration", ErrConfig)
	}
	trees := count(r, "number of trees", 1, maxTrees)
	p.Commitments = r.hashes("commitments", trees)
	p.SampledValues = readSampled(r, trees)
	p.Decommitments = make([]stark.Decommitment, trees)
	for t := range p.Decommitments {
		p.Decommitments[t].HashWitness = readHashes(r)
	}
	p.QueriedValues = readQueried(r, p)
	p.ProofOfWork = r.number("proof of work", 0, 1<<64-1)
	p.FRI.First = readLayer(r)
	p.FRI.Inner = make([]stark.FRILayer, count(r, "number of inner layers", 0, maxInner))
	for i := range p.FRI.Inner {
		p.FRI.Inner[i] = readLayer(r)
	}
	p.FRI.LastPoly.LogSize = p.Config.LogLastLayer
	p.FRI.LastPoly.Coeffs = r.felts("last layer", 1<<p.Config.LogLastLayer)
	return p
}

func count(r source, field string, lo, hi int) int {
	return int(r.number(field, uint64(lo), uint64(hi)))
}

func readSampled(r source, trees int) [][][]stark.QM31 {
	out := make([][][]stark.QM31, trees)
	for t := range out {
		least := 0
		if t == trees-1 {
			least = 1 // column of the composition
		}
		columns := count(r, "number of columns", least, maxColumns)
		counts := r.numbers("numbers of samples", columns, maxItems)
		total := 0
		for _, n := range counts {
			total += n // below maxColumns*maxItems = 2^26
		}
		out[t] = split(r.felts("sampled values", total), counts)
	}
	return out
}

func readQueried(r source, p *stark.Proof) [][][]m31.Elem {
	n := count(r, "number of openings", 1, p.Config.Queries)
	out := make([][][]m31.Elem, len(p.SampledValues))
	for t, samples := range p.SampledValues {
		values := r.elems("queried values", len(samples)*n)
		out[t] = make([][]m31.Elem, len(samples))
		for c := range out[t] {
			out[t][c], values = values[:n:n], values[n:]
		}
	}
	return out
}

// split cuts the concatenation of columns of the given lengths.
func split(values []stark.QM31, lengths []int) [][]stark.QM31 {
	out := make([][]stark.QM31, len(lengths))
	for i, n := range lengths {
		out[i], values = values[:n:n], values[n:]
	}
	return out
}

func readHashes(r source) []stark.Hash {
	return r.hashes("hash witness", count(r, "number of hashes", 0, maxItems))
}

func readLayer(r source) (l stark.FRILayer) {
	l.Witness = r.felts("FRI witness", count(r, "length of a FRI witness", 0, maxItems))
	l.Decommitment.HashWitness = readHashes(r)
	l.Commitment = r.hashes("FRI commitment", 1)[0]
	return l
}
