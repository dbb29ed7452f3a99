package elgamal

import (
	"context"
	"fmt"
	"sync"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

// Decryption finds b in g^b by baby steps and giant steps (Shanks). Points j·g
// and -j·g have the same x coordinate, so a table of babyCount points tells j for
// -babyCount ≤ j ≤ babyCount, and giant steps are as wide as that.
const (
	babyBits   = 20
	babyCount  = 1 << babyBits
	giantWidth = 2 * babyCount
	giantLast  = uint64(MaxAmount)/giantWidth + 1 // b = i·giantWidth + j for one i of 0 to giantLast
	slotBits   = babyBits + 1                     // half of the table's slots are used
	slotMask   = 1<<slotBits - 1
	reach      = 512 // giant steps to each side that share one inversion
)

// Decrypt returns the amount that c holds. The time grows with the amount: up to
// 2^20 it is one multiplication, up to 2^40 at most 2^19 giant steps, of which
// 1025 share a field inversion. [ErrNoAmount] comes after all of them. The first
// call builds the table of 16 MiB, which the process keeps. A context that ends
// stops the search.
func (k SecretKey) Decrypt(ctx context.Context, c Ciphertext) (Amount, error) {
	if k.s == nil {
		return 0, ErrKey
	}
	if !c.Valid() {
		return 0, invalid(CheckIdentity, "ciphertext")
	}
	return logarithm(ctx, k.unmask(c))
}

// logarithm returns b for g^b.
func logarithm(ctx context.Context, target Point) (Amount, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("elgamal: decrypt: %w", err)
	}
	s := search{table: babySteps(), target: target}
	if s.at(0, &target.p.X, target.Valid()) {
		return s.found, nil
	}
	giant := giantSteps()
	// The centre is target - i·giantWidth·g for i = reach, then reach + width, ….
	width := uint64(2*reach + 1)
	start := scalarOf(reach * giantWidth)
	centre := target.add(baseG().mul(&start).neg())
	for i := uint64(reach); i <= giantLast+reach; i += width {
		if err := ctx.Err(); err != nil {
			return 0, fmt.Errorf("elgamal: decrypt: %w", err)
		}
		if s.around(giant, centre, i) {
			return s.found, nil
		}
		centre = centre.add(giant.advance.neg())
	}
	return 0, ErrNoAmount
}

// search looks for the logarithm of target.
type search struct {
	table  *babyTable
	target Point
	found  Amount
}

// around looks at the giant steps i - reach to i + reach. centre is step i.
func (s *search) around(l *ladder, centre Point, i uint64) bool {
	if s.at(i, &centre.p.X, centre.Valid()) {
		return true
	}
	hit := false
	l.neighbours(centre, func(d int, x *fp.Element, ok bool) bool {
		// Adding d steps to the centre takes d giant steps back.
		hit = s.at(i-uint64(d), x, ok)
		return !hit
	})
	return hit
}

// at looks at giant step i, whose point has this x coordinate. Without one, ok is
// false and the point may be the identity.
func (s *search) at(i uint64, x *fp.Element, ok bool) bool {
	if i > giantLast {
		return false
	}
	if !ok {
		return s.try(i * giantWidth)
	}
	for slot, tag := tableKey(x); ; slot = (slot + 1) & slotMask {
		entry := s.table.slots[slot]
		if entry == 0 {
			return false
		}
		if entry>>slotBits == tag {
			j := entry & slotMask
			if s.try(i*giantWidth+j) || i*giantWidth >= j && s.try(i*giantWidth-j) {
				return true
			}
		}
	}
}

// try compares the whole point: the table only keeps 64 bits of a coordinate.
func (s *search) try(b uint64) bool {
	if !Amount(b).Valid() {
		return false
	}
	e := scalarOf(b)
	got := identity()
	baseG().addMul(&got, &e)
	if s.target.Valid() && !s.target.is(&got) || !s.target.Valid() && !got.Z.IsZero() {
		return false
	}
	s.found = Amount(b)
	return true
}

