package stark_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

// steps is what stwo computed on the way to a proof.
type steps struct {
	Symbols       map[string]stark.Flat
	Trace         [][][]m31.Elem    `json:"trace_coefficients"`
	RandomCoeff   stark.Flat        `json:"composition_random_coeff"`
	Composition   [4][]m31.Elem     `json:"composition_coefficients"`
	T             stark.Flat        `json:"oods_t"`
	OODS          stark.Point       `json:"oods_point"`
	Lifting       int               `json:"lifting_log_size"`
	MaskPoints    [][][]stark.Point `json:"mask_points"`
	Sampled       [][][]stark.Flat  `json:"sampled_values"`
	QuotientCoeff stark.Flat        `json:"quotient_random_coeff"`
	Quotient      []stark.Flat      `json:"quotient_storage_order"`
	Alphas        []stark.Flat      `json:"fri_alphas"`
	Layers        [][]stark.Flat    `json:"fri_layers_storage_order"`
	Queries       []int             `json:"unsorted_queries"`
	Transcript    []stark.Entry
}

// run is a verified proof.
type run struct {
	*steps
	air     *air.AIR
	layout  *stark.Layout
	proof   *stark.Proof
	symbols air.Symbols
	log     []stark.Entry // of the verifier's channel
	begin   int           // of stwo's own transcript in the log
}

// roots supplies the prologue with a proof's roots.
type roots struct {
	*testing.T
	commitments []stark.Hash
}

func (r roots) Commit(tree int, _ air.Symbols) (stark.Hash, error) { return r.commitments[tree], nil }

func (r roots) Resolve(name string, _ air.Symbols) (stark.QM31, error) {
	r.Fatalf("the statement lacks %s", name)
	return stark.QM31{}, nil
}

// verifyRecorded verifies a proof on a recording channel. In place of the
// constraints it evaluates stwo's composition polynomial.
func verifyRecorded(t *testing.T, name string) *run {
	read := func(file string) []byte { return vectors.Read(t, "stwo", "proofs", name, file) }
	r := &run{steps: new(steps)}
	vectors.Load(t, r.steps, "stwo", "proofs", name, "STEPS.json")
	var err error
	if r.air, err = air.Load(bytes.NewReader(read("AIR.json"))); err != nil {
		t.Fatal(err)
	}
	if r.proof, err = stark.ParseJSON(bytes.TrimSpace(read("PROOF.json")), r.air.Kind); err != nil {
		t.Fatal(err)
	}
	r.layout = r.air.Layout()
	if err := r.layout.CheckShape(r.proof); err != nil {
		t.Fatal(err)
	}
	ch := stark.NewRecorder(r.air.Kind)
	if r.symbols, err = r.air.Play(ch, roots{t, r.proof.Commitments}); err != nil {
		t.Fatal(err)
	}
	r.begin = len(ch.Log)
	err = r.layout.Verify(ch, r.proof, func(_ [][][]stark.QM31, alpha, inv stark.QM31) stark.QM31 {
		equal(t, "random coefficient", alpha, r.RandomCoeff.Felt())
		x := circle.DoubleXSecure(r.OODS.Secure().X, r.layout.MaxLog()-1)
		equal(t, "1/vanishing polynomial", inv.Mul(x), m31.One)
		return r.compositionAt(r.OODS.Secure())
	})
	if err != nil {
		t.Error(err)
	}
	r.log = ch.Log
	return r
}

// compositionAt evaluates the lifted composition polynomial.
func (r *run) compositionAt(p circle.SecurePoint) stark.QM31 {
	var e [4]stark.QM31
	for i, coeffs := range r.Composition {
		e[i] = circle.EvalAt(coeffs, p.Double(r.layout.MaxLog()+1-circle.Log2(len(coeffs))))
	}
	return m31.FromPartials(e[0], e[1], e[2], e[3])
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func deepEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %.300v, want %.300v", what, got, want)
	}
}

// convert maps the items of [tree][column][item].
func convert[S, T any](v [][][]S, f func(S) T) [][][]T {
	out := make([][][]T, len(v))
	for t := range v {
		out[t] = make([][]T, len(v[t]))
		for c := range v[t] {
			for _, x := range v[t][c] {
				out[t][c] = append(out[t][c], f(x))
			}
		}
	}
	return out
}

func same[T any](x T) T { return x }

// TestSteps verifies stwo's proofs and compares everything on the way.
func TestSteps(t *testing.T) {
	for _, name := range vectors.Dirs(t, "stwo", "proofs") {
		t.Run(name, func(t *testing.T) {
			r := verifyRecorded(t, name)
			stark.SameLog(t, r.log, r.Transcript)
			r.checkSymbols(t)
			r.checkDraws(t)
			r.checkQueries(t)
			r.checkSamples(t)
			r.checkRoots(t)
			r.checkQuotient(t)
			r.checkLayers(t)
		})
	}
}

func (r *run) checkSymbols(t *testing.T) {
	equal(t, "symbols", len(r.symbols), len(r.Symbols))
	for name, v := range r.Symbols {
		equal(t, "symbol "+name, r.symbols[name], v.Felt())
	}
}

