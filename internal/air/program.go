package air

import (
	"fmt"

	"github.com/bitsage/bitsage/internal/m31"
)

// A Program evaluates chosen nodes of a component on blocks of rows. It works on
// lanes: vectors of base-field elements. The first lanes are the inputs, columns
// at a row offset; the others are scratch. A secure value occupies four lanes,
// which may alias: combining four columns costs nothing. Values that do not
// depend on the row are folded into constants when the program is compiled, equal
// nodes are computed once, and sums of lanes with secure coefficients are one
// instruction, however many terms they have.
type Program struct {
	Inputs []Input
	Lanes  int // inputs and scratch
	Code   []Instr
}

// Input is a column of a tree, counted over the whole tree, at a row offset.
type Input struct{ Tree, Column, Offset int }

// Instr is one vector operation. Lane operations use index 0 of Dst, A and B; the
// secure ones use all four. A lane of A that is -1 stands for zeros.
type Instr struct {
	Op        InstrOp
	Dst, A, B [4]int
	C         int
	K         QM31
	Terms     []Term
	Out       int
}

// Term is a lane times a constant.
type Term struct {
	Lane  int
	Coeff QM31
}

// InstrOp is the operation of an Instr.
type InstrOp uint8

// The operations of programs. No lane of Dst is an operand.
const (
	LaneAdd    InstrOp = iota + 1 // Dst = A + B
	LaneSub                       // Dst = A - B
	LaneNeg                       // Dst = -A
	LaneMul                       // Dst = A * B
	LaneMulAdd                    // Dst = A*B + C
	LaneSubMul                    // Dst = C - A*B
	LaneAddK                      // Dst = A + K, K in the base field
	LaneMulK                      // Dst = A * K, K in the base field
	SecureMul                     // Dst = A * B
	SecureSum                     // Dst = A + K + the sum of Terms
	Emit                          // output Out is A + K + the sum of Terms
)

type valueKind uint8

const (
	constant valueKind = iota
	base
	secure
	sum
)

// value is a node's value at compile time: the constant k; or one lane or four, all
// times the lane factor if that is not none; or a sum, lanes + k + terms, in which
// lanes may be none.
type value struct {
	kind   valueKind
	lanes  [4]int
	factor int
	k      QM31
	terms  []Term
}

// none is the number of no lane.
const none = -1

// basis holds the coordinates' units.
var basis = [4]QM31{m31.One, m31.Q(0, 1, 0, 0), m31.Q(0, 0, 1, 0), m31.Q(0, 0, 0, 1)}

type compiler struct {
	inputs map[Input]int
	prog   *Program
	next   int
	// Outputs wait until many can be combined at once.
	waiting []Instr
	width   int // terms of those
}

// virtual lane numbers of scratch start here until lanes are allocated; inputs
// lie below.
const virtualBase = 1 << 20

// emitWidth is the number of terms that are combined at once. More would save little
// and keep more lanes alive.
const emitWidth = 32

// Compile returns a program for component number i whose outputs are the given
// nodes. They are emitted in groups, in the order of their nodes.
func (a *AIR) Compile(i int, syms Symbols, outputs []int) (*Program, error) {
	c := a.Components[i]
	starts := a.Offsets()[i]
	cc := &compiler{inputs: make(map[Input]int), prog: new(Program), next: virtualBase}
	nodes, first := unique(c.Nodes)
	emit := make(map[int][]int)
	roots := make([]int, len(outputs))
	for k, n := range outputs {
		roots[k] = first[n]
		emit[first[n]] = append(emit[first[n]], k)
	}
	uses := countUses(nodes, roots)
	values := make([]value, len(nodes))
	for j := range nodes {
		if uses[j] == 0 {
			continue
		}
		n := &nodes[j]
		var err error
		switch n.Op {
		case OpPre:
			values[j] = cc.input(Input{0, a.PreprocessedIndex(n.Name), 0})
		case OpCell:
			values[j] = cc.input(Input{n.Args[0], starts[n.Args[0]] + n.Args[1], n.Args[2]})
		default:
			values[j], err = cc.lower(n, values, syms)
		}
		if err != nil {
			return nil, fmt.Errorf("component %s, node %d: %w", c.Name, j, err)
		}
		if uses[j] > 1 {
			values[j] = cc.settle(values[j])
		}
		for _, k := range emit[j] {
			cc.emit(k, values[j])
		}
	}
	cc.flush()
	cc.allocate()
	return cc.prog, nil
}

