package elgamal

import (
	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

// Point is a point of the Stark curve other than the identity. The group is of
// prime order n, so every point but the identity generates it. The zero Point is
// the identity and no valid point: decoding never returns it, verification
// refuses it.
type Point struct{ p starkcurve.G1Affine }

// NewPoint returns the point with the coordinates x and y. The identity, as
// (0, 0), and what is not on the curve is refused.
func NewPoint(x, y Felt) (Point, error) {
	p := Point{starkcurve.G1Affine{X: fp.Element(x), Y: fp.Element(y)}}
	if !p.Valid() {
		return Point{}, invalid(CheckIdentity, "")
	}
	if !p.p.IsOnCurve() {
		return Point{}, invalid(CheckPoint, "")
	}
	return p, nil
}

// DecodePoint reads 64 bytes: the coordinates x and y.
func DecodePoint(data []byte) (Point, error) {
	var p Point
	err := decode(data, "point", &p)
	return p, err
}

// Valid says that p is not the identity.
func (p Point) Valid() bool { return !p.p.IsInfinity() }

// Felts returns the coordinates x and y.
func (p Point) Felts() []Felt { return []Felt{Felt(p.p.X), Felt(p.p.Y)} }

// Bytes returns the coordinates x and y as 64 bytes.
func (p Point) Bytes() []byte { return EncodeFelts(p.Felts()) }

// Equal reports whether p and q are the same point.
func (p Point) Equal(q Point) bool { return p.p.Equal(&q.p) }

// String returns the coordinates in hexadecimal.
func (p Point) String() string {
	if !p.Valid() {
		return "identity"
	}
	return "(" + Felt(p.p.X).String() + ", " + Felt(p.p.Y).String() + ")"
}

func (p Point) jac() starkcurve.G1Jac {
	var j starkcurve.G1Jac
	j.FromAffine(&p.p)
	return j
}

func (p Point) add(q Point) Point {
	var s Point
	s.p.Add(&p.p, &q.p)
	return s
}

func (p Point) neg() Point {
	var s Point
	s.p.Neg(&p.p)
	return s
}

func affine(j *starkcurve.G1Jac) Point {
	var p Point
	p.p.FromJacobian(j)
	return p
}

// is reports whether j is the point p, without an inversion. The identity
// is no point.
func (p Point) is(j *starkcurve.G1Jac) bool {
	q := p.jac()
	return !j.Z.IsZero() && p.Valid() && q.Equal(j)
}
