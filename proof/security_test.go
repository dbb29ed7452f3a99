package proof

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// soundcalcGolden is what github.com/ethereum/soundcalc returns at commit
// 809896fb8d3aba4fd8f657c781601e3ef2b968dd (2026-05-14): whole bits of FRI over
// M31^4 with power batching and of DEEP-ALI with two opening points. The
// Johnson figures are those of JohnsonBoundRegime(explicit_m=m) for the m that
// is best among those beyond unique decoding. Lists hold query, batching, DEEP,
// ALI, then the commit rounds. "samples" counts every term that Stwo 2.3.0
// batches for the matmul AIR: 98 trace and 8 composition columns opened once,
// 16 opened twice with one periodicity sample each.
var soundcalcGolden = []struct {
	name                                                    string
	logRows, logBlowup, queries, powBits, foldStep, logLast int
	columns, constraints, degree                            int
	m                                                       int
	unique, johnson                                         []int
}{
	{"vm blowup 2", 20, 1, 70, 26, 4, 0, 667, 700, 3, 87,
		[]int{55, 95, 101, 114, 105, 109, 113, 116, 119},
		[]int{60, 60, 95, 107, 69, 73, 77, 81, 85}},
	{"vm blowup 4", 20, 2, 35, 26, 4, 0, 667, 700, 3, 60,
		[]int{49, 94, 101, 114, 103, 107, 111, 115, 118},
		[]int{60, 60, 95, 107, 70, 74, 78, 82, 86}},
	{"vm blowup 8", 20, 3, 23, 27, 4, 0, 667, 700, 3, 39,
		[]int{46, 92, 101, 114, 102, 106, 110, 114, 117},
		[]int{61, 61, 95, 107, 70, 74, 78, 82, 86}},
	{"vm-p74", 20, 3, 35, 26, 4, 0, 667, 700, 3, 6,
		[]int{55, 92, 101, 114, 102, 106, 110, 114, 117},
		[]int{74, 74, 97, 110, 83, 87, 91, 95, 99}},
	{"matmul 4x35", 15, 2, 35, 26, 3, 0, 122, 4, 3, 164,
		[]int{49, 101, 106, 121, 108, 111, 114, 117, 119},
		[]int{60, 60, 98, 113, 67, 70, 73, 76, 79}},
	{"matmul 4x59", 15, 2, 59, 26, 3, 0, 122, 4, 3, 10,
		[]int{66, 101, 106, 121, 108, 111, 114, 117, 119},
		[]int{80, 80, 102, 117, 87, 90, 93, 96, 99}},
	{"matmul 4x65", 15, 2, 65, 20, 3, 0, 122, 4, 3, 10,
		[]int{64, 101, 106, 121, 108, 111, 114, 117, 119},
		[]int{80, 80, 102, 117, 87, 90, 93, 96, 99}},
	{"matmul 8x78", 15, 3, 78, 26, 3, 0, 122, 4, 3, 1,
		[]int{90, 100, 106, 121, 107, 110, 113, 116, 119},
		[]int{97, 92, 104, 119, 99, 102, 105, 108, 111}},
	{"matmul 8x85", 15, 3, 85, 26, 3, 0, 122, 4, 3, 1,
		[]int{96, 100, 106, 121, 107, 110, 113, 116, 119},
		[]int{103, 92, 104, 119, 99, 102, 105, 108, 111}},
	{"matmul 4x59 samples", 15, 2, 59, 26, 3, 0, 154, 4, 3, 9,
		[]int{66, 101, 106, 121, 108, 111, 114, 117, 119},
		[]int{80, 81, 102, 117, 88, 91, 94, 97, 100}},
	{"matmul 8x78 samples", 15, 3, 78, 26, 3, 0, 154, 4, 3, 1,
		[]int{90, 99, 106, 121, 107, 110, 113, 116, 119},
		[]int{97, 91, 104, 119, 99, 102, 105, 108, 111}},
	{"matmul 8x85 samples", 15, 3, 85, 26, 3, 0, 154, 4, 3, 1,
		[]int{96, 99, 106, 121, 107, 110, 113, 116, 119},
		[]int{103, 91, 104, 119, 99, 102, 105, 108, 111}},
	{"stwo default", 10, 1, 3, 10, 1, 0, 20, 5, 2, 1000,
		[]int{11, 110, 112, 121, 115, 116, 117, 118, 119, 120, 121, 122, 122, 123},
		[]int{11, 58, 101, 111, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72}},
	{"random 0", 22, 2, 35, 31, 3, 0, 1567, 921, 9, 21,
		[]int{54, 90, 98, 114, 101, 104, 107, 110, 113, 116, 119, 122},
		[]int{64, 64, 93, 108, 75, 78, 81, 84, 87, 90, 93, 97}},
	{"random 1", 10, 4, 12, 24, 4, 0, 895, 1245, 2, 656,
		[]int{34, 101, 112, 113, 111, 115, 119},
		[]int{47, 47, 101, 102, 57, 61, 66}},
	{"random 2", 12, 4, 31, 20, 2, 5, 71, 46, 2, 9,
		[]int{48, 102, 110, 118, 109, 111, 113, 116},
		[]int{79, 80, 105, 113, 86, 88, 90, 93}},
	{"random 3", 4, 5, 60, 27, 3, 1, 1495, 60, 5, 1,
		[]int{84, 105, 117, 118, 116},
		[]int{141, 94, 114, 115, 105}},
	{"random 4", 19, 4, 93, 14, 2, 4, 1395, 449, 9, 1,
		[]int{98, 91, 101, 115, 102, 104, 106, 108, 110, 112, 114, 117},
		[]int{145, 82, 99, 112, 93, 95, 97, 99, 101, 103, 105, 107}},
	{"random 5", 4, 3, 30, 11, 3, 1, 1297, 1483, 6, 654,
		[]int{35, 107, 117, 113, 118},
		[]int{55, 55, 106, 102, 66}},
	{"random 6", 14, 1, 113, 32, 5, 5, 1708, 1373, 5, 10,
		[]int{78, 100, 107, 113, 111, 116},
		[]int{80, 80, 103, 109, 91, 96}},
	{"random 7", 13, 3, 134, 25, 4, 4, 1215, 71, 9, 1,
		[]int{136, 98, 107, 117, 109, 113, 118},
		[]int{147, 90, 105, 115, 101, 105, 110}},
	{"random 8", 16, 2, 98, 23, 2, 3, 186, 899, 3, 3,
		[]int{89, 99, 105, 114, 107, 109, 111, 113, 115, 117, 120},
		[]int{99, 87, 103, 111, 94, 96, 98, 100, 102, 104, 107}},
	{"random 9", 20, 2, 130, 1, 3, 3, 970, 90, 6, 3,
		[]int{89, 93, 101, 117, 103, 106, 109, 112, 115, 118},
		[]int{102, 80, 98, 114, 90, 93, 96, 99, 102, 105}},
	{"random 10", 22, 5, 48, 10, 4, 4, 1037, 465, 2, 1,
		[]int{55, 88, 100, 115, 98, 102, 106, 110, 114},
		[]int{101, 77, 97, 112, 87, 91, 95, 99, 103}},
	{"random 11", 21, 2, 108, 32, 2, 4, 713, 1184, 7, 3,
		[]int{105, 92, 99, 113, 102, 104, 106, 108, 110, 112, 114, 116, 119},
		[]int{115, 80, 97, 110, 89, 91, 93, 95, 97, 99, 101, 103, 106}},
}

