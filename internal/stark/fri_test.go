package stark

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/vectors"
)

// foldVectors is one folding of a column.
type foldVectors struct {
	LogSize        int `json:"log_size"`
	Alpha          Flat
	Values, Folded []Flat
	Point          Flat `json:"folded_to_a_point"` // of lines only
}

type friVectors struct {
	Circle      []foldVectors `json:"fold_circle_into_line"`
	Line        []foldVectors `json:"fold_line"`
	Commitments []friCase     `json:"commitments_blake2s"`
}

// friCase is a whole low-degree proof.
type friCase struct {
	Config struct {
		FoldStep     int `json:"fold_step"`
		LogBlowup    int `json:"log_blowup_factor"`
		LogLastLayer int `json:"log_last_layer_degree_bound"`
		Queries      int `json:"n_queries"`
	}
	LogDegree    int `json:"log_degree"`
	Coefficients [4][]m31.Elem
	Column       []Flat `json:"column_storage_order"`
	Transcript   []Entry
	Unsorted     []int `json:"unsorted_queries"`
	Queries      []int
	Proof        struct {
		First    layerVectors   `json:"first_layer"`
		Inner    []layerVectors `json:"inner_layers"`
		LastPoly struct {
			Coeffs  []nested
			LogSize int `json:"log_size"`
		} `json:"last_layer_poly"`
	}
}

type layerVectors struct {
	Commitment   Hash
	Decommitment struct {
		Witness []Hash `json:"hash_witness"`
	}
	Witness []nested `json:"fri_witness"`
}

func (v layerVectors) layer() FRILayer {
	return FRILayer{mapped(v.Witness, nested.felt), Decommitment{v.Decommitment.Witness}, v.Commitment}
}

func (c *friCase) config() Config {
	return Config{LogBlowup: c.Config.LogBlowup, LogLastLayer: c.Config.LogLastLayer, Queries: c.Config.Queries, FoldStep: c.Config.FoldStep}
}

func (c *friCase) log() int { return c.LogDegree + c.Config.LogBlowup }

func (c *friCase) proof() *FRIProof {
	p := &FRIProof{First: c.Proof.First.layer(), Inner: mapped(c.Proof.Inner, layerVectors.layer)}
	p.LastPoly = LinePoly{mapped(c.Proof.LastPoly.Coeffs, nested.felt), c.Proof.LastPoly.LogSize}
	return p
}

// alphas reads the folding factors off the transcript.
func (c *friCase) alphas(t *testing.T) []QM31 {
	r := NewRecorder(Blake2s)
	var out []QM31
	for _, e := range c.Transcript {
		if e.Op == "draw_secure_felt" {
			out = append(out, r.DrawFelt())
		} else {
			perform(t, r, e)
		}
	}
	SameLog(t, r.Log, c.Transcript)
	return out
}

func loadFRI(t *testing.T) *friVectors {
	v := new(friVectors)
	vectors.Load(t, v, "stwo", "fri.json")
	if len(v.Circle) == 0 || len(v.Line) == 0 || len(v.Commitments) == 0 {
		t.Fatal("fri.json lacks a list")
	}
	return v
}

// FoldLayer folds a whole layer of a domain of size 2^log by 2^fold.
func FoldLayer(column []QM31, log, fold int, first bool, alpha QM31) []QM31 {
	out := make([]QM31, len(column)>>fold)
	for g := range out {
		out[g] = foldGroup(column[g<<fold:(g+1)<<fold], g, layer{log, fold}, first, alpha)
	}
	return out
}

func TestVectorsFold(t *testing.T) {
	v := loadFRI(t)
	for _, c := range v.Circle {
		got := FoldLayer(Felts(c.Values), c.LogSize, 1, true, c.Alpha.Felt())
		equalSlices(t, "folded circle", got, Felts(c.Folded))
	}
	for _, c := range v.Line {
		got := FoldLayer(Felts(c.Values), c.LogSize, 1, false, c.Alpha.Felt())
		equalSlices(t, "folded line", got, Felts(c.Folded))
		got = FoldLayer(Felts(c.Values), c.LogSize, c.LogSize, false, c.Alpha.Felt())
		equalSlices(t, "folded to a point", got, []QM31{c.Point.Felt()})
	}
}

