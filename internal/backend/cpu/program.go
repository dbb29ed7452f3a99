package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
)

// block runs a program on consecutive storage slots. It is not safe for
// concurrent use.
type block struct {
	prog    *air.Program
	columns [][]m31.Elem
	log     int // of the columns' domain
	stretch int // log2 of domain size over trace size
	lanes   [][]m31.Elem
	slots   []int // scratch
	emit    func(out int, k m31.QM31, lanes [4][]m31.Elem, width int)
}

func newBlock(prog *air.Program, columns [][]m31.Elem, log, stretch, rows int) *block {
	b := &block{prog: prog, columns: columns, log: log, stretch: stretch,
		lanes: make([][]m31.Elem, prog.Lanes), slots: make([]int, rows)}
	buf := make([]m31.Elem, rows*prog.Lanes)
	for i := range b.lanes {
		b.lanes[i] = buf[i*rows : (i+1)*rows]
	}
	return b
}

// run evaluates the program on the slots lo to hi.
func (b *block) run(lo, hi int) {
	n := hi - lo
	lane := make([][]m31.Elem, len(b.lanes))
	for i := range lane {
		lane[i] = b.lanes[i][:n]
	}
	for i, in := range b.prog.Inputs {
		if in.Offset == 0 {
			lane[i] = b.columns[i][lo:hi]
		} else {
			b.gather(lane[i], b.columns[i], lo, in.Offset)
		}
	}
	for i := range b.prog.Code {
		b.step(&b.prog.Code[i], lane)
	}
}

// gather reads a column at a row offset. A row of the trace is 2^stretch rows of
// the domain away from the next.
func (b *block) gather(dst, col []m31.Elem, lo, offset int) {
	mask := 1<<b.log - 1
	for i := range dst {
		row := circle.StorageToRow(lo+i, b.log) + offset<<b.stretch
		dst[i] = col[circle.RowToStorage(row&mask, b.log)]
	}
}

func (b *block) step(in *air.Instr, lane [][]m31.Elem) {
	pick := func(l [4]int) [4][]m31.Elem {
		return [4][]m31.Elem{lane[l[0]], lane[l[1]], lane[l[2]], lane[l[3]]}
	}
	d, x, y := lane[in.Dst[0]], lane[in.A[0]], lane[in.B[0]]
	k := in.K.A.A
	switch in.Op {
	case air.LaneAdd:
		y = y[:len(d)]
		for i, e := range x[:len(d)] {
			d[i] = e.Add(y[i])
		}
	case air.LaneSub:
		y = y[:len(d)]
		for i, e := range x[:len(d)] {
			d[i] = e.Sub(y[i])
		}
	case air.LaneMul:
		y = y[:len(d)]
		for i, e := range x[:len(d)] {
			d[i] = e.Mul(y[i])
		}
	case air.LaneNeg:
		for i, e := range x[:len(d)] {
			d[i] = e.Neg()
		}
	case air.LaneAddK:
		for i, e := range x[:len(d)] {
			d[i] = e.Add(k)
		}
	case air.LaneMulK:
		for i, e := range x[:len(d)] {
			d[i] = e.Mul(k)
		}
	case air.LaneSet:
		for i := range d {
			d[i] = k
		}
	case air.SecureMul:
		v, w, o := m31.SecureVec(pick(in.A)), m31.SecureVec(pick(in.B)), m31.SecureVec(pick(in.Dst))
		for i := range o[0] {
			o.Set(i, v.At(i).Mul(w.At(i)))
		}
	case air.SecureMulK:
		v, o := m31.SecureVec(pick(in.A)), m31.SecureVec(pick(in.Dst))
		for i := range o[0] {
			o.Set(i, v.At(i).Mul(in.K))
		}
	case air.EmitBase:
		b.emit(in.Out, m31.QM31{}, pick(in.A), 1)
	case air.EmitSecure:
		b.emit(in.Out, m31.QM31{}, pick(in.A), 4)
	case air.EmitConst:
		b.emit(in.Out, in.K, [4][]m31.Elem{}, 0)
	}
}

// Constraints implements backend.Backend.
func (Backend) Constraints(ctx context.Context, c *backend.Constraints) error {
	log := c.LogSize + 1
	n := 1 << log
	rows := min(rowBlock, n/2)
	inv := vanishingInverses(c.LogSize)
	return parallel.For(ctx, n, rows*8, func(lo, hi int) {
		b := newBlock(c.Program, c.Columns, log, 1, rows)
		sum := m31.NewSecureVec(rows)
		b.emit = func(out int, k m31.QM31, lanes [4][]m31.Elem, width int) {
			addScaled(sum, c.Coeffs[out], k, lanes, width)
		}
		for at := lo; at < hi; at += rows {
			end := min(at+rows, hi)
			for i := range sum {
				clear(sum[i])
			}
			b.run(at, end)
			// The vanishing polynomial takes one value per half of the domain, and a
			// block lies in one half.
			v := inv[at>>(log-1)]
			for i := range end - at {
				c.Acc.Set(at+i, c.Acc.At(at+i).Add(sum.At(i).MulElem(v)))
			}
		}
	})
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

// addScaled adds coeff times an output to sum.
func addScaled(sum m31.SecureVec, coeff, k m31.QM31, lanes [4][]m31.Elem, width int) {
	switch width {
	case 0:
		k = k.Mul(coeff)
		for i := range sum[0] {
			sum.Set(i, sum.At(i).Add(k))
		}
	case 1:
		for i, e := range lanes[0] {
			sum.Set(i, sum.At(i).Add(coeff.MulElem(e)))
		}
	default:
		v := m31.SecureVec(lanes)
		for i := range v[0] {
			sum.Set(i, sum.At(i).Add(coeff.Mul(v.At(i))))
		}
	}
}

// Fractions implements backend.Backend.
func (Backend) Fractions(ctx context.Context, f *backend.Fractions) ([]m31.SecureVec, error) {
	n := 1 << f.LogSize
	rows := min(rowBlock, n)
	out := make([]m31.SecureVec, f.Pairs)
	for i := range out {
		out[i] = m31.NewSecureVec(n)
	}
	err := parallel.For(ctx, n, rows, func(lo, hi int) {
		b := newBlock(f.Program, f.Columns, f.LogSize, 0, rows)
		values := make([][]m31.QM31, 2*f.Pairs)
		b.emit = func(o int, k m31.QM31, lanes [4][]m31.Elem, width int) {
			values[o] = spread(k, lanes, width, hi-lo)
		}
		b.run(lo, hi)
		scratch := make([]m31.QM31, hi-lo)
		for j := range out {
			num, den := values[2*j], values[2*j+1]
			m31.InvertAllQM31(den, scratch)
			for i := range num {
				out[j].Set(lo+i, num[i].Mul(den[i]))
			}
		}
	})
	return out, err
}

// spread turns an output into secure values.
func spread(k m31.QM31, lanes [4][]m31.Elem, width, n int) []m31.QM31 {
	out := make([]m31.QM31, n)
	for i := range out {
		switch width {
		case 0:
			out[i] = k
		case 1:
			out[i] = m31.FromElem(lanes[0][i])
		default:
			out[i] = m31.SecureVec(lanes).At(i)
		}
	}
	return out
}
