//go:build interop

package interop_test

import (
	"fmt"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/interop/statement"
)

// misordered tells whether stwo 2.3.0 rejects the proof though it is valid. Where
// tree 0 is lower than the domain, stwo maps the ascending queries to leaves of
// tree 0 by a function that keeps the lowest bit and is not monotone, and its
// Merkle verifier takes neighbours in the order in which they come: if the first
// query to fall on a pair of leaves falls on the right one, and a later one on the
// left one, left and right are confused and the root does not match.
func misordered(t *testing.T, made *statement.Made) bool {
	t.Helper()
	layout := made.AIR.Layout()
	first := make(map[int]int) // leaf by pair
	for _, leaf := range stark.PreprocessedQueries(queries(t, made), layout.Lifted(), layout.Height(0)) {
		if old, ok := first[leaf>>1]; !ok {
			first[leaf>>1] = leaf
		} else if old > leaf {
			return true
		}
	}
	return false
}

// queries replays the transcript of a proof up to its queries.
func queries(t *testing.T, made *statement.Made) []int {
	t.Helper()
	p := made.Proof
	ch := made.AIR.Kind.NewChannel()
	if _, err := made.AIR.Play(ch, roots(p.Commitments)); err != nil {
		t.Fatal(err)
	}
	ch.DrawFelt()
	ch.MixRoot(p.Commitments[len(p.Commitments)-1])
	ch.DrawFelt()
	ch.MixFelts(stark.Flatten(p.SampledValues))
	ch.DrawFelt()
	for _, l := range p.FRI.Layers() {
		ch.MixRoot(l.Commitment)
		ch.DrawFelt()
	}
	ch.MixFelts(p.FRI.LastPoly.Coeffs)
	ch.MixU64(p.ProofOfWork)
	return stark.SortedQueries(stark.DrawQueries(ch, p.Config.Queries, made.AIR.Layout().Lifted()))
}

// roots plays the verifier's part of a transcript.
type roots []stark.Hash

// Commit implements air.Party.
func (r roots) Commit(tree int, _ air.Symbols) (stark.Hash, error) { return r[tree], nil }

// Resolve implements air.Party.
func (r roots) Resolve(name string, _ air.Symbols) (m31.QM31, error) {
	return m31.QM31{}, fmt.Errorf("no value for %q", name)
}