// TestFoldSteps compares folding in one step with folding in single steps by
// the powers alpha, alpha^2, alpha^4, ...
func TestFoldSteps(t *testing.T) {
	for _, c := range loadFRI(t).Circle {
		for _, first := range []bool{true, false} {
			column, alpha := Felts(c.Values), c.Alpha.Felt()
			for s := range c.LogSize {
				equalSlices(t, "folded", column, FoldLayer(Felts(c.Values), c.LogSize, s, first, c.Alpha.Felt()))
				column = FoldLayer(column, c.LogSize-s, 1, first && s == 0, alpha)
				alpha = alpha.Square()
			}
		}
	}
}

// proveFRI commits to a column and opens it as a prover does.
func proveFRI(t *testing.T, cfg Config, ch Channel, log int, column []QM31) (*FRIProof, []int) {
	folds, err := cfg.FRIFolds(log)
	if err != nil {
		t.Fatal(err)
	}
	h, p := Blake2s.Hasher(), &FRIProof{Inner: make([]FRILayer, len(folds)-1)}
	columns, trees := make([][]QM31, len(folds)), make([][][]Hash, len(folds))
	for i, f := range folds {
		columns[i] = column
		trees[i] = MerkleLayers(h, packed(column, f.Packing), f.Log-f.Packing)
		p.Layers()[i].Commitment = trees[i][0][0]
		ch.MixRoot(trees[i][0][0])
		column = FoldLayer(column, f.Log, f.Fold, i == 0, ch.DrawFelt())
	}
	p.LastPoly = lastLayer(t, column, cfg.LogLastLayer)
	ch.MixFelts(p.LastPoly.Coeffs)
	raw := DrawQueries(ch, cfg.Queries, log)
	queries := SortedQueries(raw)
	for i, f := range folds {
		o := f.Opening(queries)
		for _, pos := range o.Positions {
			if !slices.Contains(queries, pos) {
				p.Layers()[i].Witness = append(p.Layers()[i].Witness, columns[i][pos])
			}
		}
		p.Layers()[i].Decommitment.HashWitness = MerkleWitness(trees[i], nil, o.Leaves)
		queries = o.Groups
	}
	return p, raw
}

// lastLayer interpolates the last column, whose degree must be below 2^log.
func lastLayer(t *testing.T, column []QM31, log int) LinePoly {
	circle.InterpolateLine(column)
	for _, c := range column[1<<log:] {
		equal(t, "coefficient above the bound", c, QM31{})
	}
	coeffs := make([]QM31, 1<<log)
	for i := range coeffs {
		coeffs[circle.Reverse(i, log)] = column[i]
	}
	return LinePoly{coeffs, log}
}

func equalFRI(t *testing.T, got, want *FRIProof) {
	t.Helper()
	equal(t, "layers", len(got.Layers()), len(want.Layers()))
	for i, l := range want.Layers() {
		g := got.Layers()[i]
		equal(t, "commitment", g.Commitment, l.Commitment)
		equalSlices(t, "witness", g.Witness, l.Witness)
		equalSlices(t, "hash witness", g.Decommitment.HashWitness, l.Decommitment.HashWitness)
	}
	equalSlices(t, "last layer", got.LastPoly.Coeffs, want.LastPoly.Coeffs)
	equal(t, "log size of the last layer", got.LastPoly.LogSize, want.LastPoly.LogSize)
}

// TestVectorsFRIProof makes the proofs anew and compares them and their
// transcripts.
func TestVectorsFRIProof(t *testing.T) {
	for _, c := range loadFRI(t).Commitments {
		r := NewRecorder(Blake2s)
		proof, raw := proveFRI(t, c.config(), r, c.log(), c.column(t))
		equalFRI(t, proof, c.proof())
		equalSlices(t, "queries", raw, c.Unsorted)
		SameLog(t, r.Log, c.Transcript)
	}
}

