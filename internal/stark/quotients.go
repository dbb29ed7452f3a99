package stark

import (
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

// Column describes a committed column: log2 of its length before the blowup and
// the row offsets at which it is opened.
type Column struct {
	LogSize int
	Offsets []int
}

// Term is one opening in the DEEP quotient: Coeff times the column's line
// through the sample.
type Term struct {
	Tree, Column int
	Coeff        QM31
}

// Batch gathers the openings at one point. Its contribution to the quotient at a
// domain point p is
//
//	(C * sum(Coeff * f(p)) - A*p.y - B) / den(p)
//
// because all lines through samples at the same point share the slope factor C.
type Batch struct {
	Point   circle.SecurePoint
	Terms   []Term
	A, B, C QM31
}

// Quotients groups the samples of all columns by point. alpha is the random
// coefficient, lifted and blowup the log sizes of the domain and the blowup.
// values has the shape of sampled values; points the mask points.
//
// A column with exactly two samples gets a third, the periodicity sample of
// stwo's build_samples_with_randomness_and_periodicity.
func Quotients(columns [][]Column, points [][][]circle.SecurePoint, values [][][]QM31, alpha QM31, lifted, blowup int) []*Batch {
	var batches []*Batch
	find := make(map[circle.SecurePoint]*Batch)
	power := m31.One
	add := func(t, c int, z circle.SecurePoint, v QM31) {
		b := find[z]
		if b == nil {
			b = &Batch{Point: z, C: z.Y.Conj().Sub(z.Y)}
			find[z] = b
			batches = append(batches, b)
		}
		slope := v.Conj().Sub(v)
		b.Terms = append(b.Terms, Term{t, c, power})
		b.A = b.A.Add(power.Mul(slope))
		b.B = b.B.Add(power.Mul(v.Mul(b.C).Sub(slope.Mul(z.Y))))
		power = power.Mul(alpha)
	}
	for t := range columns {
		for c, col := range columns[t] {
			zs, vs := points[t][c], values[t][c]
			if len(zs) == 2 {
				period := circle.SubgroupGen(lifted).Mul(1 << (col.LogSize + blowup)).Point()
				add(t, c, zs[1].Add(period.Secure()), vs[1])
			}
			for i, z := range zs {
				add(t, c, z, vs[i])
			}
		}
	}
	return batches
}

// Denominator returns den(p) of a batch at a domain point: the CM31 combination
// that vanishes on the line through the point and its conjugate.
func (b *Batch) Denominator(p circle.Point) m31.CM31 {
	x, y := b.Point.X, b.Point.Y
	dx := m31.CM31{A: x.A.A.Sub(p.X), B: x.A.B}
	dy := m31.CM31{A: y.A.A.Sub(p.Y), B: y.A.B}
	return dx.Mul(y.B).Sub(dy.Mul(x.B))
}

// Finish completes the batch's contribution at p from the weighted sum of the
// columns and the inverse of the denominator.
func (b *Batch) Finish(sum QM31, p circle.Point, inv m31.CM31) QM31 {
	return b.C.Mul(sum).Sub(b.A.MulElem(p.Y)).Sub(b.B).MulCM31(inv)
}
