package air

import (
	"fmt"
	"slices"
)

// Limits of an AIR, which bound what a loader allocates.
const (
	maxComponents = 64
	maxColumns    = 4096
	maxNodes      = 1 << 19
	maxOffsets    = 8
	maxDegree     = 3 // what LogDegreeBound = LogSize+1 leaves room for
)

// Validate reports whether the AIR is well formed and provable by stwo 2.3.0.
func (a *AIR) Validate() error {
	if len(a.Components) == 0 || len(a.Components) > maxComponents {
		return fmt.Errorf("air: %d components, want 1 to %d", len(a.Components), maxComponents)
	}
	if len(a.Preprocessed) > maxColumns {
		return fmt.Errorf("air: %d preprocessed columns, want at most %d", len(a.Preprocessed), maxColumns)
	}
	sizes := make(map[string]int)
	for _, p := range a.Preprocessed {
		if _, ok := sizes[p.ID]; ok {
			return fmt.Errorf("air: preprocessed column %q is declared twice", p.ID)
		}
		sizes[p.ID] = p.LogSize
	}
	for _, c := range a.Components {
		if err := c.validate(sizes); err != nil {
			return fmt.Errorf("air: component %q: %w", c.Name, err)
		}
	}
	for i, s := range a.AssertZero {
		if err := checkGraph(s.Nodes, []int{s.Root}); err != nil {
			return fmt.Errorf("air: scalar check %d: %w", i, err)
		}
	}
	if err := a.checkTranscript(); err != nil {
		return err
	}
	return a.Layout().Validate()
}

func (c *Component) validate(preprocessed map[string]int) error {
	if c.LogSize < 1 || c.LogSize > 26 {
		return fmt.Errorf("log size %d is out of range", c.LogSize)
	}
	if c.LogDegreeBound != c.LogSize+1 {
		return fmt.Errorf("max_constraint_log_degree_bound is %d: stwo 2.3.0 proves only log_size+1 = %d", c.LogDegreeBound, c.LogSize+1)
	}
	for _, id := range c.Preprocessed {
		size, ok := preprocessed[id]
		if !ok {
			return fmt.Errorf("unknown preprocessed column %q", id)
		}
		if size != c.LogSize {
			return fmt.Errorf("preprocessed column %q has log size %d, the component %d", id, size, c.LogSize)
		}
	}
	if len(c.Masks) > 3 {
		return fmt.Errorf("%d trees after the preprocessed one, want at most 3", len(c.Masks))
	}
	for t, cols := range c.Masks {
		if len(cols) > maxColumns {
			return fmt.Errorf("tree %d: %d columns, want at most %d", t+1, len(cols), maxColumns)
		}
		for i, offsets := range cols {
			if err := checkOffsets(offsets, c.LogSize); err != nil {
				return fmt.Errorf("tree %d column %d: %w", t+1, i, err)
			}
		}
	}
	if len(c.Constraints) == 0 {
		return fmt.Errorf("no constraints")
	}
	if err := checkGraph(c.Nodes, c.Constraints); err != nil {
		return err
	}
	return c.checkCells()
}

func checkOffsets(offsets []int, logSize int) error {
	if len(offsets) > maxOffsets {
		return fmt.Errorf("%d row offsets, want at most %d", len(offsets), maxOffsets)
	}
	for i, o := range offsets {
		if n := 1 << logSize; o <= -n || o >= n {
			return fmt.Errorf("row offset %d does not fit %d rows", o, n)
		}
		if slices.Contains(offsets[:i], o) {
			return fmt.Errorf("row offset %d occurs twice", o)
		}
	}
	return nil
}

// checkGraph checks that operands come before their uses and that roots exist.
func checkGraph(nodes []Node, roots []int) error {
	if len(nodes) > maxNodes {
		return fmt.Errorf("%d nodes, want at most %d", len(nodes), maxNodes)
	}
	for i := range nodes {
		n := &nodes[i]
		if n.Op < OpConst || n.Op > OpCombine {
			return fmt.Errorf("node %d: unknown operation %d", i, n.Op)
		}
		for _, j := range n.operands() {
			if j < 0 || j >= i {
				return fmt.Errorf("node %d refers to node %d", i, j)
			}
		}
	}
	for _, r := range roots {
		if r < 0 || r >= len(nodes) {
			return fmt.Errorf("there is no node %d", r)
		}
	}
	return nil
}

