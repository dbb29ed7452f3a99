package cpu

import (
	"context"
	"math/bits"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// programRows is the number of rows on which an instruction of a program works at a
// time: enough to make little of its cost beyond the kernels, and so few that the
// live lanes fit the caches. It is a power of two.
const programRows = 1024

// block runs a program on consecutive storage slots. It is not safe for
// concurrent use.
type block struct {
	prog    *air.Program
	columns [][]m31.Elem
	log     int          // of the columns' domain
	stretch int          // log2 of domain size over trace size
	first   int          // slot of the columns of inputs at offset 0, which may be a part
	scratch [][]m31.Elem // a lane each; inputs at offset 0 need none
	lanes   []m31.Vec    // of the rows at hand
	at      int          // the first of them
	terms   []m31.Vec
	ahead   []m31.Vec
	coeffs  []m31.QM31
	emit    func(i int) // the output at a place in the code
}

func newBlock(prog *air.Program, columns [][]m31.Elem, log, stretch, rows int) *block {
	b := &block{prog: prog, columns: columns, log: log, stretch: stretch,
		scratch: make([][]m31.Elem, prog.Lanes), lanes: make([]m31.Vec, prog.Lanes)}
	for i := range b.scratch {
		if i >= len(prog.Inputs) || prog.Inputs[i].Offset != 0 {
			b.scratch[i] = make([]m31.Elem, rows)
		}
	}
	return b
}

// run evaluates the program on the slots lo to hi after the first: all of the domain,
// or a part whose length is a power of two that divides lo.
func (b *block) run(lo, hi int) {
	b.at = lo
	for i, s := range b.scratch {
		if s == nil {
			b.lanes[i] = b.columns[i][lo:hi]
			continue
		}
		b.lanes[i] = s[:hi-lo]
		if i < len(b.prog.Inputs) {
			b.gather(b.lanes[i], b.columns[i], b.first+lo, b.prog.Inputs[i].Offset<<b.stretch)
		}
	}
	for i := range b.prog.Code {
		if in := &b.prog.Code[i]; in.Op == air.Emit {
			b.emit(i)
		} else {
			b.step(in)
		}
	}
}

// gather reads the slots from lo on of a column moved by some rows of its domain.
func (b *block) gather(dst, col []m31.Elem, lo, rows int) {
	// Row 2i lies in slot 2*reverse(i), and row -1-2i in the slot after that. The slots
	// of a block thus differ in the high bits of i, which an even number of rows leaves
	// alone but for a carry. The slots of even number come from one block, the others,
	// which go the other way, from another one.
	low := b.log - bits.TrailingZeros(uint(len(dst)))
	from := func(steps int) (int, bool) {
		i := circle.Reverse(lo/len(dst), low) + steps
		return circle.Reverse(i&(1<<low-1), low) * len(dst), i>>low == 0
	}
	even, ok := from(rows / 2)
	odd, okToo := from(-rows / 2)
	if ok && okToo && rows%2 == 0 {
		m31.Alternate(dst, col[even:], col[odd:])
		return
	}
	mask := 1<<b.log - 1
	for i := range dst {
		row := circle.StorageToRow(lo+i, b.log) + rows
		dst[i] = col[circle.RowToStorage(row&mask, b.log)]
	}
}

// secure returns four lanes.
func (b *block) secure(l [4]int) m31.SecureVec {
	return m31.SecureVec{b.lanes[l[0]], b.lanes[l[1]], b.lanes[l[2]], b.lanes[l[3]]}
}

func (b *block) step(in *air.Instr) {
	k := in.K.A.A
	d, x := b.lanes[in.Dst[0]], b.lanes[max(0, in.A[0])]
	switch in.Op {
	case air.LaneAdd:
		m31.Add(d, x, b.lanes[in.B[0]])
	case air.LaneSub:
		m31.Sub(d, x, b.lanes[in.B[0]])
	case air.LaneMul:
		m31.Mul(d, x, b.lanes[in.B[0]])
	case air.LaneMulAdd:
		m31.MulAdd(d, x, b.lanes[in.B[0]], b.lanes[in.C])
	case air.LaneSubMul:
		m31.SubMul(d, x, b.lanes[in.B[0]], b.lanes[in.C])
	case air.LaneNeg:
		m31.Neg(d, x)
	case air.LaneAddK:
		m31.AddConst(d, x, k)
	case air.LaneMulK:
		m31.MulConst(d, x, k)
	case air.SecureMul:
		b.secure(in.Dst).Mul(b.secure(in.A), b.secure(in.B))
	case air.SecureSum:
		b.sum(b.secure(in.Dst), in)
	}
}

// sum writes the value of a sum or of an output to dst.
func (b *block) sum(dst m31.SecureVec, in *air.Instr) {
	for i, k := range in.K.Coords() {
		switch l := in.A[i]; {
		case l < 0:
			m31.Fill(dst[i], k)
		case k == 0:
			copy(dst[i], b.lanes[l])
		default:
			m31.AddConst(dst[i], b.lanes[l], k)
		}
	}
	b.terms, b.coeffs = b.terms[:0], b.coeffs[:0]
	for _, t := range in.Terms {
		b.terms, b.coeffs = append(b.terms, b.lanes[t.Lane]), append(b.coeffs, t.Coeff)
	}
	dst.AddProducts(b.terms, b.coeffs)
}

// Constraints implements backend.Backend.
func (Backend) Constraints(ctx context.Context, c *backend.Constraints) error {
	log := c.LogSize + 1
	first, end := c.Part.Slots(log)
	n := end - first
	rows := min(programRows, 1<<c.LogSize, n)
	// The vanishing polynomial takes one value per half of the domain, and a block lies
	// in one half.
	var halves [2]*combination
	for h, inv := range vanishingInverses(c.LogSize) {
		halves[h] = newCombination(c.Program, c.Coeffs, inv)
	}
	scratch := func() *block {
		b := newBlock(c.Program, c.Columns, log, 1, rows)
		b.first = first
		return b
	}
	return parallel.With(ctx, n, rows*8, scratch, func(b *block, lo, hi int) {
		half := halves[(first+lo)>>(log-1)]
		b.emit = func(i int) { half.add(b, c.Acc, i) }
		for at := lo; at < hi; at += rows {
			half = halves[(first+at)>>(log-1)]
			b.run(at, at+rows)
			acc := c.Acc.Slice(at, at+rows)
			for i, k := range half.k.Coords() {
				if k != 0 {
					m31.AddConst(acc[i], acc[i], k)
				}
			}
		}
	})
}

// combination is the sum of a program's outputs times coefficients, as sums of lanes
// times constants. Those of outputs that follow each other in the code stand at the
// last one's place.
type combination struct {
	lanes  [][]int
	coeffs [][]m31.QM31
	k      m31.QM31
	// The inputs that are read first after a sum and before the next one; after the
	// last one, those of the next block.
	ahead [][]int
	last  int
}

func newCombination(p *air.Program, coeffs []m31.QM31, scale m31.Elem) *combination {
	basis := [4]m31.QM31{m31.One, m31.Q(0, 1, 0, 0), m31.Q(0, 0, 1, 0), m31.Q(0, 0, 0, 1)}
	c := &combination{lanes: make([][]int, len(p.Code)), coeffs: make([][]m31.QM31, len(p.Code))}
	var lanes []int
	var factors []m31.QM31
	for i := range p.Code {
		in := &p.Code[i]
		if in.Op != air.Emit {
			continue
		}
		k := coeffs[in.Out].MulElem(scale)
		c.k = c.k.Add(in.K.Mul(k))
		for j, l := range in.A {
			if l >= 0 {
				lanes, factors = append(lanes, l), append(factors, basis[j].Mul(k))
			}
		}
		for _, t := range in.Terms {
			lanes, factors = append(lanes, t.Lane), append(factors, t.Coeff.Mul(k))
		}
		if i+1 == len(p.Code) || p.Code[i+1].Op != air.Emit {
			c.lanes[i], c.coeffs[i] = lanes, factors
			lanes, factors = nil, nil
		}
	}
	c.lookAhead(p)
	return c
}

// lookAhead fills in what is read next.
func (c *combination) lookAhead(p *air.Program) {
	c.ahead, c.last = make([][]int, len(p.Code)), -1
	seen := make([]bool, p.Lanes)
	var first, some []int
	for i := range p.Code {
		for _, l := range p.Code[i].Operands() {
			if l < len(p.Inputs) && p.Inputs[l].Offset == 0 && !seen[l] {
				seen[l] = true
				some = append(some, l)
			}
		}
		if len(c.lanes[i]) == 0 {
			continue
		}
		if c.last < 0 {
			first = some
		} else {
			c.ahead[c.last] = some
		}
		c.last, some = i, nil
	}
	if c.last >= 0 {
		c.ahead[c.last] = first
	}
}

// add adds to the block's rows of acc the sum at place i of the code.
func (c *combination) add(b *block, acc m31.SecureVec, i int) {
	if len(c.lanes[i]) == 0 {
		return
	}
	b.terms, b.ahead = b.terms[:0], b.ahead[:0]
	for _, l := range c.lanes[i] {
		b.terms = append(b.terms, b.lanes[l])
	}
	rows := len(b.terms[0])
	from := b.at
	if i == c.last {
		from += rows
	}
	for _, l := range c.ahead[i] {
		b.ahead = append(b.ahead, b.columns[l][min(from, len(b.columns[l])):])
	}
	acc.Slice(b.at, b.at+rows).AddProductsAhead(b.terms, c.coeffs[i], b.ahead)
}

// vanishingInverses returns the inverses of the values that the vanishing
// polynomial of the canonic coset of size 2^k takes on the two halves (in
// storage order) of the canonic domain of size 2^(k+1).
func vanishingInverses(k int) (inv [2]m31.Elem) {
	for h := range inv {
		x := circle.StoragePoint(h<<k, k+1).X
		for range k - 1 {
			x = circle.DoubleX(x)
		}
		inv[h] = x.Inv()
	}
	return inv
}

// fractionRows is like programRows: more, because denominators are inverted together.
const fractionRows = 2048

// Fractions implements backend.Backend.
func (Backend) Fractions(ctx context.Context, f *backend.Fractions) ([]m31.SecureVec, error) {
	n := 1 << f.LogSize
	rows := min(fractionRows, n)
	out := make([]m31.SecureVec, f.Pairs)
	for i := range out {
		out[i] = m31.NewSecureVec(n)
	}
	scratch := func() *fractionBlock {
		b := &fractionBlock{newBlock(f.Program, f.Columns, f.LogSize, 0, rows), m31.NewSecureVec(f.Pairs * rows), m31.NewSecureVec(f.Pairs * rows)}
		b.emit = func(i int) {
			in := &f.Program.Code[i]
			if j := in.Out / 2; in.Out%2 == 0 {
				b.sum(out[j].Slice(b.at, b.at+rows), in)
			} else {
				b.sum(b.den.Slice(j*rows, (j+1)*rows), in)
			}
		}
		return b
	}
	err := parallel.With(ctx, n, rows*4, scratch, func(b *fractionBlock, lo, hi int) {
		for at := lo; at < hi; at += rows {
			b.run(at, at+rows)
			b.den.Invert(b.inverse)
			for j, v := range out {
				num := v.Slice(at, at+rows)
				num.Mul(num, b.den.Slice(j*rows, (j+1)*rows))
			}
		}
	})
	return out, err
}

// fractionBlock is a block with the denominators of its rows, pair by pair, and
// scratch for their inversion.
type fractionBlock struct {
	*block
	den, inverse m31.SecureVec
}
