package air

import (
	"fmt"

	"github.com/bitsage/bitsage/internal/m31"
)

// A Program evaluates chosen nodes of a component on blocks of rows. It works on
// lanes: vectors of base-field elements. The first lanes are the inputs, columns
// at a row offset; the others are scratch. A secure value occupies four lanes,
// which may alias: combining four columns costs nothing. Values that do not
// depend on the row are folded into constants when the program is compiled.
type Program struct {
	Inputs []Input
	Lanes  int // inputs and scratch
	Code   []Instr
}

// Input is a column of a tree, counted over the whole tree, at a row offset.
type Input struct{ Tree, Column, Offset int }

// Instr is one vector operation. Lane operations use index 0 of Dst, A and B;
// the secure products use all four.
type Instr struct {
	Op        InstrOp
	Dst, A, B [4]int
	K         QM31
	Out       int
}

// InstrOp is the operation of an Instr.
type InstrOp uint8

// The operations of programs.
const (
	LaneAdd    InstrOp = iota + 1 // Dst = A + B
	LaneSub                       // Dst = A - B
	LaneNeg                       // Dst = -A
	LaneMul                       // Dst = A * B
	LaneAddK                      // Dst = A + K, K in the base field
	LaneMulK                      // Dst = A * K, K in the base field
	LaneSet                       // Dst = K, K in the base field
	SecureMul                     // Dst = A * B
	SecureMulK                    // Dst = A * K
	EmitBase                      // output Out is the base value A
	EmitSecure                    // output Out is the secure value A
	EmitConst                     // output Out is K on every row
)

type valueKind uint8

const (
	constant valueKind = iota
	base
	secure
)

// value is a node's value at compile time.
type value struct {
	kind  valueKind
	lanes [4]int
	k     QM31
}

type compiler struct {
	inputs map[Input]int
	prog   *Program
	next   int
}

// virtual lane numbers of scratch start here until lanes are allocated; inputs
// lie below.
const virtualBase = 1 << 20

// Compile returns a program for component number i whose outputs are the given
// nodes, in this order.
func (a *AIR) Compile(i int, syms Symbols, outputs []int) (*Program, error) {
	c := a.Components[i]
	starts := a.Offsets()[i]
	cc := &compiler{inputs: make(map[Input]int), prog: new(Program), next: virtualBase}
	needed := reachable(c.Nodes, outputs)
	emit := make(map[int][]int)
	for k, n := range outputs {
		emit[n] = append(emit[n], k)
	}
	values := make([]value, len(c.Nodes))
	for j := range c.Nodes {
		if !needed[j] {
			continue
		}
		n := &c.Nodes[j]
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
		for _, k := range emit[j] {
			cc.emit(k, values[j])
		}
	}
	cc.allocate()
	return cc.prog, nil
}

func reachable(nodes []Node, roots []int) []bool {
	needed := make([]bool, len(nodes))
	for _, r := range roots {
		needed[r] = true
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if needed[i] {
			for _, j := range nodes[i].operands() {
				needed[j] = true
			}
		}
	}
	return needed
}

func (c *compiler) input(in Input) value {
	lane, ok := c.inputs[in]
	if !ok {
		lane = len(c.prog.Inputs)
		c.inputs[in] = lane
		c.prog.Inputs = append(c.prog.Inputs, in)
	}
	return value{kind: base, lanes: [4]int{lane}}
}

func (c *compiler) emit(out int, v value) {
	op := [...]InstrOp{constant: EmitConst, base: EmitBase, secure: EmitSecure}[v.kind]
	c.prog.Code = append(c.prog.Code, Instr{Op: op, A: v.lanes, K: v.k, Out: out})
}

// lane emits a one-lane operation and returns its result.
func (c *compiler) lane(op InstrOp, a, b int, k m31.Elem) int {
	d := c.next
	c.next++
	c.prog.Code = append(c.prog.Code, Instr{Op: op, Dst: [4]int{d}, A: [4]int{a}, B: [4]int{b}, K: m31.FromElem(k)})
	return d
}

