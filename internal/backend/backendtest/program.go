package backendtest

import (
	"context"
	"maps"
	"slices"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

// The random component has two preprocessed columns, four columns at the offsets
// -1, 0 and 1 in tree 1, and one secure column at the offsets -1 and 0 in tree 2.
var (
	preprocessed = []string{"p", "q"}
	traceOffsets = []int{-1, 0, 1}
	lastOffsets  = []int{-1, 0}
)

const (
	traceColumns = 4
	maxDegree    = 3
)

// program is a random expression graph over random columns.
type program struct {
	air     *air.AIR
	graph   *graph
	outputs []int          // nodes
	trees   [][][]m31.Elem // coefficients
	syms    air.Symbols    // values of the symbols
	log     int            // log2 of the number of rows
	coeffs  []m31.QM31     // of the outputs
}

// graph grows an expression graph by random nodes.
type graph struct {
	s     *suite
	nodes []air.Node
	facts []fact
}

// fact is what is known of a node.
type fact struct {
	degree int      // in the columns
	secure bool     // may lie outside the base field
	varies bool     // not folded to a constant by the compiler
	value  m31.QM31 // if it does not vary
}

func (f fact) zero() bool { return !f.varies && f.value.IsZero() }

func (g *graph) push(n air.Node, f fact) int {
	g.nodes = append(g.nodes, n)
	g.facts = append(g.facts, f)
	if !f.varies {
		last := len(g.nodes) - 1
		g.facts[last].value = evaluate(g.nodes, g.s.syms(), func(*air.Node) m31.QM31 { return m31.QM31{} })[last]
	}
	return len(g.nodes) - 1
}

// pick returns a random node that ok accepts, or -1.
func (g *graph) pick(ok func(f fact) bool) int {
	var fitting []int
	for i, f := range g.facts {
		if ok(f) {
			fitting = append(fitting, i)
		}
	}
	if fitting == nil {
		return -1
	}
	return fitting[g.s.rng.IntN(len(fitting))]
}

func (g *graph) any() int { return g.s.rng.IntN(len(g.nodes)) }

// leaves adds every kind of node without operands.
func (g *graph) leaves(cells bool) {
	for _, e := range []m31.Elem{0, 1, m31.P - 1, g.s.elem()} {
		g.push(air.Node{Op: air.OpConst, Felt: m31.FromElem(e)}, fact{})
	}
	g.push(air.Node{Op: air.OpFelt, Felt: g.s.felt()}, fact{secure: true})
	g.push(air.Node{Op: air.OpFelt, Felt: m31.Q(0, 3, 0, 0)}, fact{secure: true})
	for _, name := range slices.Sorted(maps.Keys(g.s.syms())) {
		g.push(air.Node{Op: air.OpSym, Name: name}, fact{secure: true})
	}
	if !cells {
		return
	}
	cell := fact{degree: 1, varies: true}
	for _, id := range preprocessed {
		g.push(air.Node{Op: air.OpPre, Name: id}, cell)
	}
	for c := range traceColumns {
		for _, o := range traceOffsets {
			g.push(air.Node{Op: air.OpCell, Args: [4]int{1, c, o}}, cell)
		}
	}
	for _, o := range lastOffsets {
		var args [4]int
		for i := range args {
			args[i] = g.push(air.Node{Op: air.OpCell, Args: [4]int{2, i, o}}, cell)
		}
		g.push(air.Node{Op: air.OpCombine, Args: args}, fact{degree: 1, secure: true, varies: true})
	}
}

// grow adds a random node, if there are operands for it.
func (g *graph) grow() {
	switch g.s.rng.IntN(7) {
	case 0, 1:
		g.sum(air.OpAdd)
	case 2:
		g.sum(air.OpSub)
	case 3, 4:
		g.product()
	case 5:
		g.unary()
	case 6:
		g.combine()
	}
}

func (g *graph) sum(op air.Op) {
	i, j := g.any(), g.any()
	x, y := g.facts[i], g.facts[j]
	g.push(air.Node{Op: op, Args: [4]int{i, j}}, fact{degree: max(x.degree, y.degree), secure: x.secure || y.secure, varies: x.varies || y.varies})
}

// product multiplies two nodes whose degrees fit. The compiler folds a product
// with the constant zero.
func (g *graph) product() {
	i := g.any()
	x := g.facts[i]
	j := g.pick(func(y fact) bool { return x.degree+y.degree <= maxDegree })
	y := g.facts[j]
	varies := (x.varies || y.varies) && !x.zero() && !y.zero()
	g.push(air.Node{Op: air.OpMul, Args: [4]int{i, j}}, fact{degree: x.degree + y.degree, secure: x.secure || y.secure, varies: varies})
}

// unary adds an inverse or a negation.
func (g *graph) unary() {
	if g.s.rng.IntN(2) == 0 {
		i := g.pick(func(x fact) bool { return x.degree == 0 && !x.zero() })
		g.push(air.Node{Op: air.OpInv, Args: [4]int{i}}, fact{secure: g.facts[i].secure})
		return
	}
	i := g.any()
	f := g.facts[i]
	g.push(air.Node{Op: air.OpNeg, Args: [4]int{i}}, fact{degree: f.degree, secure: f.secure, varies: f.varies})
}

// combine adds a combination of four columns or of four constants.
func (g *graph) combine() {
	constant := g.s.rng.IntN(3) == 0
	var args [4]int
	degree := 0
	for i := range args {
		args[i] = g.pick(func(f fact) bool {
			if constant {
				return f.degree == 0
			}
			return f.varies && !f.secure
		})
		if args[i] < 0 {
			return
		}
		degree = max(degree, g.facts[args[i]].degree)
	}
	g.push(air.Node{Op: air.OpCombine, Args: args}, fact{degree: degree, secure: true, varies: degree > 0})
}

// syms returns the symbols of all random components: a secure value and one.
func (s *suite) syms() air.Symbols {
	return air.Symbols{"s0": m31.Q(5, m31.P-7, 1<<30, 11), "s1": m31.One}
}

// program makes a random component of 2^log rows.
func (s *suite) program(log int) *program {
	g := &graph{s: s}
	cells := s.rng.IntN(8) > 0
	g.leaves(cells)
	for range 10 + s.rng.IntN(60) {
		g.grow()
	}
	p := &program{graph: g, log: log, syms: s.syms()}
	for range 1 + s.rng.IntN(6) {
		p.outputs = append(p.outputs, g.any())
		p.coeffs = append(p.coeffs, s.felt())
	}
	p.outputs = append(p.outputs, len(g.nodes)-1, p.outputs[0]) // the last node, and one twice
	p.coeffs = append(p.coeffs, s.felt(), s.felt())
	p.build()
	if err := p.air.Validate(); err != nil {
		s.Fatalf("a random component is refused: %v", err)
	}
	for _, cols := range p.air.Layout().Trees {
		var tree [][]m31.Elem
		for _, c := range cols {
			tree = append(tree, s.column(1<<c.LogSize))
		}
		p.trees = append(p.trees, tree)
	}
	return p
}

// build wraps the graph into an AIR.
func (p *program) build() {
	c := &air.Component{
		Name: "random", LogSize: p.log, LogDegreeBound: p.log + 1, Preprocessed: preprocessed,
		Nodes: p.graph.nodes, Constraints: p.outputs, Masks: [][][]int{nil, nil},
	}
	for range traceColumns {
		c.Masks[0] = append(c.Masks[0], traceOffsets)
	}
	for range 4 {
		c.Masks[1] = append(c.Masks[1], lastOffsets)
	}
	p.air = &air.AIR{Kind: kinds[0], Components: []*air.Component{c}}
	p.air.Config.LogBlowup, p.air.Config.Queries, p.air.Config.FoldStep = 1, 1, 1
	for _, id := range preprocessed {
		p.air.Preprocessed = append(p.air.Preprocessed, air.Preprocessed{ID: id, LogSize: p.log})
	}
	for tree := range 3 {
		p.air.Transcript = append(p.air.Transcript, air.Step{Op: air.Commit, Tree: tree})
	}
}

// columns compiles the outputs and returns the program's inputs, evaluated on
// the domain of size 2^log.
func (p *program) columns(s *suite, outputs []int, log int) (*air.Program, [][]m31.Elem) {
	prog, err := p.air.Compile(0, p.syms, outputs)
	s.check(err)
	columns := make([][]m31.Elem, len(prog.Inputs))
	for i, in := range prog.Inputs {
		columns[i] = make([]m31.Elem, 1<<log)
		circle.Evaluate(columns[i], p.trees[in.Tree][in.Column])
	}
	return prog, columns
}

func (p *program) constraints(s *suite, acc m31.SecureVec) *backend.Constraints {
	prog, columns := p.columns(s, p.outputs, p.log+1)
	return &backend.Constraints{Program: prog, Columns: columns, LogSize: p.log, Coeffs: p.coeffs, Acc: acc}
}

// fractions describes the fractions outputs[0]/outputs[1], outputs[2]/outputs[3]
// and so on.
func (p *program) fractions(s *suite) *backend.Fractions {
	outputs := p.outputs[:len(p.outputs)&^1]
	prog, columns := p.columns(s, outputs, p.log)
	return &backend.Fractions{Program: prog, Columns: columns, LogSize: p.log, Pairs: len(outputs) / 2}
}

// at evaluates the graph at a point of the circle, every column as a polynomial:
// a row offset is a step of the trace domain.
func (p *program) at(pt circle.Point) []m31.QM31 {
	step := circle.SubgroupGen(p.log)
	return evaluate(p.graph.nodes, p.syms, func(n *air.Node) m31.QM31 {
		if n.Op == air.OpPre {
			return circle.EvalAt(p.trees[0][p.air.PreprocessedIndex(n.Name)], pt.Secure())
		}
		return circle.EvalAt(p.trees[n.Args[0]][n.Args[1]], pt.Add(step.Mul(n.Args[2]).Point()).Secure())
	})
}

// evaluate is a plain interpreter of expression graphs.
func evaluate(nodes []air.Node, syms air.Symbols, cell func(*air.Node) m31.QM31) []m31.QM31 {
	v := make([]m31.QM31, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		x, y := operand(v, n, 0), operand(v, n, 1)
		switch n.Op {
		case air.OpConst, air.OpFelt:
			v[i] = n.Felt
		case air.OpSym:
			v[i] = syms[n.Name]
		case air.OpPre, air.OpCell:
			v[i] = cell(n)
		case air.OpAdd:
			v[i] = x.Add(y)
		case air.OpSub:
			v[i] = x.Sub(y)
		case air.OpMul:
			v[i] = x.Mul(y)
		case air.OpNeg:
			v[i] = x.Neg()
		case air.OpInv:
			v[i] = x.Inv()
		case air.OpCombine:
			i0, u, iu := m31.Q(0, 1, 0, 0), m31.Q(0, 0, 1, 0), m31.Q(0, 0, 0, 1)
			v[i] = x.Add(y.Mul(i0)).Add(operand(v, n, 2).Mul(u)).Add(operand(v, n, 3).Mul(iu))
		}
	}
	return v
}

// operand returns the value of an operand; cells have other arguments.
func operand(v []m31.QM31, n *air.Node, i int) m31.QM31 {
	if n.Op == air.OpCell {
		return m31.QM31{}
	}
	return v[n.Args[i]]
}

// vanishing returns the value at x of the polynomial that vanishes on the canonic
// coset of size 2^k.
func vanishing(x m31.Elem, k int) m31.Elem {
	for range k - 1 {
		x = circle.DoubleX(x)
	}
	return x
}

// constraints compares random programs with the interpreter, point by point on
// the extended domain. The accumulator has contents to begin with.
func (s *suite) constraints() {
	for round := range 150 {
		log := 1 + round%5
		p := s.program(log)
		acc := s.secure(2 << log)
		want := clone(acc[:])
		s.inParts(p.constraints(s, acc), round%3)
		for slot := range 2 << log {
			pt := circle.StoragePoint(slot, log+1)
			v := p.at(pt)
			var sum m31.QM31
			for k, n := range p.outputs {
				sum = sum.Add(p.coeffs[k].Mul(v[n]))
			}
			sum = m31.SecureVec(want).At(slot).Add(sum.MulElem(vanishing(pt.X, log).Inv()))
			if acc.At(slot) != sum {
				s.Fatalf("round %d, slot %d: %v, want %v; outputs %v of %v", round, slot, acc.At(slot), sum, p.outputs, p.graph.nodes)
			}
		}
	}
	s.largeConstraints()
}

// inParts evaluates constraints in up to 2^parts parts.
func (s *suite) inParts(c *backend.Constraints, parts int) {
	parts = min(parts, c.LogSize)
	for k := range 1 << parts {
		part := *c
		part.Part = backend.Part{Index: k, Log: parts}
		lo, hi := part.Part.Slots(c.LogSize + 1)
		part.Acc, part.Columns = c.Acc.Slice(lo, hi), slices.Clone(c.Columns)
		for i, in := range c.Program.Inputs {
			if in.Offset == 0 {
				part.Columns[i] = c.Columns[i][lo:hi]
			}
		}
		s.check(s.b.Constraints(context.Background(), &part))
	}
}

// largeConstraints runs one program on a domain of several blocks, and compares a
// few slots.
func (s *suite) largeConstraints() {
	const log = 11
	p := s.program(log)
	acc := m31.NewSecureVec(2 << log)
	s.inParts(p.constraints(s, acc), s.rng.IntN(4))
	for range 8 {
		slot := s.rng.IntN(2 << log)
		pt := circle.StoragePoint(slot, log+1)
		v := p.at(pt)
		var sum m31.QM31
		for k, n := range p.outputs {
			sum = sum.Add(p.coeffs[k].Mul(v[n]))
		}
		if acc.At(slot) != sum.MulElem(vanishing(pt.X, log).Inv()) {
			s.Fatalf("slot %d of a large domain differs", slot)
		}
	}
}

// fractions compares numerators over denominators on the rows. A denominator of
// zero gives zero.
func (s *suite) fractions() {
	for round := range 150 {
		log := 1 + round%5
		p := s.program(log)
		f := p.fractions(s)
		got, err := s.b.Fractions(context.Background(), f)
		s.check(err)
		if len(got) != f.Pairs {
			s.Fatalf("%d columns for %d fractions", len(got), f.Pairs)
		}
		for slot := range 1 << log {
			v := p.at(circle.StoragePoint(slot, log))
			for j := range got {
				if want := v[p.outputs[2*j]].Mul(v[p.outputs[2*j+1]].Inv()); got[j].At(slot) != want {
					s.Fatalf("round %d, slot %d, fraction %d: %v, want %v", round, slot, j, got[j].At(slot), want)
				}
			}
		}
	}
	s.largeFractions()
}

// largeFractions runs one program on several blocks, and compares a few slots.
func (s *suite) largeFractions() {
	const log = 13
	p := s.program(log)
	got, err := s.b.Fractions(context.Background(), p.fractions(s))
	s.check(err)
	for range 8 {
		slot := s.rng.IntN(1 << log)
		v := p.at(circle.StoragePoint(slot, log))
		for j := range got {
			if got[j].At(slot) != v[p.outputs[2*j]].Mul(v[p.outputs[2*j+1]].Inv()) {
				s.Fatalf("slot %d of fraction %d on a large domain differs", slot, j)
			}
		}
	}
}