func goldenParams(i int) SecurityParams {
	g := soundcalcGolden[i]
	return SecurityParams{
		LogRows: g.logRows, LogBlowup: g.logBlowup, Queries: g.queries, PowBits: g.powBits,
		FoldStep: g.foldStep, LogLastLayer: g.logLast,
		Columns: g.columns, Constraints: g.constraints, MaxDegree: g.degree, HashBits: 128,
	}
}

// vmParams are those of a wide AIR with lookups, such as a virtual machine's, less
// the profile.
func vmParams() SecurityParams {
	return SecurityParams{
		LogRows: 20, FoldStep: 4, Columns: 667, Constraints: 700, MaxDegree: 3,
		LogupTerms: 1 << 24, LogupWidth: 10, InteractionPowBits: 24, HashBits: 128,
	}
}

// matmulParams are those of the matmul table, for 1024 by 1024 matrices.
func matmulParams() SecurityParams {
	return SecurityParams{
		LogRows: 15, FoldStep: 3, Columns: 122, Constraints: 4, MaxDegree: 3,
		StatementErrorBits: 104, HashBits: 128,
	}
}

func withProfile(p SecurityParams, logBlowup, queries, powBits int) SecurityParams {
	p.LogBlowup, p.Queries, p.PowBits = logBlowup, queries, powBits
	return p
}

