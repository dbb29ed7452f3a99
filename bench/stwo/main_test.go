package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

// TestCompareProofs compares proofs that are equal, that differ after different
// proofs of work, and that differ otherwise.
func TestCompareProofs(t *testing.T) {
	proof := bytes.TrimSpace(vectors.Read(t, "stwo/proofs", "logup-blake2s-base", "PROOF.json"))
	changed := func(change func(*stark.Proof)) []byte {
		p, err := stark.ParseJSON(proof, stark.Blake2s)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		return p.AppendJSON(nil, stark.Blake2s)
	}
	for _, c := range []struct {
		name  string
		other []byte
		want  sameness
	}{
		{"equal", proof, sameBytes},
		{"other nonce", changed(func(p *stark.Proof) { p.ProofOfWork++; p.QueriedValues[1][0][0]++ }), samePrefix},
		{"other opening, same nonce", changed(func(p *stark.Proof) { p.QueriedValues[1][0][0]++ }), ""},
		{"other root", changed(func(p *stark.Proof) { p.ProofOfWork++; p.Commitments[0][0]++ }), ""},
		{"other layer", changed(func(p *stark.Proof) { p.ProofOfWork++; p.FRI.Inner[0].Commitment[0]++ }), ""},
		{"other sample", changed(func(p *stark.Proof) { p.ProofOfWork++; p.SampledValues[1][0][0].A.A++ }), ""},
		{"malformed", []byte("{}"), ""},
	} {
		got, err := compareProofs(proof, c.other)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

// TestRustReport expects every stage's time once, and the rest under open.
func TestRustReport(t *testing.T) {
	r := rustReport{Twiddles: [2]float64{3, 1}, Prove: [2]float64{1000, 1}, Spans: map[string][2]float64{
		"Commitment": {100, 1}, "Commitment/Commitment": {99, 1}, "Interpolation for commitment": {50, 1},
		"prove_ex": {800, 1}, "prove_ex/Composition": {200, 1}, "prove_ex/Composition/Generation": {150, 1},
		"prove_ex/Evaluate columns out of domain": {30, 1}, "prove_ex/Compute FRI quotients": {40, 1},
		"prove_ex/commit": {60, 1}, "prove_ex/Grind": {400, 1},
	}}
	got := r.times()
	wants := times{
		stageTwiddles: 0.003, stageCommit: 0.15, stageCompose: 0.2, stageQuotient: 0.07,
		stageFRI: 0.06, stageGrind: 0.4, stageOpen: 0.12,
	}
	for stage, want := range wants {
		if math.Abs(got[stage]-want) > 1e-9 {
			t.Errorf("%s: %v s, want %v", stage, got[stage], want)
		}
	}
	if d := got.withoutGrind() - 0.603; math.Abs(d) > 1e-9 {
		t.Errorf("total without grind is off by %v", d)
	}
}

// TestMedian takes medians of odd and even numbers of values.
func TestMedian(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Error(got)
	}
	if got := median([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Error(got)
	}
}

// TestStore stores a result twice and expects one row.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	r := &result{Name: "wide-fib-8x2^5-t1", Title: "a title", Threads: 1}
	for range 2 {
		if err := store(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	table, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || strings.Count(string(table), "| a title |") != 1 {
		t.Errorf("%v\n%s", err, table)
	}
	if _, err := os.Stat(filepath.Join(dir, "wide-fib-8x2p5-t1.json")); err != nil {
		t.Error(err)
	}
}

// TestBench rejects a case that there is not.
func TestBench(t *testing.T) {
	if _, err := (&options{name: "keccak"}).bench(); err == nil {
		t.Error("an unknown case is accepted")
	}
}