// checkDraws compares the elements drawn after the prologue.
func (r *run) checkDraws(t *testing.T) {
	var got []stark.Flat
	for _, e := range r.log[r.begin:] {
		var v stark.Flat
		if e.Op != "draw_secure_felt" {
			continue
		}
		if err := json.Unmarshal(e.Out, &v); err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	want := append([]stark.Flat{r.RandomCoeff, r.T, r.QuotientCoeff}, r.Alphas...)
	deepEqual(t, "draws", got, want)
	equal(t, "out-of-domain point", circle.SecurePointAt(r.T.Felt()), r.OODS.Secure())
}

// blocks is a channel that only draws recorded words.
type blocks struct {
	stark.Channel
	log []stark.Entry
}

func (b *blocks) DrawU32s() (v []uint32) {
	for b.log[0].Op != "draw_u32s" {
		b.log = b.log[1:]
	}
	if err := json.Unmarshal(b.log[0].Out, &v); err != nil {
		panic(err)
	}
	b.log = b.log[1:]
	return v
}

func (r *run) checkQueries(t *testing.T) {
	equal(t, "domain", r.layout.Lifted(), r.Lifting)
	b := &blocks{log: r.log[r.begin:]}
	deepEqual(t, "queries", stark.DrawQueries(b, r.air.Config.Queries, r.Lifting), r.Queries)
	equal(t, "operations after the queries", len(b.log), 0)
}

// checkSamples compares the mask points, and the values of all columns at them.
func (r *run) checkSamples(t *testing.T) {
	points := r.layout.MaskPoints(r.OODS.Secure())
	deepEqual(t, "mask points", points, convert(r.MaskPoints, stark.Point.Secure))
	sampled := convert(r.Sampled, stark.Flat.Felt)
	deepEqual(t, "sampled values", convert(r.proof.SampledValues, same), sampled)
	for tree, cols := range r.columns() {
		for c, coeffs := range cols {
			for k, p := range points[tree][c] {
				at := p.Double(r.layout.MaxLog() - circle.Log2(len(coeffs)))
				equal(t, "sample", circle.EvalAt(coeffs, at), sampled[tree][c][k])
			}
		}
	}
}

// columns returns the coefficients of all columns, those of the composition's
// halves last.
func (r *run) columns() [][][]m31.Elem {
	var halves [8][]m31.Elem
	for i, coeffs := range r.Composition {
		halves[i], halves[4+i] = coeffs[:len(coeffs)/2], coeffs[len(coeffs)/2:]
	}
	return append(append([][][]m31.Elem(nil), r.Trace...), halves[:])
}

// evaluations extends all columns by the blowup factor.
func (r *run) evaluations() [][][]m31.Elem {
	out := r.columns()
	for t, cols := range out {
		out[t] = make([][]m31.Elem, len(cols))
		for c, coeffs := range cols {
			out[t][c] = make([]m31.Elem, len(coeffs)<<r.air.Config.LogBlowup)
			circle.Evaluate(out[t][c], coeffs)
		}
	}
	return out
}

func (r *run) checkRoots(t *testing.T) {
	for tree, cols := range r.evaluations() {
		root := stark.MerkleRoot(r.air.Kind.Hasher(), cols, r.layout.Height(tree))
		equal(t, "root", root, r.proof.Commitments[tree])
	}
}

// checkQuotient computes the quotient column and compares it at all points.
func (r *run) checkQuotient(t *testing.T) {
	lifted := r.evaluations()
	for _, cols := range lifted {
		for c, col := range cols {
			cols[c] = make([]m31.Elem, 1<<r.Lifting)
			for p := range cols[c] {
				cols[c][p] = col[stark.Lift(p, r.Lifting, len(col))]
			}
		}
	}
	batches := stark.Quotients(r.layout.Columns(), r.layout.MaskPoints(r.OODS.Secure()), r.proof.SampledValues,
		r.QuotientCoeff.Felt(), r.Lifting, r.air.Config.LogBlowup)
	for p, want := range r.Quotient {
		equal(t, "quotient", stark.QuotientAt(batches, lifted, p, circle.StoragePoint(p, r.Lifting)), want.Felt())
	}
	equal(t, "quotients", len(r.Quotient), 1<<r.Lifting)
}

// checkLayers folds the quotient column down to the last layer, whose
// polynomial it must agree with.
func (r *run) checkLayers(t *testing.T) {
	folds, err := r.air.Config.FRIFolds(r.Lifting)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "layers", len(folds), len(r.Layers))
	column := stark.Felts(r.Quotient)
	for i, f := range folds {
		column = stark.FoldLayer(column, f.Log, f.Fold, i == 0, r.Alphas[i].Felt())
		deepEqual(t, "layer", column, stark.Felts(r.Layers[i]))
	}
	log := circle.Log2(len(column))
	for p, v := range column {
		x := m31.FromElem(circle.LineStorageX(p, log))
		equal(t, "last layer", circle.EvalLine(r.proof.FRI.LastPoly.Coeffs, x), v)
	}
}
