package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// randomLayout draws a layout that stark accepts.
func randomLayout(rng *rand.Rand) stark.Layout {
	for {
		l := stark.Layout{
			Kind: stark.Kind(1 + rng.IntN(3)),
			Config: stark.Config{
				PowBits: rng.IntN(61), LogBlowup: 1 + rng.IntN(3), LogLastLayer: rng.IntN(4),
				Queries: 1 + rng.IntN(20), FoldStep: 1 + rng.IntN(4), Lifting: rng.IntN(2) * 12,
			},
			LogDegree: 2 + rng.IntN(8),
		}
		for range 2 + rng.IntN(3) {
			var tree []stark.Column
			for range rng.IntN(5) {
				tree = append(tree, stark.Column{LogSize: l.LogDegree - 1, Offsets: make([]int, rng.IntN(4))})
			}
			l.Trees = append(l.Trees, tree)
		}
		if l.Validate() == nil {
			return l
		}
	}
}

// randomProof draws a proof that the layout's CheckShape accepts.
func randomProof(rng *rand.Rand, l *stark.Layout) *stark.Proof {
	p := &stark.Proof{Config: l.Config, ProofOfWork: rng.Uint64() >> rng.IntN(64)}
	n := 1 + rng.IntN(l.Config.Queries)
	for _, tree := range l.Columns() {
		samples, values := make([][]stark.QM31, len(tree)), make([][]m31.Elem, len(tree))
		for c, col := range tree {
			samples[c] = randomFelts(rng, len(col.Offsets))
			values[c] = randomElems(rng, n)
		}
		p.Commitments = append(p.Commitments, randomHashes(rng, 1)...)
		p.SampledValues = append(p.SampledValues, samples)
		p.QueriedValues = append(p.QueriedValues, values)
		p.Decommitments = append(p.Decommitments, stark.Decommitment{HashWitness: randomHashes(rng, rng.IntN(4))})
	}
	p.FRI.First = randomLayer(rng)
	p.FRI.Inner = []stark.FRILayer{}
	for log := l.Lifted() - l.Config.FoldStep; log > l.Config.LogLastLayer+l.Config.LogBlowup; log -= l.Config.FoldStep {
		p.FRI.Inner = append(p.FRI.Inner, randomLayer(rng))
	}
	p.FRI.LastPoly = stark.LinePoly{Coeffs: randomFelts(rng, 1<<l.Config.LogLastLayer), LogSize: l.Config.LogLastLayer}
	return p
}

func randomLayer(rng *rand.Rand) stark.FRILayer {
	return stark.FRILayer{
		Witness:      randomFelts(rng, rng.IntN(4)),
		Decommitment: stark.Decommitment{HashWitness: randomHashes(rng, rng.IntN(4))},
		Commitment:   randomHashes(rng, 1)[0],
	}
}

// randomElems draws the least and the greatest element often.
func randomElems(rng *rand.Rand, n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		v[i] = [...]m31.Elem{0, m31.P - 1, m31.Elem(rng.IntN(m31.P))}[rng.IntN(3)]
	}
	return v
}

func randomFelts(rng *rand.Rand, n int) []stark.QM31 {
	v := make([]stark.QM31, n)
	for i := range v {
		e := randomElems(rng, 4)
		v[i] = m31.Q(e[0], e[1], e[2], e[3])
	}
	return v
}

// randomHashes draws hashes that are reduced modulo the Stark prime.
func randomHashes(rng *rand.Rand, n int) []stark.Hash {
	v := make([]stark.Hash, n)
	for i := range v {
		for k := range v[i] {
			v[i][k] = byte(rng.Uint32())
		}
		v[i][0] &= 7
	}
	return v
}

// TestShapes round-trips proofs of random layouts: what CheckShape accepts has
// an encoding.
func TestShapes(t *testing.T) {
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range 300 {
		l := randomLayout(rng)
		p := randomProof(rng, &l)
		if err := l.CheckShape(p); err != nil {
			t.Fatalf("seed %d case %d: the generator's proof is refused: %v", seed, i, err)
		}
		data, _ := roundTrip(t, p, l.Kind)
		q, _, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.CheckShape(q); err != nil {
			t.Fatalf("seed %d case %d: %v", seed, i, err)
		}
	}
}

