package proof

import (
	"errors"
	"slices"
	"testing"
)

// TestEstimateBytes pins the model for the main job. The prover's tests compare
// it with real proofs.
func TestEstimateBytes(t *testing.T) {
	want := map[Profile]int{Fast: 161510, Std: 100025, Tight: 76801, MatMulP80: 155095, MatMulP90: 216386, MatMulP96: 232780}
	for p, n := range want {
		got, err := EstimateBytes(MatMul(1024, 1024, 1024), p)
		if err != nil {
			t.Fatal(err)
		}
		if d := got - n; d < -500 || d > 500 {
			t.Errorf("%v: %d bytes, want about %d", p, got, n)
		}
	}
}

func TestCheckSize(t *testing.T) {
	if err := CheckSize(MatMul(1024, 1024, 1024), MatMulP96); err != nil {
		t.Error(err)
	}
	var e *SizeError
	if err := CheckSize(MatMul(4096, 4096, 4096), MatMulP96); !errors.As(err, &e) {
		t.Fatalf("got %v, want a SizeError", err)
	}
	if want := []Profile{Fast, Std, Tight, MatMulP80}; !slices.Equal(e.Fitting, want) {
		t.Errorf("fitting profiles %v, want %v", e.Fitting, want)
	}
	if err := CheckSize(MatMul(4096, 4096, 4096), 0); err == nil {
		t.Error("the zero profile is accepted")
	}
}
