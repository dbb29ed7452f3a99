package elgamal

import (
	"math/big"
	"os"
	"strings"
	"testing"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/poseidon"
)

// TestSecondGenerator derives h again in math/big, as the specification says and
// as a contract's test can. A generator of unknown origin could have a logarithm
// that its author knows.
func TestSecondGenerator(t *testing.T) {
	p := fp.Modulus()
	beta, _ := new(big.Int).SetString("3141592653589793238462643383279502884197169399375105820974944592307816406665", 10)
	seed := new(big.Int).SetBytes([]byte("bitsage.elgamal.h"))
	var s Felt
	s.SetBigInt(seed)
	for i := uint64(1); ; i++ {
		h := poseidon.HashMany(s, feltOf(i))
		x := h.BigInt(new(big.Int))
		rhs := new(big.Int).Exp(x, big.NewInt(3), p)
		rhs.Add(rhs, x).Add(rhs, beta).Mod(rhs, p)
		y := new(big.Int).ModSqrt(rhs, p)
		if y == nil {
			continue
		}
		if y.Bit(0) == 1 {
			y.Sub(p, y)
		}
		var want Point
		want.p.X.SetBigInt(x)
		want.p.Y.SetBigInt(y)
		if !CommitmentGenerator().Equal(want) {
			t.Errorf("h is %v, want %v", CommitmentGenerator(), want)
		}
		inSpecification(t, want.p.X.Text(16), want.p.Y.Text(16))
		return
	}
}

func inSpecification(t *testing.T, values ...string) {
	t.Helper()
	spec, err := os.ReadFile("../docs/spec/elgamal.md")
	require.NoError(t, err)
	for _, v := range values {
		if !strings.Contains(string(spec), v) {
			t.Errorf("the specification does not have %s", v)
		}
	}
}

// TestTongoGenerator derives Tongo's second generator, a constant of its
// contracts, by the same rule from the x coordinate of g.
func TestTongoGenerator(t *testing.T) {
	h := hashToCurve(Felt(Generator().p.X))
	if got := h.p.X.Text(16); got != "162eb5cc8f50e522225785a604ba6d7e9ab06b647157f77c59a06032610b2d2" {
		t.Errorf("x is %s", got)
	}
	if got := h.p.Y.Text(16); got != "220a56864c490175202e3e34db0e24d12979fbfacea16a360e8feb1f6749192" {
		t.Errorf("y is %s", got)
	}
}

// edgeScalars are 0, the ends of the range, and the ends of windows.
func edgeScalars(t testing.TB) []fr.Element {
	out := []fr.Element{{}, scalarOf(1), scalarOf(2), scalarOf(255), scalarOf(256), scalarOf(257), minus(1), minus(2)}
	var half fr.Element
	half.Halve()
	out = append(out, half)
	for w := range windowCount - 1 {
		var s fr.Element
		s.SetBigInt(new(big.Int).Lsh(big.NewInt(1), uint(8*(w+1))))
		out = append(out, s)
	}
	return append(out, must(seeded(3).scalars(32))(t)...)
}

func TestFixedBaseMatchesGeneric(t *testing.T) {
	for _, e := range edgeScalars(t) {
		for _, base := range []*fixedBase{baseG(), standard().h} {
			var want starkcurve.G1Affine
			want.ScalarMultiplication(&base.base.p, bigOf(&e))
			if got := base.mul(&e); !got.Equal(Point{want}) {
				t.Errorf("%v·%v is %v", bigOf(&e), base.base, got)
			}
		}
	}
}

func TestJointMatchesSeparate(t *testing.T) {
	p := seeded(4)
	edges := edgeScalars(t)
	for i := range edges {
		a, b, c := edges[i], edges[(i*7+3)%len(edges)], edges[(i*5+1)%len(edges)]
		x, y := must(p.key())(t).Public().Point, must(p.key())(t).Public().Point
		acc := identity()
		addMulVar(&acc, []Point{x, y, x}, []fr.Element{a, b, c})
		want := mulPoint(x, &a).add(mulPoint(y, &b)).add(mulPoint(x, &c))
		if got := affine(&acc); !got.Equal(want) {
			t.Errorf("case %d: %v, want %v", i, got, want)
		}
	}
	acc := identity()
	one, other := scalarOf(5), minus(5)
	addMulVar(&acc, []Point{Generator(), Generator()}, []fr.Element{one, other})
	if affine(&acc).Valid() {
		t.Error("5g - 5g is not the identity")
	}
}