// column evaluates the coefficients and compares them with the column.
func (c *friCase) column(t *testing.T) []QM31 {
	v := m31.NewSecureVec(1 << c.log())
	for i, coeffs := range c.Coefficients {
		circle.Evaluate(v[i], coeffs)
	}
	out := make([]QM31, v.Len())
	for i := range out {
		out[i] = v.At(i)
	}
	equalSlices(t, "column", out, Felts(c.Column))
	return out
}

// friClaim is a low-degree claim that a test damages.
type friClaim struct {
	cfg     Config
	log     int
	alphas  []QM31
	proof   *FRIProof
	queries []int
	values  []QM31
}

func (c *friCase) claim(t *testing.T) *friClaim {
	f := &friClaim{c.config(), c.log(), c.alphas(t), c.proof(), c.Queries, nil}
	for _, p := range c.Queries {
		f.values = append(f.values, c.Column[p].Felt())
	}
	return f
}

func (f *friClaim) verify() error {
	return verifyFRI(f.cfg, Blake2s.Hasher(), f.log, f.alphas, f.proof, f.queries, f.values)
}

// withFelt verifies with another value of x.
func (f *friClaim) withFelt(t *testing.T, what string, x *QM31, want Check) {
	t.Helper()
	old := *x
	*x = old.Add(q(0, 1, 0, 0))
	fails(t, what, f.verify(), want)
	*x = old
}

// withList verifies with a list that is one element short, and one too long.
func withList[T any](t *testing.T, f *friClaim, what string, list *[]T, want Check) {
	t.Helper()
	old := *list
	*list = append(slices.Clone(old), *new(T))
	fails(t, "additional "+what, f.verify(), want)
	if len(old) > 0 {
		*list = old[:len(old)-1]
		fails(t, "missing "+what, f.verify(), want)
	}
	*list = old
}

func TestVectorsFRIVerify(t *testing.T) {
	for _, c := range loadFRI(t).Commitments {
		equalSlices(t, "queries", SortedQueries(c.Unsorted), c.Queries)
		f := c.claim(t)
		if err := f.verify(); err != nil {
			t.Errorf("fold step %d: %v", f.cfg.FoldStep, err)
		}
		equal(t, "factors", len(f.alphas), len(f.proof.Layers()))
	}
}

// TestFRIRejects changes every value of genuine proofs.
func TestFRIRejects(t *testing.T) {
	for _, c := range loadFRI(t).Commitments {
		f := c.claim(t)
		for i := range f.values {
			f.withFelt(t, "queried value", &f.values[i], CheckFRIMerkle)
		}
		for i := range f.proof.LastPoly.Coeffs {
			f.withFelt(t, "last layer", &f.proof.LastPoly.Coeffs[i], CheckLastLayer)
		}
		for i, l := range f.proof.Layers() {
			want := CheckFRIMerkle // of the next layer
			if i == len(f.alphas)-1 {
				want = CheckLastLayer
			}
			f.withFelt(t, "factor", &f.alphas[i], want)
			f.damageLayer(t, l)
		}
		if err := f.verify(); err != nil {
			t.Errorf("undamaged: %v", err)
		}
	}
}

func (f *friClaim) damageLayer(t *testing.T, l *FRILayer) {
	t.Helper()
	for i := range l.Witness {
		f.withFelt(t, "witness", &l.Witness[i], CheckFRIMerkle)
	}
	hashes := []*Hash{&l.Commitment}
	for i := range l.Decommitment.HashWitness {
		hashes = append(hashes, &l.Decommitment.HashWitness[i])
	}
	for i, h := range hashes {
		h[i%32] ^= 0x10
		fails(t, "hash", f.verify(), CheckFRIMerkle)
		h[i%32] ^= 0x10
	}
	withList(t, f, "witness", &l.Witness, CheckFRIWitness)
	withList(t, f, "hash", &l.Decommitment.HashWitness, CheckFRIMerkle)
}

