package air_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

func logUp(t testing.TB) *air.AIR {
	t.Helper()
	a, err := airtest.LogUp(stark.Blake2s, cheap, 5, 5)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// set returns a change of the first component.
func set(f func(c *air.Component)) func(*air.AIR) {
	return func(a *air.AIR) { f(a.Components[0]) }
}

// node returns a change that appends a node to the first component.
func node(n air.Node) func(*air.AIR) {
	return set(func(c *air.Component) { c.Nodes = append(c.Nodes, n) })
}

// larger returns a component of 2^6 rows without columns in tree 2.
func larger() *air.Component {
	b := air.NewComponent("larger", 6)
	b.Constrain("", b.Column(1)[0])
	c, _ := b.Build()
	return c
}

// TestValidate has a negative test for every rule.
func TestValidate(t *testing.T) {
	cell := air.Node{Op: air.OpCell, Args: [4]int{1, 0, 0}}
	for _, c := range []struct {
		want  string
		spoil func(*air.AIR)
	}{
		{"0 components, want 1 to 64", func(a *air.AIR) { a.Components = nil }},
		{"65 components", func(a *air.AIR) { a.Components = make([]*air.Component, 65) }},
		{"4097 preprocessed columns", func(a *air.AIR) { a.Preprocessed = make([]air.Preprocessed, 4097) }},
		{`"squares_n" is declared twice`, func(a *air.AIR) { a.Preprocessed = append(a.Preprocessed, a.Preprocessed[0]) }},
		{`component "user": log size 0 is out of range`, set(func(c *air.Component) { c.LogSize = 0 })},
		{"log size 27 is out of range", set(func(c *air.Component) { c.LogSize = 27 })},
		{"log size -1 is out of range", set(func(c *air.Component) { c.LogSize = -1 })},
		{"proves only log_size+1 = 6", set(func(c *air.Component) { c.LogDegreeBound = 7 })},
		{`unknown preprocessed column "x"`, set(func(c *air.Component) { c.Preprocessed = []string{"x"} })},
		{`column "squares_n" has log size 5, the component 4`, set(func(c *air.Component) {
			c.Preprocessed, c.LogSize, c.LogDegreeBound = []string{"squares_n"}, 4, 5
		})},
		{"4 trees after the preprocessed one", set(func(c *air.Component) { c.Masks = make([][][]int, 4) })},
		{"tree 1: 4097 columns", set(func(c *air.Component) { c.Masks[0] = make([][]int, 4097) })},
		{"9 row offsets, want at most 8", set(func(c *air.Component) { c.Masks[0][0] = []int{0, 1, 2, 3, 4, 5, 6, 7, 8} })},
		{"row offset 32 does not fit 32 rows", set(func(c *air.Component) { c.Masks[0][0] = []int{32} })},
		{"row offset -32 does not fit 32 rows", set(func(c *air.Component) { c.Masks[0][0] = []int{-32} })},
		{"row offset 0 occurs twice", set(func(c *air.Component) { c.Masks[0][0] = []int{0, 0} })},
		{"no constraints", set(func(c *air.Component) { c.Constraints = nil })},
		{"there is no node 1000", set(func(c *air.Component) { c.Constraints[0] = 1000 })},
		{"there is no node -1", set(func(c *air.Component) { c.Constraints[0] = -1 })},
		{"unknown operation 0", node(air.Node{})},
		{"unknown operation 12", node(air.Node{Op: air.OpCombine + 1})},
		{"refers to node -1", node(air.Node{Op: air.OpNeg, Args: [4]int{-1}})},
		{"refers to node 1000", node(air.Node{Op: air.OpAdd, Args: [4]int{0, 1000}})},
		{"node 0 refers to node 0", set(func(c *air.Component) { c.Nodes[0] = air.Node{Op: air.OpNeg} })},
		{"1048577 nodes, want at most", set(func(c *air.Component) { c.Nodes = make([]air.Node, 1<<20+1) })},
		{`reads the undeclared column "squares_n"`, node(air.Node{Op: air.OpPre, Name: "squares_n"})},
		{"reads tree 0 column 0 at offset 0, which has no mask", node(air.Node{Op: air.OpCell})},
		{"reads tree 3 column 0", node(air.Node{Op: air.OpCell, Args: [4]int{3}})},
		{"reads tree 1 column 6", node(air.Node{Op: air.OpCell, Args: [4]int{1, 6}})},
		{"reads tree 1 column -1", node(air.Node{Op: air.OpCell, Args: [4]int{1, -1}})},
		{"reads tree 1 column 0 at offset 1", node(air.Node{Op: air.OpCell, Args: [4]int{1, 0, 1}})},
		{"inverts a value that depends on the row", set(func(c *air.Component) {
			n := len(c.Nodes)
			c.Nodes = append(c.Nodes, cell, air.Node{Op: air.OpInv, Args: [4]int{n}})
		})},
		{"combines values that are not all base-field cells", set(func(c *air.Component) {
			n := len(c.Nodes)
			c.Nodes = append(c.Nodes, cell, air.Node{Op: air.OpConst}, air.Node{Op: air.OpCombine, Args: [4]int{n, n, n, n + 1}})
		})},
		{"combines values that are not all base-field cells", set(func(c *air.Component) {
			n := len(c.Nodes)
			c.Nodes = append(c.Nodes, cell, air.Node{Op: air.OpCombine, Args: [4]int{n, n, n, n}}, air.Node{Op: air.OpCombine, Args: [4]int{n, n, n, n + 1}})
		})},
		{"constraint 2 has degree 4, want at most 3", set(func(c *air.Component) {
			n := len(c.Nodes)
			c.Nodes = append(c.Nodes, cell, air.Node{Op: air.OpMul, Args: [4]int{n, n}}, air.Node{Op: air.OpMul, Args: [4]int{n + 1, n + 1}})
			c.Constraints = append(c.Constraints, n+2)
		})},
		{"scalar check 0: there is no node 3", func(a *air.AIR) { a.AssertZero[0].Root = 3 }},
		{"scalar check 0: node 2 refers to node 2", func(a *air.AIR) { a.AssertZero[0].Nodes[2].Args[1] = 2 }},
		{"step 1 commits tree 1, want 0", func(a *air.AIR) { a.Transcript[1].Tree = 1 }},
		{"commits 4 trees, want 3", func(a *air.AIR) { a.Transcript = append(a.Transcript, air.Step{Op: air.Commit, Tree: 3}) }},
		{"commits 0 trees, want 3", func(a *air.AIR) { a.Transcript = nil }},
		{"draws 0 values", func(a *air.AIR) { a.Transcript[4].Names = nil }},
		{"draws 65 values", func(a *air.AIR) { a.Transcript[4].Names = make([]string, 65) }},
		{"asks for 61 bits of work", func(a *air.AIR) { a.Transcript[0] = air.Step{Op: air.Pow, Bits: 61} }},
		{"asks for -1 bits of work", func(a *air.AIR) { a.Transcript[0] = air.Step{Op: air.Pow, Bits: -1} }},
		{"n_queries is 0", func(a *air.AIR) { a.Config.Queries = 0 }},
		{"fold_step is 11", func(a *air.AIR) { a.Config.FoldStep = 11 }},
		{"overshoots the last layer", func(a *air.AIR) { a.Config.FoldStep = 7 }},
		{"no channel kind 0", func(a *air.AIR) { a.Kind = 0 }},
		{"set lifting_log_size", func(a *air.AIR) { a.Components = append(a.Components, larger()) }},
		{"does not fit lifting_log_size 5", func(a *air.AIR) { a.Config.Lifting = 5 }},
		{"log size 0 is out of range", func(a *air.AIR) { a.Preprocessed = append(a.Preprocessed, air.Preprocessed{ID: "x"}) }},
	} {
		a := logUp(t)
		c.spoil(a)
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error that contains %q", err, c.want)
		}
	}
}

