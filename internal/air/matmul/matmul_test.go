package matmul

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

type golden struct {
	M, K, N     int
	A, B, C     [][]int64
	Roots       []string
	Rows, R, RC int
	Kappa       int64       `json:"kappa_exponent"`
	Alpha       [4]m31.Elem `json:"alpha"`
	shape       Shape
	a, b, c     []m31.Elem
}

func flat(rows [][]int64) (out []m31.Elem) {
	for _, r := range rows {
		for _, v := range r {
			out = append(out, m31.FromInt64(v))
		}
	}
	return out
}

func load(t *testing.T, name string) golden {
	var g golden
	vectors.Load(t, &g, "matmul", name, "INPUT.json")
	g.shape = Shape{M: g.M, K: g.K, N: g.N}
	g.a, g.b, g.c = flat(g.A), flat(g.B), flat(g.C)
	return g
}

// root extends the columns by a blowup of 4 and commits to them.
func root(cols [][]m31.Elem) string {
	ext := make([][]m31.Elem, len(cols))
	for i, c := range cols {
		c = slices.Clone(c)
		circle.Interpolate(c, c)
		ext[i] = make([]m31.Elem, 4*len(c))
		circle.Evaluate(ext[i], c)
	}
	h := stark.MerkleRoot(stark.Blake2s.Hasher(), ext, circle.Log2(len(ext[0])))
	return hex.EncodeToString(h[:])
}

// TestGolden compares layout, roots and accumulators with the model that the
// Rust prover accepted.
func TestGolden(t *testing.T) {
	for _, name := range vectors.Dirs(t, "matmul") {
		t.Run(name, func(t *testing.T) {
			g := load(t, name)
			if got := 1 << g.shape.LogRows(); got != g.Rows {
				t.Fatalf("%d rows, want %d", got, g.Rows)
			}
			if got := g.shape.kappa(); got != g.Kappa {
				t.Fatalf("kappa exponent %d, want %d", got, g.Kappa)
			}
			tree0, tree1 := encodeInput(g.shape, g.a, g.b), encodeResult(g.shape, g.c)
			if got := root(tree0); got != g.Roots[0] {
				t.Errorf("job root %s, want %s", got, g.Roots[0])
			}
			if got := root(tree1); got != g.Roots[1] {
				t.Errorf("result root %s, want %s", got, g.Roots[1])
			}
			gamma := m31.Q(g.Alpha[0], g.Alpha[1], g.Alpha[2], g.Alpha[3])
			tree2, err := g.shape.Interaction(gamma, tree0, tree1, Sequential)
			if err != nil {
				t.Fatal(err)
			}
			var witness struct{ Trees [][][]m31.Elem }
			vectors.Load(t, &witness, "matmul", name, "WITNESS.json")
			got := [][][]m31.Elem{air.RowOrder(tree0), air.RowOrder(tree1), air.RowOrder(tree2)}
			for i, tree := range witness.Trees {
				for c, col := range tree {
					if !slices.Equal(got[i][c], col) {
						t.Fatalf("tree %d column %d differs", i, c)
					}
				}
			}
			a, err := g.shape.AIR(stark.Blake2s, stark.Config{LogBlowup: 2, Queries: 3, FoldStep: 1}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			if err := a.Assert(got, air.Symbols{"gamma": gamma}); err != nil {
				t.Error(err)
			}
		})
	}
}