func mustReport(t *testing.T, p SecurityParams) SecurityReport {
	t.Helper()
	r, err := p.Report()
	if err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return r
}

func termOf(t *testing.T, r SecurityReport, name string) SecurityTerm {
	t.Helper()
	for _, term := range r.Terms {
		if term.Name == name {
			return term
		}
	}
	t.Fatalf("no term %q", name)
	return SecurityTerm{}
}

func TestSecurityMatchesSoundcalc(t *testing.T) {
	for i, g := range soundcalcGolden {
		t.Run(g.name, func(t *testing.T) {
			r := mustReport(t, goldenParams(i))
			if r.Multiplicity != g.m {
				t.Errorf("m = %d, soundcalc's best is %d", r.Multiplicity, g.m)
			}
			names := []string{"query", "batching", "DEEP", "ALI"}
			for round := 1; len(names) < len(g.unique); round++ {
				names = append(names, fmt.Sprintf("commit round %d", round))
			}
			least := func(bits []int) int {
				least := 128
				for _, b := range bits {
					least = min(least, b)
				}
				return least
			}
			for j, name := range names {
				term := termOf(t, r, name)
				if got := int(math.Floor(term.Unique)); got != g.unique[j] {
					t.Errorf("%s, unique decoding: %d bits, soundcalc says %d", name, got, g.unique[j])
				}
				if got := int(math.Floor(term.Johnson)); got != g.johnson[j] {
					t.Errorf("%s, Johnson: %d bits, soundcalc says %d", name, got, g.johnson[j])
				}
			}
			if want := len(g.unique) + 2; len(r.Terms) != want { // field, hash
				t.Errorf("%d terms, want %d", len(r.Terms), want)
			}
			if r.Unique != least(g.unique) || r.Johnson != least(g.johnson) {
				t.Errorf("%d unique, %d Johnson; soundcalc says %d, %d",
					r.Unique, r.Johnson, least(g.unique), least(g.johnson))
			}
		})
	}
}

// TestSecurityProfiles holds figures with the parameters of each profile, for the
// matmul table and for a wide table with lookups. They are rounded down: the 90.9
// of matmul-p90 become 90 (docs/RATIONALE.md).
func TestSecurityProfiles(t *testing.T) {
	matmul154 := matmulParams()
	matmul154.Samples = 154
	under := func(p SecurityParams, profile Profile) SecurityParams {
		c := profile.Config(p.LogRows)
		p.FoldStep, p.LogLastLayer = c.FoldStep, c.LogLastLayer
		return withProfile(p, c.LogBlowup, c.Queries, c.PowBits)
	}
	for _, c := range []struct {
		name                                       string
		params                                     SecurityParams
		conjectured, listDecoding, johnson, unique int
	}{
		{"vm fast", under(vmParams(), Fast), 101, 99, 60, 54},
		{"vm std", under(vmParams(), Std), 101, 100, 60, 47},
		{"vm tight", under(vmParams(), Tight), 100, 100, 61, 44},
		{"vm-p74", withProfile(vmParams(), 3, 35, 26), 100, 100, 74, 55},
		{"matmul std", under(matmulParams(), Std), 102, 100, 60, 47},
		{"matmul-p80", under(matmulParams(), MatMulP80), 104, 104, 80, 64},
		{"matmul-p90", under(matmulParams(), MatMulP90), 104, 104, 92, 90},
		{"matmul-p96", under(matmulParams(), MatMulP96), 104, 104, 92, 96},
		{"matmul-p96, more work", withProfile(matmulParams(), 3, 85, 26), 104, 104, 92, 96},
		{"matmul-p80, 154 samples", under(matmul154, MatMulP80), 104, 104, 80, 64},
		{"matmul-p90, 154 samples", under(matmul154, MatMulP90), 104, 104, 91, 90},
		{"matmul-p96, 154 samples", under(matmul154, MatMulP96), 104, 104, 91, 96},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustReport(t, c.params)
			got := [4]int{r.Conjectured, r.ListDecoding, r.Johnson, r.Unique}
			if want := [4]int{c.conjectured, c.listDecoding, c.johnson, c.unique}; got != want {
				t.Errorf("conjectured, list decoding, Johnson, unique = %v, want %v", got, want)
			}
		})
	}
}