// TestHugeDegree multiplies a cell with itself until its degree does not fit an
// int any more.
func TestHugeDegree(t *testing.T) {
	for _, squarings := range []int{2, 62, 63, 64, 65, 128, 1000} {
		b := air.NewComponent("huge", 4)
		x := b.Column(1)[0]
		for range squarings {
			x = x.Mul(x)
		}
		b.Constrain("", x)
		c, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		a := &air.AIR{Kind: stark.Blake2s, Config: cheap, Components: []*air.Component{c}, Transcript: []air.Step{{Op: air.Commit}, {Op: air.Commit, Tree: 1}}}
		if err := a.Validate(); err == nil || !strings.Contains(err.Error(), "want at most 3") {
			t.Errorf("a cell to the power 2^%d: %v", squarings, err)
		}
	}
}

// TestDegree computes degrees of expressions in the columns.
func TestDegree(t *testing.T) {
	for _, c := range []struct {
		name   string
		degree int
		expr   func(b *air.Builder, x, y air.Expr) air.Expr
	}{
		{"constant", 0, func(b *air.Builder, x, y air.Expr) air.Expr { return b.Const(3) }},
		{"symbol", 0, func(b *air.Builder, x, y air.Expr) air.Expr { return b.Sym("s").Mul(b.Felt(m31.Q(1, 2, 3, 4))).Inv() }},
		{"cell", 1, func(b *air.Builder, x, y air.Expr) air.Expr { return x }},
		{"scaled cell", 1, func(b *air.Builder, x, y air.Expr) air.Expr { return x.Mul(b.Sym("s")).Neg() }},
		{"sum", 1, func(b *air.Builder, x, y air.Expr) air.Expr { return x.Add(y).Sub(b.Const(1)) }},
		{"product", 2, func(b *air.Builder, x, y air.Expr) air.Expr { return x.Mul(y) }},
		{"sum of product", 2, func(b *air.Builder, x, y air.Expr) air.Expr { return x.Sub(x.Mul(y)) }},
		{"cube", 3, func(b *air.Builder, x, y air.Expr) air.Expr { return x.Pow(3) }},
		{"secure", 1, func(b *air.Builder, x, y air.Expr) air.Expr { return b.Secure(1)[0] }},
		{"secure product", 3, func(b *air.Builder, x, y air.Expr) air.Expr { return b.Secure(1)[0].Mul(x).Mul(y) }},
		{"preprocessed", 2, func(b *air.Builder, x, y air.Expr) air.Expr { return b.Pre("p").Mul(x) }},
	} {
		b := air.NewComponent("degrees", 4)
		b.Constrain("", c.expr(b, b.Column(1)[0], b.Column(1)[0]))
		component, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		a := &air.AIR{Components: []*air.Component{component}}
		if got := a.Info()[0].MaxDegree; got != c.degree {
			t.Errorf("%s: degree %d, want %d", c.name, got, c.degree)
		}
	}
}

