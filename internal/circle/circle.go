// Package circle implements the circle group x^2 + y^2 = 1 over M31 and QM31,
// Stwo's cosets and domains with their bit-reversed storage order, and the
// circle FFT.
//
// Three orders of the same 2^k points occur. Row order (natural order) walks
// the canonic coset: row j is the j-th point. Circle-domain order lists a half
// coset and then its conjugates. Storage order is circle-domain order with the
// bits of the index reversed; every column of evaluations is kept in it.
package circle

import (
	"math/bits"

	"github.com/bitsage/bitsage/internal/m31"
)

// LogOrder is log2 of the order of the group over M31.
const LogOrder = 31

// Point is a point of the circle over M31.
type Point struct{ X, Y m31.Elem }

// Generator generates the circle group of order 2^31.
var Generator = Point{2, 1268011823}

// Add returns the group sum of p and q.
func (p Point) Add(q Point) Point {
	return Point{
		p.X.Mul(q.X).Sub(p.Y.Mul(q.Y)),
		p.X.Mul(q.Y).Add(p.Y.Mul(q.X)),
	}
}

// Neg returns the conjugate of p, its group inverse.
func (p Point) Neg() Point { return Point{p.X, p.Y.Neg()} }

// Antipode returns the point opposite to p.
func (p Point) Antipode() Point { return Point{p.X.Neg(), p.Y.Neg()} }

// DoubleX returns the x coordinate of 2P given that of P: 2x^2 - 1.
func DoubleX(x m31.Elem) m31.Elem { return x.Square().Double().Sub(1) }

// Index is a multiple of [Generator], modulo 2^31.
type Index uint32

const indexMask = 1<<LogOrder - 1

// SubgroupGen returns the index that generates the subgroup of order 2^k.
func SubgroupGen(k int) Index { return Index(1<<(LogOrder-k)) & indexMask }

// Add returns i + j modulo the group order.
func (i Index) Add(j Index) Index { return (i + j) & indexMask }

// Neg returns -i modulo the group order.
func (i Index) Neg() Index { return -i & indexMask }

// Mul returns n*i modulo the group order.
func (i Index) Mul(n int) Index { return Index(uint64(i)*uint64(n)) & indexMask }

// Point returns i times the generator.
func (i Index) Point() Point {
	p, q := Point{1, 0}, Generator
	for n := uint32(i & indexMask); n != 0; n >>= 1 {
		if n&1 == 1 {
			p = p.Add(q)
		}
		q = q.Add(q)
	}
	return p
}

// SecurePoint is a point of the circle over QM31.
type SecurePoint struct{ X, Y m31.QM31 }

// Secure embeds p.
func (p Point) Secure() SecurePoint {
	return SecurePoint{m31.FromElem(p.X), m31.FromElem(p.Y)}
}

// SecurePointAt returns the rational parametrisation of the circle at t:
// ((1-t^2)/(1+t^2), 2t/(1+t^2)). It maps a channel draw to the out-of-domain
// point. The t with 1+t^2 = 0 give the point (0, 0), which is off the circle;
// a transcript hits them with probability 2^-123.
func SecurePointAt(t m31.QM31) SecurePoint {
	t2 := t.Square()
	inv := m31.One.Add(t2).Inv()
	return SecurePoint{m31.One.Sub(t2).Mul(inv), t.Add(t).Mul(inv)}
}

// Add returns the group sum of p and q.
func (p SecurePoint) Add(q SecurePoint) SecurePoint {
	return SecurePoint{
		p.X.Mul(q.X).Sub(p.Y.Mul(q.Y)),
		p.X.Mul(q.Y).Add(p.Y.Mul(q.X)),
	}
}

// Neg returns the group inverse of p.
func (p SecurePoint) Neg() SecurePoint { return SecurePoint{p.X, p.Y.Neg()} }

// Double returns 2^n * p.
func (p SecurePoint) Double(n int) SecurePoint {
	for range n {
		p = p.Add(p)
	}
	return p
}