// checkCells checks that every cell has a mask, that inverses and combinations
// are of the right kind, and that constraints fit the degree bound.
func (c *Component) checkCells() error {
	for i := range c.Nodes {
		n := &c.Nodes[i]
		switch n.Op {
		case OpPre:
			if !slices.Contains(c.Preprocessed, n.Name) {
				return fmt.Errorf("node %d reads the undeclared column %q", i, n.Name)
			}
		case OpCell:
			t, col, offset := n.Args[0], n.Args[1], n.Args[2]
			if t < 1 || t > len(c.Masks) || col < 0 || col >= len(c.Masks[t-1]) || !slices.Contains(c.Masks[t-1][col], offset) {
				return fmt.Errorf("node %d reads tree %d column %d at offset %d, which has no mask", i, t, col, offset)
			}
		}
	}
	kinds, err := classify(c.Nodes)
	if err != nil {
		return err
	}
	for k, root := range c.Constraints {
		if d := kinds[root].degree; d > maxDegree {
			return fmt.Errorf("constraint %d has degree %d, want at most %d", k, d, maxDegree)
		}
	}
	return nil
}

// nodeKind is what can be said of a node without values.
type nodeKind struct {
	degree int  // 0: independent of the row
	secure bool // may lie outside the base field
}

func classify(nodes []Node) ([]nodeKind, error) {
	kinds := make([]nodeKind, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		var k nodeKind
		for _, j := range n.operands() {
			k.secure = k.secure || kinds[j].secure
			if n.Op == OpMul {
				k.degree = min(k.degree+kinds[j].degree, 1<<20) // repeated squaring must not overflow
			} else {
				k.degree = max(k.degree, kinds[j].degree)
			}
		}
		switch n.Op {
		case OpPre, OpCell:
			k.degree = 1
		case OpFelt:
			k.secure = !n.Felt.IsBase()
		case OpSym:
			k.secure = true
		case OpInv:
			if k.degree > 0 {
				return nil, fmt.Errorf("node %d inverts a value that depends on the row", i)
			}
		case OpCombine:
			for _, j := range n.operands() {
				if k.degree > 0 && (kinds[j].degree == 0 || kinds[j].secure) {
					return nil, fmt.Errorf("node %d combines values that are not all base-field cells", i)
				}
			}
			k.secure = true
		}
		kinds[i] = k
	}
	return kinds, nil
}

// checkTranscript checks that every tree is committed once and in order.
func (a *AIR) checkTranscript() error {
	tree := 0
	for i, s := range a.Transcript {
		switch s.Op {
		case Commit:
			if s.Tree != tree {
				return fmt.Errorf("air: transcript step %d commits tree %d, want %d", i, s.Tree, tree)
			}
			tree++
		case DrawFelt, DrawFelts:
			if len(s.Names) == 0 || len(s.Names) > 64 {
				return fmt.Errorf("air: transcript step %d draws %d values", i, len(s.Names))
			}
		case Pow:
			if s.Bits < 0 || s.Bits > 60 {
				return fmt.Errorf("air: transcript step %d asks for %d bits of work", i, s.Bits)
			}
		}
	}
	if want := 1 + a.traceTrees(); tree != want {
		return fmt.Errorf("air: the transcript commits %d trees, want %d", tree, want)
	}
	return nil
}

// Info summarises the size of a component.
type Info struct {
	Name        string
	LogSize     int
	Columns     []int // per tree, tree 0 first
	Constraints int
	MaxDegree   int
	MaskPoints  int
	Nodes       int
	Cells       int64 // committed field elements before the blowup
}

// Info returns the size of every component. The AIR must be valid.
func (a *AIR) Info() []Info {
	out := make([]Info, len(a.Components))
	for i, c := range a.Components {
		info := Info{Name: c.Name, LogSize: c.LogSize, Constraints: len(c.Constraints), Nodes: len(c.Nodes)}
		info.Columns = append(info.Columns, len(c.Preprocessed))
		info.MaskPoints = len(c.Preprocessed)
		for _, cols := range c.Masks {
			info.Columns = append(info.Columns, len(cols))
			for _, offsets := range cols {
				info.MaskPoints += len(offsets)
			}
		}
		for _, n := range info.Columns {
			info.Cells += int64(n) << c.LogSize
		}
		kinds, err := classify(c.Nodes)
		if err == nil {
			for _, root := range c.Constraints {
				info.MaxDegree = max(info.MaxDegree, kinds[root].degree)
			}
		}
		out[i] = info
	}
	return out
}