// TestInfo pins the sizes of the statements.
func TestInfo(t *testing.T) {
	product := func(m, k, n int) *air.AIR {
		a, err := matmul.Shape{M: m, K: k, N: n}.AIR(stark.Blake2s, cheap, nil)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	fib, err := airtest.WideFib(stark.Blake2s, cheap, 6, 20, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		air  *air.AIR
		want string
	}{
		{product(1024, 1024, 1024), "matmul 2^15: 66+32+16 columns, 4 constraints of degree 3, 130 openings, 3735552 cells"},
		{product(1, 1, 1), "matmul 2^4: 66+32+16 columns, 4 constraints of degree 3, 130 openings, 1824 cells"},
		{product(4096, 4096, 4096), "matmul 2^19: 66+32+16 columns, 4 constraints of degree 3, 130 openings, 59768832 cells"},
		{logUp(t), "user 2^5: 0+6+8 columns, 2 constraints of degree 3, 18 openings, 448 cells; " +
			"table 2^5: 2+1+4 columns, 1 constraints of degree 2, 11 openings, 224 cells"},
		{fib, "wide_fibonacci 2^6: 0+20 columns, 18 constraints of degree 2, 20 openings, 1280 cells"},
	} {
		var got []string
		for _, i := range c.air.Info() {
			columns := strings.ReplaceAll(strings.Trim(fmt.Sprint(i.Columns), "[]"), " ", "+")
			got = append(got, fmt.Sprintf("%s 2^%d: %s columns, %d constraints of degree %d, %d openings, %d cells",
				i.Name, i.LogSize, columns, i.Constraints, i.MaxDegree, i.MaskPoints, i.Cells))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("got  %s\nwant %s", s, c.want)
		}
		if err := c.air.Validate(); err != nil {
			t.Error(err)
		}
	}
}