// TestSecurityCaps checks what no number of queries removes.
func TestSecurityCaps(t *testing.T) {
	p := withProfile(vmParams(), 2, 1000, 26)
	p.Columns = 750
	r := mustReport(t, p)
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %.3f bits, want %.2f", name, got, want)
		}
	}
	near("DEEP", termOf(t, r, "DEEP").Unique, 102)
	near("ALI", termOf(t, r, "ALI").Unique, 124-math.Log2(700))
	near("field", termOf(t, r, "field").Conjectured, 102)
	near("LogUp", termOf(t, r, "LogUp").Unique, 124-24-math.Log2(10)+24)
	near("batching, unique", termOf(t, r, "batching").Unique, 93.87)
	near("hash", termOf(t, r, "hash").Johnson, 128)
	rho := p.rate()
	for m, want := range map[int]float64{1: 87.08, 2: 83.42} {
		near(fmt.Sprintf("batching, m = %d", m), p.batchingBits(johnsonRegime(rho, m)), want)
	}
	if r.Unique != 93 || r.Conjectured != 101 || r.ListDecoding != 101 {
		t.Errorf("capped figures are %v", r)
	}

	p.InteractionPowBits = 0
	if got := mustReport(t, p); got.Conjectured != 96 { // soundcalc's LogUp: 96
		t.Errorf("without proof of work before LogUp: %v", got)
	}
	p = withProfile(matmulParams(), 3, 1000, 26)
	p.HashBits = 80
	if got := mustReport(t, p); got.Conjectured != 80 || got.Unique != 80 || got.Johnson != 80 {
		t.Errorf("the hash does not cap: %v", got)
	}
}

// TestSecurityTermsExplainFigures recomputes the figures from the terms that a
// reader sees.
func TestSecurityTermsExplainFigures(t *testing.T) {
	r := mustReport(t, withProfile(vmParams(), 3, 35, 26))
	least := [4]float64{200, 200, 200, 200}
	for _, term := range r.Terms {
		for i, bits := range [4]float64{term.Conjectured, term.ListDecoding, term.Johnson, term.Unique} {
			if bits != 0 {
				least[i] = min(least[i], bits)
			}
		}
	}
	for i, got := range [4]int{r.Conjectured, r.ListDecoding, r.Johnson, r.Unique} {
		if got != int(math.Floor(least[i])) {
			t.Errorf("figure %d is %d, its weakest term has %.3f bits", i, got, least[i])
		}
	}
	if b := termOf(t, r, "batching"); b.Conjectured != 0 || b.ListDecoding != 0 {
		t.Errorf("a conjectured regime has a proven term: %+v", b)
	}
	if f := termOf(t, r, "field"); f.Johnson != 0 || f.Unique != 0 {
		t.Errorf("a proven regime has a conjectured term: %+v", f)
	}
	if q := termOf(t, r, "query").Conjectured; q != 26+3*35 {
		t.Errorf("query term %v", q)
	}
}

// randomSecurityParams draws valid parameters.
func randomSecurityParams(rng *rand.Rand) SecurityParams {
	p := SecurityParams{
		LogBlowup: 1 + rng.IntN(5), Queries: 1 + rng.IntN(200), PowBits: rng.IntN(40),
		Columns: 9 + rng.IntN(2000), Constraints: 1 + rng.IntN(2000), MaxDegree: 1 + rng.IntN(9),
		LogupWidth: 1 + rng.IntN(12), InteractionPowBits: rng.IntN(32),
		HashBits: 124 + 4*rng.IntN(2),
	}
	p.LogRows = minSecurityLogRows + rng.IntN(22)
	p.LogLastLayer = rng.IntN(p.LogRows)
	p.FoldStep = 1 + rng.IntN(p.LogRows-p.LogLastLayer)
	p.Samples = p.Columns + rng.IntN(p.Columns)
	if rng.IntN(2) == 0 {
		p.LogupTerms = rng.IntN(1 << 28)
	}
	if rng.IntN(2) == 0 {
		p.StatementErrorBits = 90 + 30*rng.Float64()
	}
	return p
}