func (c *compiler) secureOp(op InstrOp, a, b [4]int, k QM31) value {
	var d [4]int
	for i := range d {
		d[i] = c.next
		c.next++
	}
	c.prog.Code = append(c.prog.Code, Instr{Op: op, Dst: d, A: a, B: b, K: k})
	return value{kind: secure, lanes: d}
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
	out := value{kind: secure}
	consts := 0
	for i, j := range args {
		switch v[j].kind {
		case constant:
			consts++
		case secure:
			return value{}, fmt.Errorf("air: a combination of secure values")
		}
		out.lanes[i] = v[j].lanes[0]
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
	case b.kind == base:
		return value{kind: base, lanes: [4]int{c.lane(LaneAdd, a.lanes[0], b.lanes[0], 0)}}
	}
	b.lanes[0] = c.lane(LaneAdd, a.lanes[0], b.lanes[0], 0)
	for i := 1; a.kind == secure && i < 4; i++ {
		b.lanes[i] = c.lane(LaneAdd, a.lanes[i], b.lanes[i], 0)
	}
	return b
}

// addConst returns v + k for a v that is not constant.
func (c *compiler) addConst(v value, k QM31) value {
	if v.kind == base && !k.IsBase() {
		for i, e := range k.Coords() {
			if i > 0 {
				v.lanes[i] = c.lane(LaneSet, 0, 0, e)
			}
		}
		v.kind = secure
		k = m31.FromElem(k.A.A)
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
	case a.kind == base && b.kind == secure:
		out := c.neg(value{kind: secure, lanes: b.lanes})
		out.lanes[0] = c.lane(LaneSub, a.lanes[0], b.lanes[0], 0)
		return out
	}
	a.lanes[0] = c.lane(LaneSub, a.lanes[0], b.lanes[0], 0)
	for i := 1; b.kind == secure && i < 4; i++ {
		a.lanes[i] = c.lane(LaneSub, a.lanes[i], b.lanes[i], 0)
	}
	return a
}

func (c *compiler) neg(a value) value {
	if a.kind == constant {
		return value{k: a.k.Neg()}
	}
	for i := range a.width() {
		a.lanes[i] = c.lane(LaneNeg, a.lanes[i], 0, 0)
	}
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
	case b.kind == base:
		return value{kind: base, lanes: [4]int{c.lane(LaneMul, a.lanes[0], b.lanes[0], 0)}}
	case a.kind == base:
		for i := range b.lanes {
			b.lanes[i] = c.lane(LaneMul, a.lanes[0], b.lanes[i], 0)
		}
		return b
	}
	return c.secureOp(SecureMul, a.lanes, b.lanes, QM31{})
}

func (c *compiler) mulConst(v value, k QM31) value {
	switch {
	case k.IsZero():
		return value{}
	case k == m31.One:
		return v
	case v.kind == base && k.IsBase():
		v.lanes[0] = c.lane(LaneMulK, v.lanes[0], 0, k.A.A)
		return v
	case v.kind == base:
		x := v.lanes[0]
		for i, e := range k.Coords() {
			v.lanes[i] = c.lane(LaneMulK, x, 0, e)
		}
		v.kind = secure
		return v
	case k.IsBase():
		for i := range v.lanes {
			v.lanes[i] = c.lane(LaneMulK, v.lanes[i], 0, k.A.A)
		}
		return v
	}
	return c.secureOp(SecureMulK, v.lanes, [4]int{}, k)
}

// reads returns pointers to the lanes that in reads.
func (in *Instr) reads() []*int {
	switch in.Op {
	case LaneAdd, LaneSub, LaneMul:
		return []*int{&in.A[0], &in.B[0]}
	case LaneNeg, LaneAddK, LaneMulK, EmitBase:
		return []*int{&in.A[0]}
	case SecureMulK, EmitSecure:
		return []*int{&in.A[0], &in.A[1], &in.A[2], &in.A[3]}
	case SecureMul:
		return []*int{&in.A[0], &in.A[1], &in.A[2], &in.A[3], &in.B[0], &in.B[1], &in.B[2], &in.B[3]}
	}
	return nil
}

// writes returns pointers to the lanes that in writes.
func (in *Instr) writes() []*int {
	switch in.Op {
	case EmitBase, EmitSecure, EmitConst:
		return nil
	case SecureMul, SecureMulK:
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
	c.prog.Lanes = max(1, len(c.prog.Inputs)) // instructions without operands name lane 0
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
