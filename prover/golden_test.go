package prover

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/vectors"
)

func goldenCase(t testing.TB, dir, name string) (*air.AIR, Columns) {
	t.Helper()
	a, err := air.Parse(vectors.Read(t, dir, name, "AIR.json"))
	if err != nil {
		t.Fatal(err)
	}
	trees, err := a.ParseWitness(vectors.Read(t, dir, name, "WITNESS.json"))
	if err != nil {
		t.Fatal(err)
	}
	return a, trees
}

// TestGoldenProofs makes the proofs that the Rust prover made and compares the
// bytes, for several numbers of threads.
func TestGoldenProofs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, name := range vectors.Dirs(t, dir) {
			t.Run(name, func(t *testing.T) {
				a, w := goldenCase(t, dir, name)
				want := bytes.TrimSpace(vectors.Read(t, dir, name, "PROOF.json"))
				for _, threads := range []int{1, 2, 5} {
					runtime.GOMAXPROCS(threads)
					p, _, _, err := New(Options{}).ProveAIR(context.Background(), a, w)
					if err != nil {
						t.Fatal(err)
					}
					if got := p.AppendJSON(nil, a.Kind); !bytes.Equal(got, want) {
						t.Fatalf("%d threads: the proof differs from stwo's", threads)
					}
				}
			})
		}
	}
}

type felts [][4]m31.Elem

func feltsOf(v m31.SecureVec) (out felts) {
	for i := range v.Len() {
		out = append(out, v.At(i).Coords())
	}
	return out
}

type securePoint struct{ X, Y [4]m31.Elem }

func pointOf(p circle.SecurePoint) securePoint { return securePoint{p.X.Coords(), p.Y.Coords()} }

// TestGoldenSteps compares every intermediate value of the prover with those
// that the Rust prover wrote down.
func TestGoldenSteps(t *testing.T) {
	for _, name := range vectors.Dirs(t, "stwo/proofs") {
		t.Run(name, func(t *testing.T) {
			a, w := goldenCase(t, "stwo/proofs", name)
			var want struct {
				Symbols     map[string][4]m31.Elem
				Trace       [][][]m31.Elem    `json:"trace_coefficients"`
				Alpha       [4]m31.Elem       `json:"composition_random_coeff"`
				Composition [4][]m31.Elem     `json:"composition_coefficients"`
				OODS        securePoint       `json:"oods_point"`
				Lifting     int               `json:"lifting_log_size"`
				Mask        [][][]securePoint `json:"mask_points"`
				Sampled     [][]felts         `json:"sampled_values"`
				Gamma       [4]m31.Elem       `json:"quotient_random_coeff"`
				Quotient    felts             `json:"quotient_storage_order"`
				Alphas      felts             `json:"fri_alphas"`
				Layers      []felts           `json:"fri_layers_storage_order"`
				Queries     []int             `json:"unsorted_queries"`
			}
			vectors.Load(t, &want, "stwo/proofs", name, "STEPS.json")

			same := func(what string, got, want any) {
				t.Helper()
				g, _ := json.Marshal(got)
				w, _ := json.Marshal(want)
				if !bytes.Equal(g, w) {
					t.Errorf("%s differs:\n got %.200s\nwant %.200s", what, g, w)
				}
			}
			s, err := New(Options{}).session(context.Background(), a, 0)
			if err != nil {
				t.Fatal(err)
			}
			var alphas felts
			var layers []felts
			s.observe = func(name string, v any) {
				switch name {
				case "composition_random_coeff":
					same(name, v.(m31.QM31).Coords(), want.Alpha)
				case "composition_coefficients":
					same(name, v, want.Composition)
				case "oods_point":
					same(name, pointOf(v.(circle.SecurePoint)), want.OODS)
				case "quotient_random_coeff":
					same(name, v.(m31.QM31).Coords(), want.Gamma)
				case "quotient":
					same(name, feltsOf(v.(m31.SecureVec)), want.Quotient)
				case "fri_alpha":
					alphas = append(alphas, v.(m31.QM31).Coords())
				case "fri_layer":
					layers = append(layers, feltsOf(v.(m31.SecureVec)))
				case "unsorted_queries":
					same(name, v, want.Queries)
				default:
					t.Errorf("unknown intermediate %s", name)
				}
			}
			p, err := s.prove(w)
			if err != nil {
				t.Fatal(err)
			}
			same("fri_alphas", alphas, want.Alphas)
			same("fri_layers", layers, want.Layers)
			same("lifting_log_size", s.layout.Lifted(), want.Lifting)
			for name, v := range want.Symbols {
				same("symbol "+name, s.syms[name].Coords(), v)
			}
			for tree, cols := range want.Trace {
				coeffs := make([][]m31.Elem, len(s.trees[tree].values))
				for i, v := range s.trees[tree].values {
					coeffs[i] = slices.Clone(v)
					circle.Interpolate(coeffs[i], v)
				}
				same("trace_coefficients", coeffs, cols)
			}
			var oods circle.SecurePoint
			oods.X, oods.Y = quad(want.OODS.X), quad(want.OODS.Y)
			for tree, cols := range s.layout.MaskPoints(oods) {
				for c, ps := range cols {
					got := []securePoint{}
					for _, p := range ps {
						got = append(got, pointOf(p))
					}
					same("mask_points", got, want.Mask[tree][c])
					vs := felts{}
					for _, v := range p.SampledValues[tree][c] {
						vs = append(vs, v.Coords())
					}
					same("sampled_values", vs, want.Sampled[tree][c])
				}
			}
		})
	}
}

func quad(c [4]m31.Elem) m31.QM31 { return m31.Q(c[0], c[1], c[2], c[3]) }
