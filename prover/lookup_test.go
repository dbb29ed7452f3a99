package prover

import (
	"bytes"
	"context"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/vectors"
)

// TestLookups builds the LogUp statement with this module's own framework and
// expects the proof that Rust's framework makes of its own.
func TestLookups(t *testing.T) {
	for _, name := range []string{"logup-blake2s-base", "logup-blake2s-fold2", "logup-poseidon252-base", "logup-blake2s-lifted8"} {
		golden, _ := goldenCase(t, "stwo/proofs", name)
		a, err := airtest.LogUp(golden.Kind, golden.Config, golden.Components[0].LogSize, golden.Components[1].LogSize)
		if err != nil {
			t.Fatal(err)
		}
		p := New(Options{})
		proof, _, syms, err := p.ProveAIR(context.Background(), a, p.Lookups(a, airtest.LogUpTrees(a.Components[0].LogSize, a.Components[1].LogSize)))
		if err != nil {
			t.Fatal(err)
		}
		if want := vectors.Read(t, "stwo/proofs", name, "PROOF.json"); !bytes.Equal(proof.AppendJSON(nil, a.Kind), bytes.TrimSpace(want)) {
			t.Errorf("%s: the proof differs from stwo's", name)
		}
		a.Public = map[string]air.QM31{"claimed_sum_user": syms["claimed_sum_user"], "claimed_sum_table": syms["claimed_sum_table"]}
		if _, err := a.Verify(proof); err != nil {
			t.Error(err)
		}
	}
}
