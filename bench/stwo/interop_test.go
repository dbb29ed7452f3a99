//go:build interop

package main

import (
	"strings"
	"testing"

	"github.com/bitsage/bitsage/interop/oracle"
)

// TestMeasure runs every case once, small and without proof of work, so that the
// proofs are equal to the last byte.
func TestMeasure(t *testing.T) {
	root, err := oracle.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := build(t.Context(), root, t.TempDir(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []options{
		{name: "wide-fib", logRows: 8, columns: 12, noPow: true},
		{name: "logup", logRows: 8, noPow: true},
		{name: "matmul", size: 40, noPow: true},
	} {
		c, err := o.bench()
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.measure(t.Context(), c, 2)
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		if err := r.print(&text); err != nil {
			t.Fatal(err)
		}
		if r.Proofs != string(sameBytes) || r.RatioWithoutGrind <= 0 || !strings.Contains(text.String(), "ratio_without_grind") {
			t.Errorf("%s: %+v", o.name, r)
		}
	}
}
