// Package air is the constraint framework. An AIR (algebraic intermediate
// representation) is declared once, as an expression graph, and everything that
// needs its constraints derives from the graph: the verifier's point evaluation,
// the prover's row programs, assertions on concrete rows, degree and size
// information, and the JSON form "stwo-oracle-air/1" read by the Rust oracle.
package air

import (
	"fmt"
	"slices"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// QM31 is the secure field.
type QM31 = m31.QM31

// AIR is a statement's constraint system together with the transcript that
// leads to the proof proper. It is immutable once built.
type AIR struct {
	Kind         stark.Kind
	Config       stark.Config
	Preprocessed []Preprocessed // tree 0, in commitment order
	Public       map[string]QM31
	Transcript   []Step
	Components   []*Component
	AssertZero   []ScalarCheck
}

// Preprocessed is a column of tree 0. LogSize excludes the blowup.
type Preprocessed struct {
	ID      string
	LogSize int
}

// Component is a table of 2^LogSize rows and the constraints on its rows.
type Component struct {
	Name           string
	LogSize        int
	LogDegreeBound int // of constraint over vanishing polynomial; stwo 2.3.0 wants LogSize+1
	Preprocessed   []string
	Masks          [][][]int // [tree-1][column] row offsets, in order
	Nodes          []Node
	Constraints    []int    // nodes, in the order in which they are combined
	Names          []string // of the constraints; nil when unnamed
	LogUp          *LogUp   // how the interaction columns are computed; nil without LogUp
}

// Op is the operation of a Node.
type Op uint8

// The operations. Operands are indices of earlier nodes.
const (
	OpConst   Op = iota + 1 // Felt, in the base field
	OpFelt                  // Felt
	OpSym                   // Name: public value or channel draw
	OpPre                   // Name: preprocessed column, this row
	OpCell                  // Args: tree >= 1, column of the component, row offset
	OpAdd                   // Args[0] + Args[1]
	OpSub                   // Args[0] - Args[1]
	OpMul                   // Args[0] * Args[1]
	OpNeg                   // -Args[0]
	OpInv                   // 1/Args[0], of row-independent values only
	OpCombine               // four base values as one QM31
)

// Node is a vertex of the expression graph.
type Node struct {
	Op   Op
	Args [4]int
	Felt QM31
	Name string
}

// operands returns the indices of the nodes that n reads.
func (n *Node) operands() []int {
	switch n.Op {
	case OpAdd, OpSub, OpMul:
		return n.Args[:2]
	case OpNeg, OpInv:
		return n.Args[:1]
	case OpCombine:
		return n.Args[:4]
	}
	return nil
}

// StepOp is the operation of a transcript Step.
type StepOp uint8

// The transcript steps.
const (
	MixConfig StepOp = iota + 1 // the commitment scheme's configuration
	MixU64                      // U64
	MixU32s                     // Words, one call
	MixFelts                    // Felts, one call
	DrawFelt                    // into Names[0]
	DrawFelts                   // into Names, one call
	Pow                         // check Nonce against Bits, then mix it
	Commit                      // the root of Tree
)

// Step is one channel operation of the statement's prologue.
type Step struct {
	Op    StepOp
	U64   uint64
	Words []uint32
	Felts []FeltRef
	Names []string
	Bits  int
	Nonce uint64
	Tree  int
}

// FeltRef is a symbol, or a value if Name is empty.
type FeltRef struct {
	Name  string
	Value QM31
}

// ScalarCheck is an equation between public values and draws: the node Root of
// Nodes must be zero.
type ScalarCheck struct {
	Nodes []Node
	Root  int
}

// Symbols holds statement values and channel draws by name.
type Symbols map[string]QM31

// Layout derives the commitment layout: the columns of every tree with their
// mask offsets.
func (a *AIR) Layout() *stark.Layout {
	l := &stark.Layout{Kind: a.Kind, Config: a.Config, Trees: make([][]stark.Column, 1+a.traceTrees())}
	used := make(map[string]bool)
	for _, c := range a.Components {
		l.LogDegree = max(l.LogDegree, c.LogDegreeBound)
		for _, id := range c.Preprocessed {
			used[id] = true
		}
		for t, cols := range c.Masks {
			for _, offsets := range cols {
				l.Trees[t+1] = append(l.Trees[t+1], stark.Column{LogSize: c.LogSize, Offsets: offsets})
			}
		}
	}
	for _, p := range a.Preprocessed {
		col := stark.Column{LogSize: p.LogSize}
		if used[p.ID] {
			col.Offsets = []int{0}
		}
		l.Trees[0] = append(l.Trees[0], col)
	}
	return l
}

func (a *AIR) traceTrees() int {
	n := 0
	for _, c := range a.Components {
		n = max(n, len(c.Masks))
	}
	return n
}

// Offsets returns, per component and tree, the position of the component's first
// column in the tree.
func (a *AIR) Offsets() [][]int {
	next := make([]int, 1+a.traceTrees())
	out := make([][]int, len(a.Components))
	for i, c := range a.Components {
		out[i] = slices.Clone(next)
		for t, cols := range c.Masks {
			next[t+1] += len(cols)
		}
	}
	return out
}

// PreprocessedIndex returns the position of a column in tree 0, or -1.
func (a *AIR) PreprocessedIndex(id string) int {
	return slices.IndexFunc(a.Preprocessed, func(p Preprocessed) bool { return p.ID == id })
}

// NumConstraints returns the number of constraints of all components.
func (a *AIR) NumConstraints() int {
	n := 0
	for _, c := range a.Components {
		n += len(c.Constraints)
	}
	return n
}

// Party supplies what a transcript step cannot know.
type Party interface {
	// Commit returns the root of a tree; the prover computes and commits it.
	Commit(tree int, syms Symbols) (stark.Hash, error)
	// Resolve returns a statement value that was not given and not drawn, such
	// as a claimed sum on the prover's side.
	Resolve(name string, syms Symbols) (QM31, error)
}

// Play performs the statement's prologue on the channel and returns all symbols.
func (a *AIR) Play(ch stark.Channel, party Party) (Symbols, error) {
	syms := make(Symbols)
	for name, v := range a.Public {
		syms[name] = v
	}
	for i, s := range a.Transcript {
		if err := a.playStep(ch, party, s, syms); err != nil {
			return nil, fmt.Errorf("transcript step %d: %w", i, err)
		}
	}
	return syms, nil
}

func (a *AIR) playStep(ch stark.Channel, party Party, s Step, syms Symbols) error {
	define := func(name string, v QM31) error {
		if _, ok := syms[name]; ok {
			return fmt.Errorf("air: symbol %q is defined twice", name)
		}
		syms[name] = v
		return nil
	}
	switch s.Op {
	case MixConfig:
		a.Config.MixInto(ch)
	case MixU64:
		ch.MixU64(s.U64)
	case MixU32s:
		ch.MixU32s(s.Words)
	case MixFelts:
		values := make([]QM31, len(s.Felts))
		for i, f := range s.Felts {
			v, ok := syms[f.Name]
			switch {
			case f.Name == "":
				v = f.Value
			case !ok:
				var err error
				if v, err = party.Resolve(f.Name, syms); err != nil {
					return err
				}
				syms[f.Name] = v
			}
			values[i] = v
		}
		ch.MixFelts(values)
	case DrawFelt:
		return define(s.Names[0], ch.DrawFelt())
	case DrawFelts:
		for i, v := range ch.DrawFelts(len(s.Names)) {
			if err := define(s.Names[i], v); err != nil {
				return err
			}
		}
	case Pow:
		if !ch.VerifyPow(s.Bits, s.Nonce) {
			return &stark.InvalidError{Check: stark.CheckPrologue, Detail: fmt.Sprintf("nonce %d lacks %d bits of work", s.Nonce, s.Bits)}
		}
		ch.MixU64(s.Nonce)
	case Commit:
		root, err := party.Commit(s.Tree, syms)
		if err != nil {
			return err
		}
		ch.MixRoot(root)
	default:
		return fmt.Errorf("air: unknown transcript step %d", s.Op)
	}
	return nil
}

// verifierParty takes the roots from a proof.
type verifierParty []stark.Hash

func (v verifierParty) Commit(tree int, _ Symbols) (stark.Hash, error) { return v[tree], nil }

func (v verifierParty) Resolve(name string, _ Symbols) (QM31, error) {
	return QM31{}, fmt.Errorf("air: the statement gives no value for %q", name)
}

// Verify verifies a proof of the statement. A proof that fails a check gives a
// *stark.InvalidError; another error means that the AIR itself is unusable.
func (a *AIR) Verify(p *stark.Proof) (Symbols, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	layout := a.Layout()
	if err := layout.CheckShape(p); err != nil {
		return nil, err
	}
	ch := a.Kind.NewChannel()
	syms, err := a.Play(ch, verifierParty(p.Commitments))
	if err != nil {
		return nil, err
	}
	if err := a.CheckScalars(syms); err != nil {
		return nil, err
	}
	// The graphs are evaluated inside Verify, after the channel reached the
	// out-of-domain point; an error there (division by a draw that is zero) is kept.
	var evalErr error
	err = layout.Verify(ch, p, func(values [][][]QM31, alpha, inv QM31) QM31 {
		v, err := a.atPoint(values, syms, alpha, inv)
		evalErr = err
		return v
	})
	if evalErr != nil {
		return nil, evalErr
	}
	return syms, err
}

// CheckScalars checks the statement's own equations.
func (a *AIR) CheckScalars(syms Symbols) error {
	for i, c := range a.AssertZero {
		v, err := evalNodes(c.Nodes, syms, nil)
		if err != nil {
			return err
		}
		if !v[c.Root].IsZero() {
			return &stark.InvalidError{Check: stark.CheckStatement, Detail: fmt.Sprintf("equation %d of the statement does not hold", i)}
		}
	}
	return nil
}

// CheckAt tells whether the sampled values satisfy the constraints at the
// out-of-domain point.
func (a *AIR) CheckAt(l *stark.Layout, values [][][]QM31, syms Symbols, alpha QM31, oods circle.SecurePoint) (bool, error) {
	var evalErr error
	ok := l.CompositionHolds(values, alpha, oods, func(values [][][]QM31, alpha, inv QM31) QM31 {
		v, err := a.atPoint(values, syms, alpha, inv)
		evalErr = err
		return v
	})
	return ok, evalErr
}

// atPoint combines all constraints at the out-of-domain point by Horner's rule.
func (a *AIR) atPoint(values [][][]QM31, syms Symbols, alpha, inv QM31) (QM31, error) {
	var acc QM31
	starts := a.Offsets()
	for i, c := range a.Components {
		cell := func(n *Node) QM31 {
			if n.Op == OpPre {
				return values[0][a.PreprocessedIndex(n.Name)][0]
			}
			tree, col, offset := n.Args[0], n.Args[1], n.Args[2]
			k := slices.Index(c.Masks[tree-1][col], offset)
			return values[tree][starts[i][tree]+col][k]
		}
		v, err := evalNodes(c.Nodes, syms, cell)
		if err != nil {
			return QM31{}, fmt.Errorf("component %s: %w", c.Name, err)
		}
		for _, root := range c.Constraints {
			acc = acc.Mul(alpha).Add(v[root].Mul(inv))
		}
	}
	return acc, nil
}

// evalNodes evaluates a graph. cell supplies the values of OpPre and OpCell; a
// nil cell allows none.
func evalNodes(nodes []Node, syms Symbols, cell func(*Node) QM31) ([]QM31, error) {
	v := make([]QM31, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		a := n.Args
		switch n.Op {
		case OpConst, OpFelt:
			v[i] = n.Felt
		case OpSym:
			s, ok := syms[n.Name]
			if !ok {
				return nil, fmt.Errorf("air: unknown symbol %q", n.Name)
			}
			v[i] = s
		case OpPre, OpCell:
			if cell == nil {
				return nil, fmt.Errorf("air: a scalar check reads the trace")
			}
			v[i] = cell(n)
		case OpAdd:
			v[i] = v[a[0]].Add(v[a[1]])
		case OpSub:
			v[i] = v[a[0]].Sub(v[a[1]])
		case OpMul:
			v[i] = v[a[0]].Mul(v[a[1]])
		case OpNeg:
			v[i] = v[a[0]].Neg()
		case OpInv:
			if v[a[0]].IsZero() {
				return nil, fmt.Errorf("air: division by zero")
			}
			v[i] = v[a[0]].Inv()
		case OpCombine:
			v[i] = m31.FromPartials(v[a[0]], v[a[1]], v[a[2]], v[a[3]])
		default:
			return nil, fmt.Errorf("air: unknown operation %d", n.Op)
		}
	}
	return v, nil
}

// rowCells returns a cell function for row j of a component. trees holds the
// columns of every tree in row order.
func (a *AIR) rowCells(i, j int, trees [][][]m31.Elem) func(*Node) QM31 {
	c := a.Components[i]
	start := a.Offsets()[i]
	mask := 1<<c.LogSize - 1
	return func(n *Node) QM31 {
		if n.Op == OpPre {
			return m31.FromElem(trees[0][a.PreprocessedIndex(n.Name)][j])
		}
		col := trees[n.Args[0]][start[n.Args[0]]+n.Args[1]]
		return m31.FromElem(col[(j+n.Args[2])&mask])
	}
}

// RowError says which constraint a concrete row breaks.
type RowError struct {
	Component  string
	Row        int
	Constraint int
	Name       string // "" when the constraint is unnamed
	Value      QM31
}

// Error implements error.
func (e *RowError) Error() string {
	name := fmt.Sprintf("constraint %d", e.Constraint)
	if e.Name != "" {
		name += " (" + e.Name + ")"
	}
	return fmt.Sprintf("air: component %s, row %d: %s is %v, not 0", e.Component, e.Row, name, e.Value.Coords())
}

// Assert evaluates every constraint on every row, in row order, and returns a
// *RowError for the first that does not hold. It is slow and meant for tests and
// for finding out what is wrong with a witness.
func (a *AIR) Assert(trees [][][]m31.Elem, syms Symbols) error {
	for i, c := range a.Components {
		for j := range 1 << c.LogSize {
			v, err := evalNodes(c.Nodes, syms, a.rowCells(i, j, trees))
			if err != nil {
				return err
			}
			for k, root := range c.Constraints {
				if v[root].IsZero() {
					continue
				}
				e := &RowError{Component: c.Name, Row: j, Constraint: k, Value: v[root]}
				if k < len(c.Names) {
					e.Name = c.Names[k]
				}
				return e
			}
		}
	}
	return a.CheckScalars(syms)
}

// RowOrder converts columns from storage order to row order.
func RowOrder(cols [][]m31.Elem) [][]m31.Elem {
	out := make([][]m31.Elem, len(cols))
	for i, c := range cols {
		out[i] = make([]m31.Elem, len(c))
		circle.ToRows(out[i], c, circle.Log2(len(c)))
	}
	return out
}

// StorageOrder converts columns from row order to storage order.
func StorageOrder(cols [][]m31.Elem) [][]m31.Elem {
	out := make([][]m31.Elem, len(cols))
	for i, c := range cols {
		out[i] = make([]m31.Elem, len(c))
		circle.ToStorage(out[i], c, circle.Log2(len(c)))
	}
	return out
}
