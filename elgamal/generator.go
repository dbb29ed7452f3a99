package elgamal

import (
	"sync"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/internal/poseidon"
)

// generatorSeed is what the second generator is hashed from.
const generatorSeed = "bitsage.elgamal.h"

// Generator returns g, the generator of the Stark curve.
func Generator() Point {
	_, g := starkcurve.Generators()
	return Point{g}
}

// CommitmentGenerator returns h, the second generator, in which the bits of
// range proofs are committed. It is hashed to the curve, so nobody knows its
// logarithm to the base g: h = hash-to-curve("bitsage.elgamal.h").
func CommitmentGenerator() Point { return standard().h.base }

// hashToCurve tries x = poseidon_hash_many([seed, i]) for i = 1, 2, … until x is
// the coordinate of a point, and takes the one whose y is even. With seed = the x
// coordinate of g this is Tongo's second generator.
func hashToCurve(seed Felt) Point {
	a, b := starkcurve.CurveCoefficients()
	for i := uint64(1); ; i++ {
		x := fp.Element(poseidon.HashMany(seed, feltOf(i)))
		var y2, y fp.Element
		y2.Square(&x).Add(&y2, &a).Mul(&y2, &x).Add(&y2, &b)
		if y.Sqrt(&y2) == nil {
			continue
		}
		if y.Bits()[0]&1 == 1 {
			y.Neg(&y)
		}
		return Point{starkcurve.G1Affine{X: x, Y: y}}
	}
}

// setting is the second generator that a proof is made or checked with. All
// exported functions use [standard]'s.
type setting struct{ h *fixedBase }

var standard = sync.OnceValue(func() *setting {
	return &setting{h: newFixedBase(hashToCurve(mustShortString(generatorSeed)))}
})

var baseG = sync.OnceValue(func() *fixedBase { return newFixedBase(Generator()) })

const (
	windowBits  = 8
	windowCount = fr.Bytes * 8 / windowBits
	windowSize  = 1<<windowBits - 1
)

// fixedBase holds d·2^(8w)·base for every window w and digit d from 1 to 255.
type fixedBase struct {
	base Point
	rows [windowCount][]starkcurve.G1Affine
}

func newFixedBase(base Point) *fixedBase {
	t := &fixedBase{base: base}
	first := base.jac()
	all := make([]starkcurve.G1Jac, windowCount*windowSize)
	for w := range windowCount {
		row := all[w*windowSize : (w+1)*windowSize]
		row[0] = first
		for d := 1; d < windowSize; d++ {
			row[d].Set(&row[d-1]).AddAssign(&first)
		}
		first.AddAssign(&row[windowSize-1])
	}
	flat := toAffine(all)
	for w := range t.rows {
		t.rows[w] = flat[w*windowSize : (w+1)*windowSize]
	}
	return t
}

// addMul adds e·base to acc.
func (t *fixedBase) addMul(acc *starkcurve.G1Jac, e *fr.Element) {
	digits := e.Bytes()
	for w := range t.rows {
		if d := digits[fr.Bytes-1-w]; d != 0 {
			acc.AddMixed(&t.rows[w][d-1])
		}
	}
}

// mul returns e·base.
func (t *fixedBase) mul(e *fr.Element) Point {
	acc := identity()
	t.addMul(&acc, e)
	return affine(&acc)
}

func identity() (j starkcurve.G1Jac) {
	j.X.SetOne()
	j.Y.SetOne()
	return j
}

// toAffine converts with a single inversion. No point may be the identity.
func toAffine(points []starkcurve.G1Jac) []starkcurve.G1Affine {
	zs := make([]fp.Element, len(points))
	for i := range points {
		zs[i] = points[i].Z
	}
	zs = fp.BatchInvert(zs)
	out := make([]starkcurve.G1Affine, len(points))
	for i := range points {
		var zz fp.Element
		zz.Square(&zs[i])
		out[i].X.Mul(&points[i].X, &zz)
		out[i].Y.Mul(&points[i].Y, &zz).Mul(&out[i].Y, &zs[i])
	}
	return out
}

// addMulVar adds the sum of exps[i]·points[i] to acc, two at a time with shared
// doublings (Straus, Shamir).
func addMulVar(acc *starkcurve.G1Jac, points []Point, exps []fr.Element) {
	var part starkcurve.G1Jac
	for len(points) >= 2 {
		p, q := points[0].jac(), points[1].jac()
		acc.AddAssign(part.JointScalarMultiplication(&p, &q, bigOf(&exps[0]), bigOf(&exps[1])))
		points, exps = points[2:], exps[2:]
	}
	if len(points) == 1 {
		p := points[0].jac()
		acc.AddAssign(part.ScalarMultiplication(&p, bigOf(&exps[0])))
	}
}

func mulPoint(p Point, e *fr.Element) Point {
	acc := identity()
	addMulVar(&acc, []Point{p}, []fr.Element{*e})
	return affine(&acc)
}