// unique returns the nodes with operands replaced by the first nodes equal to them,
// and the first equal to each.
func unique(nodes []Node) ([]Node, []int) {
	out, first := make([]Node, len(nodes)), make([]int, len(nodes))
	seen := make(map[Node]int, len(nodes))
	for i, n := range nodes {
		args := n.operands()
		for j, a := range args {
			args[j] = first[a]
		}
		if (n.Op == OpAdd || n.Op == OpMul) && args[0] > args[1] {
			args[0], args[1] = args[1], args[0]
		}
		if _, ok := seen[n]; !ok {
			seen[n] = i
		}
		out[i], first[i] = n, seen[n]
	}
	return out, first
}

// countUses returns how often each node is an operand of a needed one or an output.
func countUses(nodes []Node, roots []int) []int {
	uses := make([]int, len(nodes))
	for _, r := range roots {
		uses[r]++
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if uses[i] > 0 {
			for _, j := range nodes[i].operands() {
				uses[j]++
			}
		}
	}
	return uses
}

func (c *compiler) input(in Input) value {
	lane, ok := c.inputs[in]
	if !ok {
		lane = len(c.prog.Inputs)
		c.inputs[in] = lane
		c.prog.Inputs = append(c.prog.Inputs, in)
	}
	return baseValue(lane)
}

func baseValue(lane int) value {
	return value{kind: base, lanes: [4]int{lane, none, none, none}, factor: none}
}

func secureValue(lanes [4]int) value { return value{kind: secure, lanes: lanes, factor: none} }

func (c *compiler) push(in Instr) { c.prog.Code = append(c.prog.Code, in) }

// emit makes v an output.
func (c *compiler) emit(out int, v value) {
	v = c.multiplied(v)
	if v.kind == constant {
		v.lanes = [4]int{none, none, none, none}
	}
	c.waiting = append(c.waiting, Instr{Op: Emit, A: v.lanes, K: v.k, Terms: v.terms, Out: out})
	c.width += len(v.terms)
	for _, l := range v.lanes {
		if l != none {
			c.width++
		}
	}
	if c.width >= emitWidth {
		c.flush()
	}
}

// flush appends the waiting outputs to the code.
func (c *compiler) flush() {
	c.prog.Code = append(c.prog.Code, c.waiting...)
	c.waiting, c.width = nil, 0
}

// fresh returns a new lane.
func (c *compiler) fresh() int {
	c.next++
	return c.next - 1
}

// lane emits a one-lane operation and returns its result.
func (c *compiler) lane(op InstrOp, a, b int, k m31.Elem) int {
	d := c.fresh()
	c.push(Instr{Op: op, Dst: [4]int{d}, A: [4]int{a}, B: [4]int{b}, K: m31.FromElem(k)})
	return d
}

// fused emits a multiplication with an addition or subtraction.
func (c *compiler) fused(op InstrOp, a, b, addend int) int {
	d := c.fresh()
	c.push(Instr{Op: op, Dst: [4]int{d}, A: [4]int{a}, B: [4]int{b}, C: addend})
	return d
}

func (c *compiler) fresh4() [4]int { return [4]int{c.fresh(), c.fresh(), c.fresh(), c.fresh()} }

// multiplied computes v if it is a product.
func (c *compiler) multiplied(v value) value {
	if v.kind == constant || v.kind == sum || v.factor == none {
		return v
	}
	for i := range v.width() {
		v.lanes[i] = c.lane(LaneMul, v.factor, v.lanes[i], 0)
	}
	v.factor = none
	return v
}

// settle computes v if it is a product or a sum.
func (c *compiler) settle(v value) value {
	if v.kind != sum {
		return c.multiplied(v)
	}
	d := c.fresh4()
	c.push(Instr{Op: SecureSum, Dst: d, A: v.lanes, K: v.k, Terms: v.terms})
	return secureValue(d)
}

func (c *compiler) lower(n *Node, v []value, syms Symbols) (value, error) {
	a, b := v[n.Args[0]], v[n.Args[1]]
	switch n.Op {
	case OpConst, OpFelt:
		return value{k: n.Felt}, nil
	case OpSym:
		s, ok := syms[n.Name]
		if !ok {
			return value{}, fmt.Errorf("air: unknown symbol %q", n.Name)
		}
		return value{k: s}, nil
	case OpInv:
		if a.kind != constant || a.k.IsZero() {
			return value{}, fmt.Errorf("air: division by zero or by a value that depends on the row")
		}
		return value{k: a.k.Inv()}, nil
	case OpAdd:
		return c.add(a, b), nil
	case OpSub:
		return c.sub(a, b), nil
	case OpMul:
		return c.mul(a, b), nil
	case OpNeg:
		return c.neg(a), nil
	case OpCombine:
		return c.combine(v, n.Args)
	}
	return value{}, fmt.Errorf("air: unknown operation %d", n.Op)
}

