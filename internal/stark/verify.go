package stark

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

// Layout is what the commitment scheme knows of an AIR: the columns of every
// tree but the composition's, and the degree of the composition polynomial.
type Layout struct {
	Kind      Kind
	Config    Config
	Trees     [][]Column
	LogDegree int // log2 of the number of coefficients of the composition polynomial
}

// Lifted returns L, the log size of the common evaluation domain.
func (l *Layout) Lifted() int {
	if l.Config.Lifting != 0 {
		return l.Config.Lifting
	}
	return l.LogDegree - 1 + l.Config.LogBlowup
}

// MaxLog returns M, the log degree bound of the lifted columns.
func (l *Layout) MaxLog() int { return l.Lifted() - l.Config.LogBlowup }

// Height returns the height of a tree.
func (l *Layout) Height(tree int) int {
	if tree == len(l.Trees) {
		return l.Lifted()
	}
	h := 0
	for _, c := range l.Trees[tree] {
		h = max(h, c.LogSize+l.Config.LogBlowup)
	}
	if l.Config.Lifting != 0 {
		return l.Config.Lifting
	}
	return h
}

// Columns returns the columns of all trees, those of the composition last.
func (l *Layout) Columns() [][]Column {
	comp := make([]Column, 8)
	for i := range comp {
		comp[i] = Column{l.LogDegree - 1, []int{0}}
	}
	return append(append([][]Column(nil), l.Trees...), comp)
}

// Validate reports whether stwo 2.3.0 can prove and verify statements of this
// layout.
func (l *Layout) Validate() error {
	if err := l.Config.Validate(); err != nil {
		return err
	}
	if _, ok := kindNames[l.Kind]; !ok {
		return fmt.Errorf("stark: no channel kind %d", l.Kind)
	}
	if len(l.Trees) < 2 || len(l.Trees) > 4 {
		return fmt.Errorf("stark: %d trees, want 2 to 4", len(l.Trees))
	}
	if l.LogDegree < 2 || l.Lifted() > MaxLogSize || l.MaxLog() < 1 {
		return fmt.Errorf("stark: composition of log degree %d on a domain of log size %d is out of range", l.LogDegree, l.Lifted())
	}
	if _, err := l.Config.layers(l.Lifted()); err != nil {
		return err
	}
	for t, cols := range l.Trees {
		for c, col := range cols {
			if col.LogSize < 1 || col.LogSize+l.Config.LogBlowup > MaxLogSize {
				return fmt.Errorf("stark: tree %d column %d: log size %d is out of range", t, c, col.LogSize)
			}
			if l.Config.Lifting != 0 && col.LogSize+l.Config.LogBlowup > l.Config.Lifting {
				return fmt.Errorf("stark: tree %d column %d does not fit lifting_log_size %d", t, c, l.Config.Lifting)
			}
		}
		switch {
		case t == 0 && len(cols) == 0 && l.Config.Lifting != 0:
			return fmt.Errorf("stark: lifting_log_size needs a preprocessed column: stwo 2.3.0 rejects its own proofs without one")
		case t > 0 && l.Height(t) != l.Lifted():
			return fmt.Errorf("stark: tree %d has height %d, the domain %d: set lifting_log_size", t, l.Height(t), l.Lifted())
		}
	}
	if l.LogDegree-1 > l.MaxLog() {
		return fmt.Errorf("stark: composition of log degree %d does not fit lifting_log_size %d", l.LogDegree, l.Config.Lifting)
	}
	return nil
}

// CheckShape makes every check on a proof that needs no cryptography. Call it
// before the proof's roots are absorbed.
func (l *Layout) CheckShape(p *Proof) error {
	if err := l.Validate(); err != nil {
		return err
	}
	if p.Config != l.Config {
		return invalid(CheckConfig, "the proof was made for %+v, the verifier wants %+v", p.Config, l.Config)
	}
	trees := len(l.Trees) + 1
	if len(p.Commitments) != trees {
		return invalid(CheckCommitments, "%d roots, want %d", len(p.Commitments), trees)
	}
	columns := l.Columns()
	if err := checkSampled(p, columns); err != nil {
		return err
	}
	if err := checkQueried(p, columns, l.Config.Queries); err != nil {
		return err
	}
	if len(p.Decommitments) != trees {
		return invalid(CheckDecommitments, "%d decommitments, want %d", len(p.Decommitments), trees)
	}
	ls, err := l.Config.layers(l.Lifted())
	if err != nil {
		return err
	}
	if len(p.FRI.Inner)+1 != len(ls) {
		return invalid(CheckFRIShape, "%d inner layers, want %d", len(p.FRI.Inner), len(ls)-1)
	}
	if n := 1 << l.Config.LogLastLayer; len(p.FRI.LastPoly.Coeffs) != n || p.FRI.LastPoly.LogSize != l.Config.LogLastLayer {
		return invalid(CheckFRIShape, "last layer of %d coefficients and log size %d, want %d", len(p.FRI.LastPoly.Coeffs), p.FRI.LastPoly.LogSize, n)
	}
	return p.checkCanonical(l.Kind)
}

