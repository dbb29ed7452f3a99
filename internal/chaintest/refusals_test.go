package chaintest

import (
	"slices"
	"testing"

	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/internal/cairo"
)

// rows are all refusals.
func rows() (out []refusal) {
	for _, s := range stages {
		out = append(out, s.rows()...)
	}
	return out
}

// TestEveryFunctionIsRefused wants a row for every external function of every
// contract, and no row for what is none.
func TestEveryFunctionIsRefused(t *testing.T) {
	missing := make(map[[2]string]bool)
	for _, c := range contracts.Classes() {
		list, err := functions(c.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if !f.view {
				missing[[2]string{c.Name, f.name}] = true
			}
		}
	}
	if len(contracts.Classes()) != 9 || len(missing) < 78 {
		t.Fatalf("%d contracts have %d external functions", len(contracts.Classes()), len(missing))
	}
	external := len(missing)
	seen := make(map[[2]string]bool)
	for _, r := range rows() {
		f := [2]string{r.contract, r.function}
		if !missing[f] && !seen[f] {
			t.Errorf("%v is no external function", f)
		}
		delete(missing, f)
		seen[f] = true
	}
	for f := range missing {
		t.Errorf("nothing is refused by %v", f)
	}
	t.Logf("%d refusals of %d functions", len(rows()), external)
}

// TestEveryErrorIsProvoked wants a row for every reason to revert, but for those that
// no call of a deployed contract can have.
func TestEveryErrorIsProvoked(t *testing.T) {
	unreachable := []string{
		"AMOUNT_TOO_LARGE", "EPOCH_LENGTH", "BAD_RATE", // of constructors
		"BOND_UNKNOWN",    // contracts set free only what they bound
		"TRANSFER_FAILED", // SageToken says true or reverts
		"PROOF_CHALLENGE", // one hash in 2^125
	}
	for _, e := range cairo.Errors {
		provoked := slices.ContainsFunc(rows(), func(r refusal) bool { return r.code == e.Code })
		if provoked == slices.Contains(unreachable, e.Code) {
			t.Errorf("%s: provoked %v", e.Code, provoked)
		}
	}
	for _, r := range rows() {
		if _, ok := cairo.ErrorByCode(r.code); !ok && r.code != malformed && r.code != "u256_add Overflow" {
			t.Errorf("%s is no error of the contracts", r.code)
		}
	}
}

// TestRowsHaveNames wants each row to say something of its own.
func TestRowsHaveNames(t *testing.T) {
	for _, s := range stages {
		names := make(map[string]bool)
		for _, r := range s.rows() {
			name := r.contract + "." + r.function + " " + r.when
			if names[name] || r.when == "" || r.code == "" {
				t.Errorf("%s: %q is there twice, or says nothing", s.name, name)
			}
			names[name] = true
		}
	}
}