func (c *compiler) combine(v []value, args [4]int) (value, error) {
	out := secureValue([4]int{})
	consts := 0
	for i, j := range args {
		switch v[j].kind {
		case constant:
			consts++
		case secure, sum:
			return value{}, fmt.Errorf("air: a combination of secure values")
		default:
			out.lanes[i] = c.multiplied(v[j]).lanes[0]
		}
	}
	switch consts {
	case 0:
		return out, nil
	case 4:
		return value{k: m31.FromPartials(v[args[0]].k, v[args[1]].k, v[args[2]].k, v[args[3]].k)}, nil
	}
	return value{}, fmt.Errorf("air: a combination of constants and cells")
}

func (c *compiler) add(a, b value) value {
	if a.kind > b.kind {
		a, b = b, a // the simpler operand first
	}
	switch {
	case b.kind == constant:
		return value{k: a.k.Add(b.k)}
	case a.kind == constant:
		return c.addConst(b, a.k)
	case b.kind == sum:
		if a.kind == sum {
			b.k = b.k.Add(a.k)
			b.terms = append(b.terms[:len(b.terms):len(b.terms)], a.terms...)
		}
		b.lanes = c.addLanes(b, a)
		return b
	case a.factor != none && b.factor == none:
		a, b = b, a // the product last
	}
	a = c.multiplied(a)
	return value{kind: max(a.kind, b.kind), lanes: c.addLanes(a, b), factor: none}
}

// addLanes returns the sums of the lanes of a and b. Only b may be a product.
func (c *compiler) addLanes(a, b value) [4]int {
	for i, l := range b.lanes {
		switch {
		case l == none:
		case b.kind != sum && b.factor != none && a.lanes[i] == none:
			a.lanes[i] = c.lane(LaneMul, b.factor, l, 0)
		case b.kind != sum && b.factor != none:
			a.lanes[i] = c.fused(LaneMulAdd, b.factor, l, a.lanes[i])
		case a.lanes[i] == none:
			a.lanes[i] = l
		default:
			a.lanes[i] = c.lane(LaneAdd, a.lanes[i], l, 0)
		}
	}
	return a.lanes
}

// subLanes returns the differences of the lanes of a and b.
func (c *compiler) subLanes(a, b value) [4]int {
	for i, l := range b.lanes {
		switch {
		case l == none:
		case b.kind != sum && b.factor != none && a.lanes[i] != none:
			a.lanes[i] = c.fused(LaneSubMul, b.factor, l, a.lanes[i])
			continue
		case b.kind != sum && b.factor != none:
			l = c.lane(LaneMul, b.factor, l, 0)
			fallthrough
		case a.lanes[i] == none:
			a.lanes[i] = c.lane(LaneNeg, l, 0, 0)
		default:
			a.lanes[i] = c.lane(LaneSub, a.lanes[i], l, 0)
		}
	}
	return a.lanes
}

// addConst returns v + k for a v that is not constant.
func (c *compiler) addConst(v value, k QM31) value {
	if v.kind == sum {
		v.k = v.k.Add(k)
		return v
	}
	v = c.multiplied(v)
	if v.kind == base && !k.IsBase() {
		return value{kind: sum, lanes: v.lanes, k: k}
	}
	for i, e := range k.Coords() {
		if e != 0 {
			v.lanes[i] = c.lane(LaneAddK, v.lanes[i], 0, e)
		}
	}
	return v
}

func (c *compiler) sub(a, b value) value {
	switch {
	case b.kind == constant:
		return c.add(a, value{k: b.k.Neg()})
	case a.kind == constant:
		return c.add(a, c.neg(b))
	}
	a = c.multiplied(a)
	out := value{kind: max(a.kind, b.kind), lanes: c.subLanes(a, b), factor: none}
	if out.kind == sum {
		out.k = a.k.Sub(b.k)
		out.terms = append(scaled(a.terms, m31.One), scaled(b.terms, m31.One.Neg())...)
	}
	return out
}

// scaled returns the terms times k.
func scaled(terms []Term, k QM31) []Term {
	out := make([]Term, len(terms))
	for i, t := range terms {
		out[i] = Term{t.Lane, t.Coeff.Mul(k)}
	}
	return out
}

