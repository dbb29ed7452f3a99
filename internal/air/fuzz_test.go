package air_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

// goldenProof returns one of stwo's proofs with its AIR.
func goldenProof(t testing.TB, name string) (*air.AIR, *stark.Proof) {
	t.Helper()
	a, err := air.Parse(vectors.Read(t, "stwo/proofs", name, "AIR.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := stark.ParseJSON(vectors.Read(t, "stwo/proofs", name, "PROOF.json"), a.Kind)
	if err != nil {
		t.Fatal(err)
	}
	return a, p
}

func isInvalid(err error) bool { return errors.Is(err, stark.ErrInvalid) }

// FuzzParseAIR: what parses has one JSON form, is small enough to work with, and
// can be asked to verify a proof of something else.
func FuzzParseAIR(f *testing.F) {
	for _, data := range goldenAIRs(f) {
		f.Add(data)
	}
	proofs := make(map[stark.Kind]*stark.Proof)
	for _, name := range []string{"logup-blake2s-base", "logup-blake2s_m31-base", "logup-poseidon252-base"} {
		a, p := goldenProof(f, name)
		proofs[a.Kind] = p
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := air.Parse(data)
		if err != nil {
			return
		}
		one, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := air.Parse(one)
		if err != nil {
			t.Fatalf("%v: %s", err, one)
		}
		two, err := json.Marshal(b)
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("%v: two forms:\n%s\n%s", err, one, two)
		}
		columns := 0
		for _, tree := range a.Layout().Columns() {
			columns += len(tree)
		}
		if columns > len(data) {
			t.Fatalf("%d columns in %d bytes", columns, len(data))
		}
		a.Info()
		// The shape fits the golden statement only; anything may come of it but a
		// panic.
		p := *proofs[a.Kind]
		p.Config = a.Config
		a.Verify(&p)
	})
}

// FuzzParseWitness: what parses has whole columns of reduced elements.
func FuzzParseWitness(f *testing.F) {
	a, _ := goldenProof(f, "wide_fib-blake2s-base")
	f.Add(vectors.Read(f, "stwo/proofs", "wide_fib-blake2s-base", "WITNESS.json"))
	f.Add([]byte(`{"order":"natural","trees":[[[1,2]],[[3,4,5,6]]]}`))
	f.Add([]byte(`{"order":"bit_reversed_circle_domain","trees":[[],[[7,2147483646]]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		trees, err := a.ParseWitness(data)
		if err != nil {
			return
		}
		cells := 0
		for _, tree := range trees {
			for _, col := range tree {
				cells += len(col)
				for _, e := range col {
					if !e.IsCanonical() {
						t.Fatalf("%d is not reduced", e)
					}
				}
			}
		}
		if cells > len(data) {
			t.Fatalf("%d cells in %d bytes", cells, len(data))
		}
	})
}
