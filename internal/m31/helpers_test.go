package m31

import (
	"math/rand/v2"
	"testing"
)

// edge holds the elements at which arithmetic modulo P changes its behaviour.
var edge = []Elem{0, 1, 2, P / 2, P - 2, P - 1}

func randElem(r *rand.Rand) Elem { return Elem(r.Uint32N(P)) }

func randQM31(r *rand.Rand) QM31 {
	return Q(randElem(r), randElem(r), randElem(r), randElem(r))
}

// elems returns the edge elements and n random ones.
func elems(r *rand.Rand, n int) []Elem {
	out := append([]Elem(nil), edge...)
	for range n {
		out = append(out, randElem(r))
	}
	return out
}

// cm31s returns all pairs of edge elements and n random elements.
func cm31s(r *rand.Rand, n int) []CM31 {
	var out []CM31
	for _, a := range edge {
		for _, b := range edge {
			out = append(out, CM31{a, b})
		}
	}
	for range n {
		out = append(out, CM31{randElem(r), randElem(r)})
	}
	return out
}

// edgeQM31s returns all quadruples of edge elements.
func edgeQM31s() []QM31 {
	lows := cm31s(nil, 0)
	var out []QM31
	for _, a := range lows {
		for _, b := range lows {
			out = append(out, QM31{a, b})
		}
	}
	return out
}

// qm31s returns 0, the basis, an element of large coordinates, and n elements
// each of edge and of random coordinates.
func qm31s(r *rand.Rand, n int) []QM31 {
	out := []QM31{{}, One, Q(0, 1, 0, 0), Q(0, 0, 1, 0), Q(0, 0, 0, 1), Q(P-1, P-1, P-1, P-1)}
	all := edgeQM31s()
	for range n {
		out = append(out, all[r.IntN(len(all))], randQM31(r))
	}
	return out
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