func checkSampled(p *Proof, columns [][]Column) error {
	if len(p.SampledValues) != len(columns) {
		return invalid(CheckSampledValues, "%d trees, want %d", len(p.SampledValues), len(columns))
	}
	for t, tree := range p.SampledValues {
		if len(tree) != len(columns[t]) {
			return invalid(CheckSampledValues, "tree %d has %d columns, want %d", t, len(tree), len(columns[t]))
		}
		for c, col := range tree {
			if len(col) != len(columns[t][c].Offsets) {
				return invalid(CheckSampledValues, "tree %d column %d has %d samples, want %d", t, c, len(col), len(columns[t][c].Offsets))
			}
		}
	}
	return nil
}

// checkQueried checks what is known before the queries are drawn: the number of
// columns, and that no column has more values than there can be queries. All
// columns have as many values as the first one of the composition.
func checkQueried(p *Proof, columns [][]Column, queries int) error {
	if len(p.QueriedValues) != len(columns) {
		return invalid(CheckQueriedValues, "%d trees, want %d", len(p.QueriedValues), len(columns))
	}
	n := -1
	for t := len(columns) - 1; t >= 0; t-- {
		tree := p.QueriedValues[t]
		if len(tree) != len(columns[t]) {
			return invalid(CheckQueriedValues, "tree %d has %d columns, want %d", t, len(tree), len(columns[t]))
		}
		for c, col := range tree {
			if n < 0 {
				n = len(col)
			}
			if len(col) != n || n < 1 || n > queries {
				return invalid(CheckQueriedValues, "tree %d column %d has %d values", t, c, len(col))
			}
		}
	}
	return nil
}

