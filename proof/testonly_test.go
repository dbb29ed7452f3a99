package proof

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/testprofile"
)

// testOnlyUses are all ways to use a profile.
func testOnlyUses(r *receipt, p *Proof) map[string]error {
	program := r.Statement.Program
	uses := make(map[string]error)
	uses["Validate"] = TestOnly.Validate()
	_, uses["ParseProfile"] = ParseProfile("test-only")
	_, uses["MarshalText"] = TestOnly.MarshalText()
	uses["UnmarshalText"] = json.Unmarshal([]byte(`"test-only"`), new(Profile))
	_, uses["Security"] = Security(program, TestOnly)
	_, uses["EstimateBytes"] = EstimateBytes(program, TestOnly)
	uses["CheckSize"] = CheckSize(program, TestOnly)
	_, uses["JobRoot"] = JobRoot(program, r.Input, TestOnly)
	_, uses["ResultRoot"] = ResultRoot(program, r.Output, TestOnly)
	_, uses["AIR"] = r.Statement.AIR(TestOnly)
	_, uses["Verify"] = Verify(r.Statement, p, TestOnly)
	return uses
}

// TestTestOnly wants the profile of tests refused wherever it is used, unless a test has
// allowed it, and to have so little security that nobody mistakes it for another.
func TestTestOnly(t *testing.T) {
	r := loadReceipt(t, "int8-16x16x16-fast")
	p := r.proof(t)
	refused := func() {
		t.Helper()
		for name, err := range testOnlyUses(&r, p) {
			if !errors.Is(err, ErrTestOnly) {
				t.Errorf("%s: %v, want ErrTestOnly", name, err)
			}
		}
	}
	refused()
	undo, again := testprofile.Allow(), testprofile.Allow()
	undo()
	undo() // counts once
	for name, err := range testOnlyUses(&r, p) {
		if name == "Verify" {
			wantCheck(t, "a proof of another profile", err, CheckConfig)
		} else if err != nil {
			t.Errorf("%s, allowed: %v", name, err)
		}
	}
	s, err := Security(r.Statement.Program, TestOnly)
	if err != nil || s.Proven() > 10 || s.Conjectured > 10 {
		t.Errorf("%v (%v), want no more than 10 bits", s, err)
	}
	if slices.Contains(Profiles(), TestOnly) {
		t.Error("Profiles lists the profile of tests")
	}
	again()
	refused()
}