// TestSecurityOrder checks on random parameters that weaker assumptions never
// give more, that nothing exceeds the field, and that a change for the better
// or for the worse moves every figure that way.
func TestSecurityOrder(t *testing.T) {
	const seed = 20260514
	rng := rand.New(rand.NewPCG(seed, 1))
	changes := []struct {
		name  string
		worse bool
		apply func(*SecurityParams)
	}{
		{"more queries", false, func(p *SecurityParams) { p.Queries += 7 }},
		{"more proof of work", false, func(p *SecurityParams) { p.PowBits += 3 }},
		{"more interaction proof of work", false, func(p *SecurityParams) { p.InteractionPowBits += 3 }},
		{"more samples", true, func(p *SecurityParams) { p.Samples *= 2 }},
		{"more rows", true, func(p *SecurityParams) { p.LogRows++; p.LogLastLayer++ }},
		{"more constraints", true, func(p *SecurityParams) { p.Constraints *= 2 }},
		{"a larger degree", true, func(p *SecurityParams) { p.MaxDegree++ }},
		{"a weaker hash", true, func(p *SecurityParams) { p.HashBits -= 30 }},
		{"more LogUp terms", true, func(p *SecurityParams) { p.LogupTerms += 1 << 26 }},
	}
	figures := func(r SecurityReport) [4]int { return [4]int{r.Conjectured, r.ListDecoding, r.Johnson, r.Unique} }
	for i := range 2000 {
		p := randomSecurityParams(rng)
		r := mustReport(t, p)
		fail := func(format string, args ...any) {
			t.Fatalf("seed %d, case %d, %+v: %s", seed, i, p, fmt.Sprintf(format, args...))
		}
		if r.Conjectured < r.ListDecoding || r.ListDecoding < r.Proven() || r.Proven() < 0 {
			fail("out of order: %v", r)
		}
		if field := 124 - (p.LogRows + p.LogBlowup); r.Conjectured >= field {
			fail("%d bits conjectured over a field that allows less than %d", r.Conjectured, field)
		}
		for _, c := range changes {
			q := p
			c.apply(&q)
			before, after := figures(r), figures(mustReport(t, q))
			for j := range before {
				if (!c.worse && after[j] < before[j]) || (c.worse && after[j] > before[j]) {
					fail("%s: %v became %v", c.name, before, after)
				}
			}
		}
	}
}

// TestSecurityNever128 asks for as much as the parameters can express.
func TestSecurityNever128(t *testing.T) {
	p := SecurityParams{
		LogRows: minSecurityLogRows, LogBlowup: 1, Queries: 1 << 16, PowBits: 64, FoldStep: 1,
		Columns: compositionColumns + 1, Constraints: 1, MaxDegree: 1, HashBits: 128,
	}
	r := mustReport(t, p)
	for _, got := range []int{r.Conjectured, r.ListDecoding, r.Johnson, r.Unique} {
		if got > 120 {
			t.Errorf("%v", r)
		}
	}
}

// TestSecurityMultiplicity compares the search with trying every m.
func TestSecurityMultiplicity(t *testing.T) {
	rng := rand.New(rand.NewPCG(20260514, 2))
	for range 200 {
		p := randomSecurityParams(rng)
		rounds, rho := p.rounds(), p.rate()
		_, best := bestJohnson(rounds, rho)
		for m := 1; m <= maxMultiplicity; m++ {
			r := johnsonRegime(rho, m)
			if r.agreement < uniqueRegime(rho).agreement && weakest(rounds, r) > weakest(rounds, best) {
				t.Fatalf("%+v: m = %d is better", p, m)
			}
		}
	}
}