func (p *Proof) checkCanonical(kind Kind) error {
	felts := func(where string, v []QM31) error {
		for _, x := range v {
			if !x.IsCanonical() {
				return invalid(CheckCanonical, "%s holds a coordinate of p or more", where)
			}
		}
		return nil
	}
	hashes := func(where string, v []Hash) error {
		if kind != Poseidon252 {
			return nil
		}
		for i := range v {
			if !isFelt(&v[i]) {
				return invalid(CheckCanonical, "%s holds a felt252 that is not reduced", where)
			}
		}
		return nil
	}
	var errs []error
	errs = append(errs, hashes("commitments", p.Commitments))
	for t := range p.SampledValues {
		for _, col := range p.SampledValues[t] {
			errs = append(errs, felts("sampled values", col))
		}
		for _, col := range p.QueriedValues[t] {
			for _, e := range col {
				if !e.IsCanonical() {
					errs = append(errs, invalid(CheckCanonical, "queried values hold an element of p or more"))
				}
			}
		}
		errs = append(errs, hashes("decommitments", p.Decommitments[t].HashWitness))
	}
	for _, l := range p.FRI.Layers() {
		errs = append(errs, felts("FRI witness", l.Witness), hashes("FRI", l.Decommitment.HashWitness), hashes("FRI", []Hash{l.Commitment}))
	}
	errs = append(errs, felts("last layer", p.FRI.LastPoly.Coeffs))
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// MaskPoints returns the points at which every column is opened: the
// out-of-domain point shifted by the column's row offsets, in steps of the
// largest trace domain whatever the column's size.
func (l *Layout) MaskPoints(oods circle.SecurePoint) [][][]circle.SecurePoint {
	step := circle.SubgroupGen(l.MaxLog())
	shifted := map[int]circle.SecurePoint{0: oods}
	columns := l.Columns()
	out := make([][][]circle.SecurePoint, len(columns))
	for t, cols := range columns {
		out[t] = make([][]circle.SecurePoint, len(cols))
		for c, col := range cols {
			for _, o := range col.Offsets {
				p, ok := shifted[o]
				if !ok {
					p = oods.Add(step.Mul(o).Point().Secure())
					shifted[o] = p
				}
				out[t][c] = append(out[t][c], p)
			}
		}
	}
	return out
}

// Flatten returns the sampled values in transcript order.
func Flatten(values [][][]QM31) []QM31 {
	var out []QM31
	for _, tree := range values {
		for _, col := range tree {
			out = append(out, col...)
		}
	}
	return out
}

// Composition evaluates the combined constraints at the out-of-domain point.
// values holds the sampled values, alpha is the random coefficient and inv the
// inverse of the vanishing polynomial there.
type Composition func(values [][][]QM31, alpha, inv QM31) QM31

// Verify verifies the proof on a channel that has absorbed the statement and all
// trees but the composition's. CheckShape must have accepted the proof.
func (l *Layout) Verify(ch Channel, p *Proof, composition Composition) error {
	L, trees := l.Lifted(), len(l.Trees)

	alpha := ch.DrawFelt()
	ch.MixRoot(p.Commitments[trees])
	oods := circle.SecurePointAt(ch.DrawFelt())
	if !l.CompositionHolds(p.SampledValues, alpha, oods, composition) {
		return invalid(CheckComposition, "the constraints do not hold at the out-of-domain point")
	}
	ch.MixFelts(Flatten(p.SampledValues))
	gamma := ch.DrawFelt()

	var alphas []QM31
	for _, fl := range p.FRI.Layers() {
		ch.MixRoot(fl.Commitment)
		alphas = append(alphas, ch.DrawFelt())
	}
	ch.MixFelts(p.FRI.LastPoly.Coeffs)
	if !ch.VerifyPow(l.Config.PowBits, p.ProofOfWork) {
		return invalid(CheckProofOfWork, "nonce %d lacks %d bits of work", p.ProofOfWork, l.Config.PowBits)
	}
	ch.MixU64(p.ProofOfWork)
	queries := SortedQueries(DrawQueries(ch, l.Config.Queries, L))

	if err := l.verifyTrees(p, queries); err != nil {
		return err
	}
	batches := Quotients(l.Columns(), l.MaskPoints(oods), p.SampledValues, gamma, L, l.Config.LogBlowup)
	values := make([]QM31, len(queries))
	for k, pos := range queries {
		values[k] = quotientAt(batches, p.QueriedValues, k, circle.StoragePoint(pos, L))
	}
	return verifyFRI(l.Config, l.Kind.Hasher(), L, alphas, &p.FRI, queries, values)
}

// CompositionHolds compares the sampled composition polynomial with the
// constraints, evaluated on the sampled values of the trace.
func (l *Layout) CompositionHolds(values [][][]QM31, alpha QM31, oods circle.SecurePoint, composition Composition) bool {
	x := circle.DoubleXSecure(oods.X, l.MaxLog()-1) // vanishes on the canonic coset
	return composition(values, alpha, x.Inv()) == joinHalves(values[len(l.Trees)], x)
}

// joinHalves puts the composition polynomial together: left + x*right.
func joinHalves(samples [][]QM31, x QM31) QM31 {
	var v [8]QM31
	for i := range v {
		v[i] = samples[i][0]
	}
	left := m31.FromPartials(v[0], v[1], v[2], v[3])
	return left.Add(x.Mul(m31.FromPartials(v[4], v[5], v[6], v[7])))
}

// quotientAt computes the DEEP quotient at the k-th query, the domain point pt.
func quotientAt(batches []*Batch, opened [][][]m31.Elem, k int, pt circle.Point) QM31 {
	var total QM31
	for _, b := range batches {
		var sum QM31
		for _, t := range b.Terms {
			sum = sum.Add(t.Coeff.MulElem(opened[t.Tree][t.Column][k]))
		}
		total = total.Add(b.Finish(sum, pt, b.Denominator(pt).Inv()))
	}
	return total
}

// verifyTrees checks the Merkle openings of all trees.
func (l *Layout) verifyTrees(p *Proof, queries []int) error {
	h := l.Kind.Hasher()
	for t, cols := range l.Columns() {
		height := l.Height(t)
		if height == 0 {
			if n := len(p.Decommitments[t].HashWitness); n != 0 {
				return invalid(CheckMerkle, "tree %d is empty but has a witness of %d hashes", t, n)
			}
			continue
		}
		where := queries
		if t == 0 {
			where = PreprocessedQueries(queries, l.Lifted(), height)
		}
		positions, leaves, err := openedLeaves(h, cols, p.QueriedValues[t], where)
		if err != nil {
			return invalid(CheckQueriedValues, "tree %d: %v", t, err)
		}
		if err := verifyMerkle(h, p.Commitments[t], height, positions, leaves, p.Decommitments[t].HashWitness); err != nil {
			return invalid(CheckMerkle, "tree %d: %v", t, err)
		}
	}
	return nil
}

// openedLeaves hashes the opened rows and returns the leaves by ascending
// position. Positions may repeat, and then the rows must be equal.
func openedLeaves(h Hasher, cols []Column, values [][]m31.Elem, where []int) (positions []int, leaves []Hash, err error) {
	logs := make([]int, len(cols))
	for i, c := range cols {
		logs[i] = c.LogSize
		if len(values[i]) != len(where) {
			return nil, nil, countError(fmt.Sprintf("column %d has %d values for %d queries", i, len(values[i]), len(where)))
		}
	}
	order := SizeOrder(logs)
	row := make([]m31.Elem, len(cols))
	at := make(map[int]Hash, len(where))
	for k, pos := range where {
		for i, c := range order {
			row[i] = values[c][k]
		}
		leaf := h.Leaf(row)
		if old, ok := at[pos]; ok && old != leaf {
			return nil, nil, countError(fmt.Sprintf("two different rows for position %d", pos))
		}
		at[pos] = leaf
	}
	positions = slices.Sorted(maps.Keys(at))
	for _, p := range positions {
		leaves = append(leaves, at[p])
	}
	return positions, leaves, nil
}
