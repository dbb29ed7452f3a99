package m31

import (
	"testing"

	"github.com/bitsage/bitsage/internal/vectors"
)

// pair and quad are CM31 and QM31 as the vector files write them.
type (
	pair [2]Elem
	quad [4]Elem
)

func (v pair) value() CM31 { return CM31{v[0], v[1]} }
func (v quad) value() QM31 { return Q(v[0], v[1], v[2], v[3]) }

type fieldVectors struct {
	P        uint32
	USquared quad `json:"u_squared"`
	M31      []struct {
		A, B, Add, Sub, Mul Elem
		NegA                Elem  `json:"neg_a"`
		InvA                *Elem `json:"inv_a"` // null for zero
	}
	CM31 []struct {
		A, B, Add, Sub, Mul pair
		NegA                pair `json:"neg_a"`
		InvA                pair `json:"inv_a"`
	}
	QM31 []struct {
		A, B, Add, Sub, Mul quad
		M31                 Elem
		CM31                pair
		NegA                quad `json:"neg_a"`
		SquareA             quad `json:"square_a"`
		InvA                quad `json:"inv_a"`
		ConjA               quad `json:"conj_a"`
		MulM31              quad `json:"mul_m31"`
		MulCM31             quad `json:"mul_cm31"`
		Partials            quad `json:"from_partial_evals_a_b_a_b"`
	}
	Reduce []struct {
		In  uint64
		Out Elem
	} `json:"m31_reduce"`
}

func loadFields(t *testing.T) *fieldVectors {
	v := new(fieldVectors)
	vectors.Load(t, v, "stwo", "fields.json")
	if len(v.M31) == 0 || len(v.CM31) == 0 || len(v.QM31) == 0 || len(v.Reduce) == 0 {
		t.Fatal("fields.json lacks a list")
	}
	return v
}

func TestVectorsM31(t *testing.T) {
	v := loadFields(t)
	equal(t, "P", P, v.P)
	for _, c := range v.M31 {
		equal(t, "a+b", c.A.Add(c.B), c.Add)
		equal(t, "a-b", c.A.Sub(c.B), c.Sub)
		equal(t, "a*b", c.A.Mul(c.B), c.Mul)
		equal(t, "-a", c.A.Neg(), c.NegA)
		inv := Elem(0) // stwo refuses to invert zero, this package gives zero
		if c.InvA != nil {
			inv = *c.InvA
		}
		equal(t, "1/a", c.A.Inv(), inv)
	}
	for _, c := range v.Reduce {
		equal(t, "reduced", New(c.In), c.Out)
	}
}

func TestVectorsCM31(t *testing.T) {
	for _, c := range loadFields(t).CM31 {
		a, b := c.A.value(), c.B.value()
		equal(t, "a+b", a.Add(b), c.Add.value())
		equal(t, "a-b", a.Sub(b), c.Sub.value())
		equal(t, "a*b", a.Mul(b), c.Mul.value())
		equal(t, "-a", a.Neg(), c.NegA.value())
		equal(t, "1/a", a.Inv(), c.InvA.value())
	}
}

func TestVectorsQM31(t *testing.T) {
	v := loadFields(t)
	equal(t, "u*u", Q(0, 0, 1, 0).Square(), v.USquared.value())
	for _, c := range v.QM31 {
		a, b := c.A.value(), c.B.value()
		equal(t, "a+b", a.Add(b), c.Add.value())
		equal(t, "a-b", a.Sub(b), c.Sub.value())
		equal(t, "a*b", a.Mul(b), c.Mul.value())
		equal(t, "-a", a.Neg(), c.NegA.value())
		equal(t, "a*a", a.Square(), c.SquareA.value())
		equal(t, "1/a", a.Inv(), c.InvA.value())
		equal(t, "conjugate", a.Conj(), c.ConjA.value())
		equal(t, "a*m31", a.MulElem(c.M31), c.MulM31.value())
		equal(t, "a*cm31", a.MulCM31(c.CM31.value()), c.MulCM31.value())
		equal(t, "partials", FromPartials(a, b, a, b), c.Partials.value())
	}
}