func TestSecurityRefusesBadParams(t *testing.T) {
	good := withProfile(matmulParams(), 3, 85, 26)
	for _, c := range []struct {
		names string
		apply func(*SecurityParams)
	}{
		{"LogBlowup", func(p *SecurityParams) { *p = SecurityParams{} }},
		{"LogBlowup", func(p *SecurityParams) { p.LogBlowup = 0 }},
		{"LogBlowup", func(p *SecurityParams) { p.LogBlowup = 17 }},
		{"LogRows", func(p *SecurityParams) { p.LogRows = 2 }},
		{"LogRows", func(p *SecurityParams) { p.LogRows = 28 }}, // 2^31 points
		{"LogRows", func(p *SecurityParams) { p.LogRows = math.MaxInt }},
		{"LogLastLayer", func(p *SecurityParams) { p.LogLastLayer = -1 }},
		{"LogLastLayer", func(p *SecurityParams) { p.LogLastLayer = 15 }},
		{"FoldStep", func(p *SecurityParams) { p.FoldStep = 0 }},
		{"FoldStep", func(p *SecurityParams) { p.FoldStep = 16 }},
		{"Queries", func(p *SecurityParams) { p.Queries = 0 }},
		{"Queries", func(p *SecurityParams) { p.Queries = math.MaxInt }},
		{"PowBits", func(p *SecurityParams) { p.PowBits = -1 }},
		{"PowBits", func(p *SecurityParams) { p.PowBits = 65 }},
		{"Columns", func(p *SecurityParams) { p.Columns = 8 }},
		{"Samples", func(p *SecurityParams) { p.Samples = 121 }},
		{"Samples", func(p *SecurityParams) { p.Samples = -1 }},
		{"Constraints", func(p *SecurityParams) { p.Constraints = 0 }},
		{"MaxDegree", func(p *SecurityParams) { p.MaxDegree = 0 }},
		{"LogupTerms", func(p *SecurityParams) { p.LogupTerms = -1 }},
		{"LogupWidth", func(p *SecurityParams) { p.LogupTerms = 5 }},
		{"LogupWidth", func(p *SecurityParams) { p.LogupWidth = -1 }},
		{"InteractionPowBits", func(p *SecurityParams) { p.InteractionPowBits = -1 }},
		{"HashBits", func(p *SecurityParams) { p.HashBits = 0 }},
		{"HashBits", func(p *SecurityParams) { p.HashBits = 256 }},
		{"StatementErrorBits", func(p *SecurityParams) { p.StatementErrorBits = -1 }},
		{"StatementErrorBits", func(p *SecurityParams) { p.StatementErrorBits = 125 }},
		{"StatementErrorBits", func(p *SecurityParams) { p.StatementErrorBits = math.NaN() }},
		{"statement", func(p *SecurityParams) { p.StatementErrorBits = 0.5 }},
	} {
		p := good
		c.apply(&p)
		r, err := p.Report()
		if !errors.Is(err, ErrSecurityParams) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%+v: error %v, want one that names %s", p, err, c.names)
		}
		if r.Conjectured != 0 || r.Terms != nil {
			t.Errorf("%+v: a report beside the error: %v", p, r)
		}
	}
}

func TestSecurityReportString(t *testing.T) {
	got := mustReport(t, withProfile(matmulParams(), 3, 85, 26)).String()
	want := "96 bits proven (unique decoding), 92 proven (Johnson bound), 104 conjectured (104 below list-decoding capacity)"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzSecurityReport(f *testing.F) {
	f.Add(15, 3, 85, 26, 3, 0, 122, 154, 4, 3, 0, 0, 0, 104.0, 128)
	f.Fuzz(func(t *testing.T, rows, blowup, queries, pow, fold, last, cols, samples, cons, deg, terms, width, ipow int, statement float64, hash int) {
		r, err := SecurityParams{
			LogRows: rows, LogBlowup: blowup, Queries: queries, PowBits: pow, FoldStep: fold, LogLastLayer: last,
			Columns: cols, Samples: samples, Constraints: cons, MaxDegree: deg,
			LogupTerms: terms, LogupWidth: width, InteractionPowBits: ipow,
			StatementErrorBits: statement, HashBits: hash,
		}.Report()
		if err == nil && (r.Proven() < 0 || r.ListDecoding < r.Proven() || r.Conjectured < r.ListDecoding || r.Conjectured >= 124) {
			t.Errorf("%+v", r)
		}
	})
}
