package air

import (
	"fmt"

	"github.com/bitsage/bitsage/internal/m31"
)

// Builder records a component. Equal expressions share a node.
type Builder struct {
	c       Component
	memo    map[Node]int
	entries []Entry
	closed  int // number of entries when the LogUp was finished
}

// NewComponent starts a component of 2^logSize rows.
func NewComponent(name string, logSize int) *Builder {
	return &Builder{
		c:    Component{Name: name, LogSize: logSize, LogDegreeBound: logSize + 1},
		memo: make(map[Node]int),
	}
}

// Expr is a value of the component being built. Expressions of different
// builders must not be mixed.
type Expr struct {
	b *Builder
	i int
}

func (b *Builder) push(n Node) Expr {
	i, ok := b.memo[n]
	if !ok {
		i = len(b.c.Nodes)
		b.c.Nodes = append(b.c.Nodes, n)
		b.memo[n] = i
	}
	return Expr{b, i}
}

// Const returns a base-field constant.
func (b *Builder) Const(v m31.Elem) Expr {
	return b.push(Node{Op: OpConst, Felt: m31.FromElem(v)})
}

// Felt returns a secure-field constant.
func (b *Builder) Felt(v QM31) Expr { return b.push(Node{Op: OpFelt, Felt: v}) }

// Sym returns a public value or a channel draw.
func (b *Builder) Sym(name string) Expr { return b.push(Node{Op: OpSym, Name: name}) }

// Pre returns this row's value of a preprocessed column.
func (b *Builder) Pre(id string) Expr {
	known := false
	for _, p := range b.c.Preprocessed {
		known = known || p == id
	}
	if !known {
		b.c.Preprocessed = append(b.c.Preprocessed, id)
	}
	return b.push(Node{Op: OpPre, Name: id})
}

// Column adds a column to a tree (1 or higher), opened at the given row offsets,
// and returns its value at each of them. No offsets mean the current row.
func (b *Builder) Column(tree int, offsets ...int) []Expr {
	if len(offsets) == 0 {
		offsets = []int{0}
	}
	for len(b.c.Masks) < tree {
		b.c.Masks = append(b.c.Masks, [][]int{})
	}
	col := len(b.c.Masks[tree-1])
	b.c.Masks[tree-1] = append(b.c.Masks[tree-1], offsets)
	out := make([]Expr, len(offsets))
	for i, o := range offsets {
		out[i] = b.push(Node{Op: OpCell, Args: [4]int{tree, col, o}})
	}
	return out
}

// Secure adds four columns that together hold a secure-field value.
func (b *Builder) Secure(tree int, offsets ...int) []Expr {
	var coords [4][]Expr
	for i := range coords {
		coords[i] = b.Column(tree, offsets...)
	}
	out := make([]Expr, len(coords[0]))
	for k := range out {
		var n Node
		n.Op = OpCombine
		for i := range coords {
			n.Args[i] = coords[i][k].i
		}
		out[k] = b.push(n)
	}
	return out
}

func (x Expr) binary(op Op, y Expr) Expr { return x.b.push(Node{Op: op, Args: [4]int{x.i, y.i}}) }

// Add returns x + y.
func (x Expr) Add(y Expr) Expr { return x.binary(OpAdd, y) }

// Sub returns x - y.
func (x Expr) Sub(y Expr) Expr { return x.binary(OpSub, y) }

// Mul returns x * y.
func (x Expr) Mul(y Expr) Expr { return x.binary(OpMul, y) }

// Neg returns -x.
func (x Expr) Neg() Expr { return x.b.push(Node{Op: OpNeg, Args: [4]int{x.i}}) }

// Inv returns 1/x for a value that does not depend on the row.
func (x Expr) Inv() Expr { return x.b.push(Node{Op: OpInv, Args: [4]int{x.i}}) }

// Pow returns x^n for a value that does not depend on the row; a negative n
// inverts first.
func (x Expr) Pow(n int64) Expr {
	if n < 0 {
		return x.Inv().Pow(-n)
	}
	r := x.b.Const(1)
	one := true
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			if one {
				r, one = x, false
			} else {
				r = r.Mul(x)
			}
		}
		if n > 1 {
			x = x.Mul(x)
		}
	}
	return r
}

// Constrain requires x to be zero on every row.
func (b *Builder) Constrain(name string, x Expr) {
	b.c.Constraints = append(b.c.Constraints, x.i)
	b.c.Names = append(b.c.Names, name)
}

// Build returns the component.
func (b *Builder) Build() (*Component, error) {
	if len(b.entries) != b.closed {
		return nil, fmt.Errorf("air: component %q uses relations after or without FinishLogUp", b.c.Name)
	}
	c := b.c
	return &c, nil
}