// TestEncodeRefuses breaks a proof in every way that the forms cannot hold.
func TestEncodeRefuses(t *testing.T) {
	many := func(n int) ([][]stark.QM31, [][]m31.Elem) {
		s, v := make([][]stark.QM31, n), make([][]m31.Elem, n)
		for i := range v {
			v[i] = make([]m31.Elem, 1)
		}
		return s, v
	}
	unreduced := m31.Q(0, 0, 0, m31.P)
	tests := []struct {
		field string
		want  error
		spoil func(p *stark.Proof)
	}{
		{"configuration", ErrConfig, func(p *stark.Proof) { p.Config.LogBlowup = 0 }},
		{"configuration", ErrConfig, func(p *stark.Proof) { p.Config.Queries = stark.MaxQueries + 1 }},
		{"configuration", ErrConfig, func(p *stark.Proof) { p.Config.PowBits = -1 }},
		{"number of trees", ErrLength, func(p *stark.Proof) { p.Commitments = nil }},
		{"number of trees", ErrLength, func(p *stark.Proof) { p.Commitments = make([]stark.Hash, maxTrees+1) }},
		{"sampled values", ErrShape, func(p *stark.Proof) { p.SampledValues = p.SampledValues[1:] }},
		{"decommitments", ErrShape, func(p *stark.Proof) { p.Decommitments = p.Decommitments[1:] }},
		{"queried values", ErrShape, func(p *stark.Proof) { p.QueriedValues = nil }},
		{"number of columns", ErrLength, func(p *stark.Proof) { p.QueriedValues[0] = nil }},
		{"number of columns", ErrLength, func(p *stark.Proof) {
			p.SampledValues[0], p.QueriedValues[0] = many(maxColumns + 1)
		}},
		{"number of openings", ErrLength, func(p *stark.Proof) { p.QueriedValues[0][0] = nil }},
		{"number of openings", ErrLength, func(p *stark.Proof) { p.QueriedValues[0][0] = make([]m31.Elem, p.Config.Queries+1) }},
		{"queried values", ErrShape, func(p *stark.Proof) {
			p.QueriedValues[0] = append(p.QueriedValues[0], nil)
			p.SampledValues[0] = append(p.SampledValues[0], nil)
		}},
		{"sampled values", ErrShape, func(p *stark.Proof) { p.SampledValues[0] = append(p.SampledValues[0], nil) }},
		{"number of inner layers", ErrLength, func(p *stark.Proof) { p.FRI.Inner = make([]stark.FRILayer, maxInner+1) }},
		{"last layer", ErrShape, func(p *stark.Proof) { p.FRI.LastPoly.LogSize++ }},
		{"last layer", ErrShape, func(p *stark.Proof) { p.FRI.LastPoly.Coeffs = nil }},
		{"proof", ErrTooLarge, func(p *stark.Proof) { p.FRI.First.Witness = make([]stark.QM31, maxItems) }},
		{"sampled values", ErrNonCanonical, func(p *stark.Proof) { p.SampledValues[0][0][0] = unreduced }},
		{"queried values", ErrNonCanonical, func(p *stark.Proof) { p.QueriedValues[0][0][0] = m31.P }},
		{"FRI witness", ErrNonCanonical, func(p *stark.Proof) { p.FRI.First.Witness = []stark.QM31{unreduced} }},
		{"last layer", ErrNonCanonical, func(p *stark.Proof) { p.FRI.LastPoly.Coeffs[0] = unreduced }},
		{"commitments", ErrNonCanonical, func(p *stark.Proof) { p.Commitments[0] = prime }},
		{"hash witness", ErrNonCanonical, func(p *stark.Proof) { p.Decommitments[0].HashWitness = []stark.Hash{prime} }},
		{"hash witness", ErrNonCanonical, func(p *stark.Proof) { p.FRI.First.Decommitment.HashWitness = []stark.Hash{prime} }},
		{"FRI commitment", ErrNonCanonical, func(p *stark.Proof) { p.FRI.First.Commitment = prime }},
	}
	for _, test := range tests {
		p := tiny()
		test.spoil(p)
		_, err := Encode(p, stark.Poseidon252)
		checkRefusal(t, err, test.field, test.want)
		_, err = Calldata(p, stark.Poseidon252)
		checkRefusal(t, err, test.field, test.want)
	}
	for _, kind := range []stark.Kind{0, 4, 255} {
		_, err := Encode(tiny(), kind)
		checkRefusal(t, err, "kind", ErrKind)
	}
	_, err := Calldata(nil, stark.Blake2s)
	checkRefusal(t, err, "proof", ErrShape)
}

func checkRefusal(t *testing.T, err error, field string, want error) {
	t.Helper()
	var format *FormatError
	if !errors.As(err, &format) || format.Field != field || !errors.Is(err, want) {
		t.Errorf("error %v, want %s: %v", err, field, want)
		return
	}
	if !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), want.Error()) {
		t.Errorf("the message %q does not say what is wrong", err)
	}
}

// TestPrime compares the field's modulus with that of the arithmetic.
func TestPrime(t *testing.T) {
	if !bytes.Equal(prime[:], fp.Modulus().Bytes()) {
		t.Errorf("prime = %x, want %x", prime, fp.Modulus())
	}
	below, above := prime, prime
	below[31] = 0
	above[31] = 2
	for b, want := range map[[32]byte]bool{{}: true, below: true, prime: false, above: false, {0: 8, 31: 1}: true, {0: 9}: false} {
		if reduced(&b) != want {
			t.Errorf("reduced(%x) = %v", b, !want)
		}
	}
}
