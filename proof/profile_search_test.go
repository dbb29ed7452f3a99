package proof

import (
	"sort"
	"testing"

	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/stark"
)

// promise is what a profile is for: the rate of its code and the work of its
// proofs, the programs that it is promised for, the largest of them last, and the
// bits of security that proofs of these have at least. Zero is no promise.
type promise struct {
	profile         Profile
	logBlowup, work int
	vm              int // bits proven for the wide table with lookups of vmParams; 96 are conjectured
	floors          []floor
}

// floor is the least security of a proof of the product of two square matrices.
type floor struct {
	size                                      int
	unique, proven, conjectured, listDecoding int
}

// promises are the figures that docs/profiles.md and the contract ProofVerifier
// publish.
//
// 20 bits of work take a few milliseconds, with 22 they are as long as several stages
// of a proof, and with more they outweigh all the rest. Tight, which is for the
// smallest proofs, and MatMulP90, whose largest would not fit otherwise, have 22.
var promises = []promise{
	{Fast, 1, 20, 60, []floor{{256, 0, 60, 96, 94}, {1024, 0, 60, 96, 94}, {2880, 0, 60, 96, 94}}},
	{Std, 2, 20, 60, []floor{{256, 0, 60, 96, 94}, {1024, 0, 60, 96, 94}, {4096, 0, 60, 96, 94}}},
	{Tight, 3, 22, 61, []floor{{256, 0, 61, 96, 94}, {1024, 0, 61, 96, 94}, {4096, 0, 60, 96, 94}}},
	{MatMulP80, 2, 20, 0, []floor{{256, 0, 80, 104, 104}, {1024, 0, 80, 104, 104}, {1440, 0, 80, 0, 0}, {2048, 0, 79, 0, 0}, {4096, 0, 78, 0, 0}}},
	{MatMulP90, 3, 22, 0, []floor{{256, 90, 90, 104, 104}, {1024, 90, 91, 104, 104}, {1440, 90, 90, 0, 0}}},
	{MatMulP96, 3, 20, 0, []floor{{256, 96, 96, 104, 104}, {1024, 96, 96, 104, 104}}},
}

// maxSearchedLastLayer bounds the last layer of FRI, which the verifier evaluates at
// every query: 2^6 coefficients are little beside the hashes of a query, and the 2^9
// that would save the default profile another 3 % of its bytes are not.
const maxSearchedLastLayer = 6

// trial is a program under parameters that are tried.
func trial(t *testing.T, size int, c stark.Config) (SecurityReport, int) {
	t.Helper()
	p := MatMul(size, size, size)
	q, err := p.parse()
	if err != nil {
		t.Fatal(err)
	}
	c.LogLastLayer = min(c.LogLastLayer, q.LogRows()-c.FoldStep)
	a, err := q.AIR(profileKind, c, program.Claim{})
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := expectedBytes(a.Layout())
	if err != nil {
		t.Fatal(err)
	}
	r, err := securityReport(a, p)
	if err != nil {
		t.Fatal(err)
	}
	return r, bytes
}

// kept reports whether proofs with these parameters have the promised security.
func (p *promise) kept(t *testing.T, c stark.Config) bool {
	t.Helper()
	if p.vm > 0 {
		params := vmParams()
		params.FoldStep, params.LogLastLayer = c.FoldStep, c.LogLastLayer
		if r := mustReport(t, withProfile(params, c.LogBlowup, c.Queries, c.PowBits)); r.Proven() < p.vm || r.Conjectured < 96 || r.ListDecoding < 94 {
			return false
		}
	}
	for _, f := range p.floors {
		r, _ := trial(t, f.size, c)
		if r.Unique < f.unique || r.Proven() < f.proven || r.Conjectured < f.conjectured || r.ListDecoding < f.listDecoding {
			return false
		}
	}
	return true
}

// search returns the parameters with the fewest queries that keep the promise, and
// of these those whose proofs all fit and have the fewest bytes together. The
// number of queries does not depend on how FRI folds.
func (p *promise) search(t *testing.T) (best stark.Config) {
	t.Helper()
	c := stark.Config{PowBits: p.work, LogBlowup: p.logBlowup, FoldStep: 1}
	c.Queries = 1 + sort.Search(stark.MaxQueries, func(q int) bool {
		c.Queries = 1 + q
		return p.kept(t, c)
	})
	least := 0
	for c.FoldStep = 1; c.FoldStep <= 4; c.FoldStep++ {
		for c.LogLastLayer = 0; c.LogLastLayer <= maxSearchedLastLayer; c.LogLastLayer++ {
			sum, most := 0, 0
			for _, f := range p.floors {
				_, bytes := trial(t, f.size, c)
				sum, most = sum+bytes, max(most, bytes)
			}
			if most <= MaxBytes-sizeMargin && (least == 0 || sum < least) {
				best, least = c, sum
			}
		}
	}
	if least == 0 {
		t.Fatalf("%v: no parameters with %d queries make proofs that fit", p.profile, c.Queries)
	}
	return best
}

// TestProfileSearch compares the parameters of every profile with those that the
// search finds, which keep its promise and make proofs that fit.
func TestProfileSearch(t *testing.T) {
	if len(promises) != len(Profiles()) {
		t.Errorf("%d promises for %d profiles", len(promises), len(Profiles()))
	}
	for _, p := range promises {
		want := p.search(t)
		if got := p.profile.config(); got != want {
			t.Errorf("%v: parameters %+v, the search finds %+v", p.profile, got, want)
		}
		if !p.kept(t, want) {
			t.Errorf("%v: the parameters that were found do not keep the promise", p.profile)
		}
		for _, f := range p.floors {
			if err := CheckSize(MatMul(f.size, f.size, f.size), p.profile); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestWork bounds the work of all profiles.
func TestWork(t *testing.T) {
	for _, p := range Profiles() {
		if bits := p.Params().PowBits; bits > 22 {
			t.Errorf("%v: %d bits of work, want at most 22", p, bits)
		}
	}
}

// TestConfigOfShortTraces wants parameters that every number of rows can have.
func TestConfigOfShortTraces(t *testing.T) {
	for _, p := range Profiles() {
		for logRows := 4; logRows <= 19; logRows++ {
			c := p.Config(logRows)
			if _, err := c.FRIFolds(logRows + c.LogBlowup); err != nil {
				t.Errorf("%v, 2^%d rows: %v", p, logRows, err)
			}
			if most := p.Params().LogLastLayer; c.LogLastLayer != min(most, logRows-c.FoldStep) {
				t.Errorf("%v, 2^%d rows: a last layer of 2^%d coefficients", p, logRows, c.LogLastLayer)
			}
		}
	}
}