// babyTable is a hash table with open addressing from 64 bits of the x coordinate
// of j·g to j. The low 21 bits choose the slot where probing starts, the other 43
// are kept with j in one word. 0 is an empty slot.
type babyTable struct{ slots []uint64 }

func tableKey(x *fp.Element) (slot, tag uint64) { return x[0] & slotMask, x[0] >> slotBits }

func (t *babyTable) insert(x *fp.Element, j uint64) {
	slot, tag := tableKey(x)
	for t.slots[slot] != 0 {
		slot = (slot + 1) & slotMask
	}
	t.slots[slot] = tag<<slotBits | j
}

var babySteps = sync.OnceValue(newBabyTable)

func newBabyTable() *babyTable {
	t := &babyTable{slots: make([]uint64, 1<<slotBits)}
	l := newLadder(Generator())
	centre := l.point(reach + 1)
	for j := reach + 1; j-reach <= babyCount; j += 2*reach + 1 {
		t.insertUpTo(j, &centre.p.X)
		l.neighbours(centre, func(d int, x *fp.Element, _ bool) bool {
			t.insertUpTo(j+d, x)
			return true
		})
		centre = centre.add(l.advance)
	}
	return t
}

func (t *babyTable) insertUpTo(j int, x *fp.Element) {
	if j <= babyCount {
		t.insert(x, uint64(j))
	}
}

var giantSteps = sync.OnceValue(func() *ladder {
	width := scalarOf(giantWidth)
	return newLadder(baseG().mul(&width))
})

// ladder adds multiples of a base, up to reach, to points: 1024 additions with one
// inversion.
type ladder struct {
	base    Point
	steps   []starkcurve.G1Affine // d·base for d = 1 to reach
	advance Point                 // (2·reach + 1)·base
}

func newLadder(base Point) *ladder {
	l := &ladder{base: base}
	first := base.jac()
	all := make([]starkcurve.G1Jac, reach)
	all[0] = first
	for d := 1; d < reach; d++ {
		all[d].Set(&all[d-1]).AddAssign(&first)
	}
	l.steps = toAffine(all)
	l.advance = l.point(2*reach + 1)
	return l
}

func (l *ladder) point(d uint64) Point {
	e := scalarOf(d)
	return mulPoint(l.base, &e)
}

// neighbours calls visit with the x coordinates of centre + d·base for all d from
// -reach to reach but 0, until it returns false. The pair ±d shares the inverse
// of a difference of x coordinates. Where that difference is 0 one of the two
// points is the identity; visit gets ok = false for both.
func (l *ladder) neighbours(centre Point, visit func(d int, x *fp.Element, ok bool) bool) {
	c := &centre.p
	if !centre.Valid() {
		l.neighboursOfIdentity(visit)
		return
	}
	diffs := make([]fp.Element, reach)
	for i := range diffs {
		diffs[i].Sub(&c.X, &l.steps[i].X)
	}
	inv := fp.BatchInvert(diffs)
	for i := range inv {
		p := &l.steps[i]
		ok := !inv[i].IsZero()
		var sumX, minusY fp.Element
		sumX.Add(&c.X, &p.X)
		minusY.Neg(&p.Y)
		plus := chord(&c.Y, &p.Y, &inv[i], &sumX)
		minus := chord(&c.Y, &minusY, &inv[i], &sumX)
		if !visit(-(i+1), &minus, ok) || !visit(i+1, &plus, ok) {
			return
		}
	}
}

// chord is the x coordinate of the sum of two points: the slope's square less the
// sum of their x coordinates.
func chord(y1, y2, inv, sumX *fp.Element) (x fp.Element) {
	x.Sub(y1, y2).Mul(&x, inv).Square(&x).Sub(&x, sumX)
	return x
}

func (l *ladder) neighboursOfIdentity(visit func(d int, x *fp.Element, ok bool) bool) {
	for i := range l.steps {
		if !visit(-(i+1), &l.steps[i].X, true) || !visit(i+1, &l.steps[i].X, true) {
			return
		}
	}
}