// DoubleXSecure applies x -> 2x^2 - 1 n times.
func DoubleXSecure(x m31.QM31, n int) m31.QM31 {
	for range n {
		s := x.Square()
		x = s.Add(s).Sub(m31.One)
	}
	return x
}

// Coset is {Initial + j*Step : 0 <= j < 2^LogSize}.
type Coset struct {
	Initial, Step Index
	LogSize       int
}

// Odds returns the coset of odd multiples of a generator of order 2^(k+1): the
// canonic coset of size 2^k. 0 <= k <= 30.
func Odds(k int) Coset { return Coset{Index(1) << (30 - k), SubgroupGen(k), k} }

// HalfOdds returns the coset of size 2^k whose union with its conjugate is
// Odds(k+1). 0 <= k <= 29.
func HalfOdds(k int) Coset { return Coset{Index(1) << (29 - k), SubgroupGen(k), k} }

// At returns the index of the coset's j-th point.
func (c Coset) At(j int) Index { return c.Initial.Add(c.Step.Mul(j)) }

// Points returns all points in order.
func (c Coset) Points() []Point {
	ps := make([]Point, 1<<c.LogSize)
	ps[0] = c.Initial.Point()
	// Doubling: the second half of every prefix is the first shifted.
	for k := 0; k < c.LogSize; k++ {
		shift := c.Step.Mul(1 << k).Point()
		for j := range 1 << k {
			ps[1<<k+j] = ps[j].Add(shift)
		}
	}
	return ps
}

// DomainIndex returns the group index of the point at position i of the canonic
// circle domain of size 2^k (circle-domain order).
func DomainIndex(i, k int) Index {
	half := HalfOdds(k - 1)
	if n := 1 << (k - 1); i >= n {
		return half.At(i - n).Neg()
	}
	return half.At(i)
}

// StoragePoint returns the point at storage slot i of the canonic circle domain
// of size 2^k.
func StoragePoint(i, k int) Point { return DomainIndex(Reverse(i, k), k).Point() }

// LineStorageX returns the coordinate at storage slot i of the line domain of
// size 2^k: the x coordinates of HalfOdds(k), bit-reversed.
func LineStorageX(i, k int) m31.Elem { return HalfOdds(k).At(Reverse(i, k)).Point().X }

// Reverse reverses the low k bits of i.
func Reverse(i, k int) int {
	if k == 0 {
		return 0
	}
	return int(bits.Reverse64(uint64(i)) >> (64 - k))
}

// RowToDomain returns the circle-domain position of row j at size 2^k.
func RowToDomain(j, k int) int {
	if j&1 == 0 {
		return j / 2
	}
	return 1<<k - (j+1)/2
}

// DomainToRow is the inverse of RowToDomain.
func DomainToRow(i, k int) int {
	if i < 1<<(k-1) {
		return 2 * i
	}
	return 2*(1<<k-i) - 1
}

// RowToStorage returns the storage slot of row j at size 2^k.
func RowToStorage(j, k int) int { return Reverse(RowToDomain(j, k), k) }

// StorageToRow returns the row kept in storage slot i at size 2^k.
func StorageToRow(i, k int) int { return DomainToRow(Reverse(i, k), k) }

// ToStorage copies the column src from row order to storage order. k >= 1.
func ToStorage[T any](dst, src []T, k int) {
	for i := range dst {
		dst[i] = src[StorageToRow(i, k)]
	}
}

// ToRows copies the column src from storage order to row order. k >= 1.
func ToRows[T any](dst, src []T, k int) {
	for i := range src {
		dst[StorageToRow(i, k)] = src[i]
	}
}

// LiftIndex maps slot p of a lifted column to the slot of a column that is 2^h
// times shorter. The lowest bit, which tells a point from its conjugate, stays.
func LiftIndex(p, h int) int { return p>>(h+1)<<1 | p&1 }