// TestFRIDegree checks that a column of too high a degree is caught, though its
// layers are committed and folded faithfully, whatever the size of the last layer.
func TestFRIDegree(t *testing.T) {
	c := loadFRI(t).Commitments[0]
	r := randtest.New(t)
	for last := range 3 {
		column := make([]QM31, 1<<c.log())
		for i := range column {
			v := randColumn(r, 2)
			column[i] = m31.Q(v[0], v[1], v[2], v[3])
		}
		cfg := c.config()
		cfg.LogBlowup, cfg.LogLastLayer = 0, last+1 // the last layer holds any column
		proof, raw := proveFRI(t, cfg, Blake2s.NewChannel(), c.log(), slices.Clone(column))
		claim := &friClaim{cfg: cfg, log: c.log(), proof: proof, queries: SortedQueries(raw)}
		claim.alphas = drawAlphas(proof)
		for _, p := range claim.queries {
			claim.values = append(claim.values, column[p])
		}
		if err := claim.verify(); err != nil {
			t.Fatalf("2^%d coefficients, without a bound: %v", last, err)
		}
		claim.cfg.LogBlowup, claim.cfg.LogLastLayer = 1, last
		var lower []QM31 // indices are bit-reversed, so the upper half is every other one
		for i := 0; i < len(proof.LastPoly.Coeffs); i += 2 {
			lower = append(lower, proof.LastPoly.Coeffs[i])
		}
		proof.LastPoly = LinePoly{lower, last}
		fails(t, "random column", claim.verify(), CheckLastLayer)
	}
}

// drawAlphas draws the factors of a proof made by proveFRI on a new channel.
func drawAlphas(p *FRIProof) (alphas []QM31) {
	ch := Blake2s.NewChannel()
	for _, l := range p.Layers() {
		ch.MixRoot(l.Commitment)
		alphas = append(alphas, ch.DrawFelt())
	}
	return alphas
}

func TestFRIFolds(t *testing.T) {
	for _, c := range []struct {
		log, blowup, last, step int
		want                    []FRIFold
	}{
		{3, 1, 0, 1, []FRIFold{{3, 1, 0}, {2, 1, 0}}},
		{3, 1, 0, 2, []FRIFold{{3, 2, 2}}}, // the first fold lands on the last layer
		{6, 2, 1, 3, []FRIFold{{6, 3, 2}}},
		{7, 1, 0, 3, []FRIFold{{7, 3, 2}, {4, 3, 2}}},
		{8, 1, 0, 3, []FRIFold{{8, 3, 2}, {5, 3, 2}, {2, 1, 0}}}, // the rest folds by less
		{6, 1, 0, 4, []FRIFold{{6, 4, 2}, {2, 1, 0}}},
		{6, 1, 0, 1, []FRIFold{{6, 1, 0}, {5, 1, 0}, {4, 1, 0}, {3, 1, 0}, {2, 1, 0}}},
		{3, 1, 0, 3, nil}, // overshoots
		{2, 1, 1, 1, nil},
		{3, 1, 3, 1, nil},
	} {
		cfg := Config{LogBlowup: c.blowup, LogLastLayer: c.last, FoldStep: c.step}
		got, err := cfg.FRIFolds(c.log)
		equalSlices(t, "layers", got, c.want)
		equal(t, "refused", err != nil, c.want == nil)
	}
	claim := friClaim{cfg: Config{LogBlowup: 1, FoldStep: 3}, log: 3}
	fails(t, "overshooting", claim.verify(), CheckFRIShape)
	for l, want := range map[layer]int{{1, 2}: 0, {2, 2}: 2, {3, 1}: 0} {
		equal(t, "packing", l.packing(), want)
	}
}

// TestFoldPair compares a fold with the even and odd parts of a function.
func TestFoldPair(t *testing.T) {
	even, odd, alpha := q(1, 2, 3, 4), q(5, 6, 7, 8), q(9, 10, 11, 12)
	const x = m31.Elem(13)
	at := func(x m31.Elem) QM31 { return even.Add(odd.MulElem(x)) }
	want := even.Add(alpha.Mul(odd))
	equal(t, "folded", FoldPair(at(x), at(x.Neg()), alpha, x.Inv()), want.Add(want)) // not halved
}