func (c *compiler) neg(a value) value {
	if a.kind == constant {
		return value{k: a.k.Neg()}
	}
	a = c.multiplied(a)
	for i, l := range a.lanes {
		if l != none {
			a.lanes[i] = c.lane(LaneNeg, l, 0, 0)
		}
	}
	a.k, a.terms = a.k.Neg(), scaled(a.terms, m31.One.Neg())
	return a
}

func (v value) width() int {
	if v.kind == secure {
		return 4
	}
	return 1
}

func (c *compiler) mul(a, b value) value {
	if a.kind > b.kind {
		a, b = b, a
	}
	switch {
	case b.kind == constant:
		return value{k: a.k.Mul(b.k)}
	case a.kind == constant:
		return c.mulConst(b, a.k)
	}
	a, b = c.settle(a), c.settle(b)
	if a.kind == base {
		b.factor = a.lanes[0]
		return b
	}
	d := c.fresh4()
	c.push(Instr{Op: SecureMul, Dst: d, A: a.lanes, B: b.lanes})
	return secureValue(d)
}

func (c *compiler) mulConst(v value, k QM31) value {
	switch {
	case k.IsZero():
		return value{}
	case k == m31.One:
		return v
	}
	v = c.multiplied(v)
	if k.IsBase() {
		for i, l := range v.lanes {
			if l != none {
				v.lanes[i] = c.lane(LaneMulK, l, 0, k.A.A)
			}
		}
		v.k, v.terms = v.k.Mul(k), scaled(v.terms, k)
		return v
	}
	out := value{kind: sum, lanes: [4]int{none, none, none, none}, k: v.k.Mul(k), terms: scaled(v.terms, k)}
	for i, l := range v.lanes {
		if l != none {
			out.terms = append(out.terms, Term{l, k.Mul(basis[i])})
		}
	}
	return out
}

// Operands returns the lanes that in reads.
func (in *Instr) Operands() []int {
	var out []int
	for _, l := range in.reads() {
		if *l != none {
			out = append(out, *l)
		}
	}
	return out
}

// reads returns pointers to the lanes that in reads.
func (in *Instr) reads() []*int {
	switch in.Op {
	case LaneAdd, LaneSub, LaneMul:
		return []*int{&in.A[0], &in.B[0]}
	case LaneMulAdd, LaneSubMul:
		return []*int{&in.A[0], &in.B[0], &in.C}
	case LaneNeg, LaneAddK, LaneMulK:
		return []*int{&in.A[0]}
	case SecureMul:
		return []*int{&in.A[0], &in.A[1], &in.A[2], &in.A[3], &in.B[0], &in.B[1], &in.B[2], &in.B[3]}
	case SecureSum, Emit:
		out := []*int{&in.A[0], &in.A[1], &in.A[2], &in.A[3]}
		for i := range in.Terms {
			out = append(out, &in.Terms[i].Lane)
		}
		return out
	}
	return nil
}

// writes returns pointers to the lanes that in writes.
func (in *Instr) writes() []*int {
	switch in.Op {
	case Emit:
		return nil
	case SecureMul, SecureSum:
		return []*int{&in.Dst[0], &in.Dst[1], &in.Dst[2], &in.Dst[3]}
	}
	return []*int{&in.Dst[0]}
}

// allocate maps virtual scratch lanes to as few physical lanes as their live
// ranges allow, by a linear scan. The result of an instruction never shares a
// lane with its operands.
func (c *compiler) allocate() {
	last := make(map[int]int)
	for i := range c.prog.Code {
		for _, l := range c.prog.Code[i].reads() {
			last[*l] = i
		}
	}
	var free []int
	where := make(map[int]int)
	c.prog.Lanes = len(c.prog.Inputs)
	for i := range c.prog.Code {
		in := &c.prog.Code[i]
		var dead []int
		for _, l := range in.writes() {
			if n := len(free); n > 0 {
				where[*l], free = free[n-1], free[:n-1]
			} else {
				where[*l] = c.prog.Lanes
				c.prog.Lanes++
			}
			v := *l
			*l = where[v]
			if _, used := last[v]; !used {
				dead = append(dead, v)
			}
		}
		for _, l := range in.reads() {
			v := *l
			if v < virtualBase {
				continue
			}
			*l = where[v]
			if last[v] == i {
				dead = append(dead, v)
			}
		}
		for _, v := range dead {
			if w, ok := where[v]; ok {
				free = append(free, w)
				delete(where, v)
			}
		}
	}
}
