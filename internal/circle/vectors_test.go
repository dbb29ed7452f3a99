package circle

import (
	"math/big"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/vectors"
)

// quad and securePoint are QM31 and SecurePoint as the vector files write them.
type (
	quad        [4]m31.Elem
	securePoint struct{ X, Y quad }
)

func (v quad) value() m31.QM31           { return m31.Q(v[0], v[1], v[2], v[3]) }
func (p securePoint) value() SecurePoint { return SecurePoint{p.X.value(), p.Y.value()} }
func values(v []quad) (out []m31.QM31)   { return mapped(v, quad.value) }
func mapped[S, T any](v []S, f func(S) T) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

type circleVectors struct {
	Generator       Point
	SecureGenerator securePoint `json:"secure_generator"`
	Multiples       []struct {
		Index Index
		Point Point
	}
	SubgroupGenerators []Point `json:"subgroup_generators"`
	Additions          []struct {
		P, Q, Add, Sub Point
		DoubleP        Point    `json:"double_p"`
		NegP           Point    `json:"neg_p"`
		AntipodeP      Point    `json:"antipode_p"`
		DoubleXP       m31.Elem `json:"double_x_p"`
	}
	Domains         []domainVectors `json:"canonic_domains"`
	SecureMultiples []struct {
		Index string
		Point securePoint
	} `json:"secure_multiples"`
	Vanishing struct {
		Point  securePoint
		Values []struct {
			LogSize int `json:"log_size"`
			Value   quad
		} `json:"canonic_coset_values"`
	}
	RandomPoints []struct {
		T     quad
		Point securePoint
	} `json:"random_points_blake2s"`
}

type domainVectors struct {
	LogSize int     `json:"log_size"`
	Initial Index   `json:"initial_index"`
	Step    Index   `json:"step_index"`
	Coset   []Point `json:"coset_order"`
	Circle  []Point `json:"circle_domain_order"`
	Storage []Point `json:"storage_order"`
	Line    struct {
		LogSize          int `json:"log_size"`
		Natural, Storage []m31.Elem
	} `json:"line_domain"`
}

func loadCircle(t *testing.T) *circleVectors {
	v := new(circleVectors)
	vectors.Load(t, v, "stwo", "circle.json")
	for name, n := range map[string]int{
		"multiples": len(v.Multiples), "additions": len(v.Additions), "domains": len(v.Domains),
		"secure multiples": len(v.SecureMultiples), "vanishing": len(v.Vanishing.Values), "random points": len(v.RandomPoints),
	} {
		if n == 0 {
			t.Fatalf("circle.json has no %s", name)
		}
	}
	return v
}

func TestVectorsPoint(t *testing.T) {
	v := loadCircle(t)
	equal(t, "generator", Generator, v.Generator)
	for _, c := range v.Multiples {
		equal(t, "multiple", c.Index.Point(), c.Point)
	}
	equal(t, "subgroups", len(v.SubgroupGenerators), LogOrder+1)
	for k, p := range v.SubgroupGenerators {
		equal(t, "subgroup generator", SubgroupGen(k).Point(), p)
	}
	for _, c := range v.Additions {
		equal(t, "p+q", c.P.Add(c.Q), c.Add)
		equal(t, "p-q", c.P.Add(c.Q.Neg()), c.Sub)
		equal(t, "2p", c.P.Add(c.P), c.DoubleP)
		equal(t, "-p", c.P.Neg(), c.NegP)
		equal(t, "antipode", c.P.Antipode(), c.AntipodeP)
		equal(t, "x of 2p", DoubleX(c.P.X), c.DoubleXP)
	}
}

func TestVectorsDomains(t *testing.T) {
	for _, d := range loadCircle(t).Domains {
		k, n := d.LogSize, 1<<d.LogSize
		equal(t, "canonic coset", Odds(k), Coset{d.Initial, d.Step, k})
		equalSlices(t, "coset order", Odds(k).Points(), d.Coset)
		equal(t, "points", len(d.Coset), n)
		equal(t, "points of the line", d.Line.LogSize, k)
		for i := range n {
			equal(t, "coset order", Odds(k).At(i).Point(), d.Coset[i])
			equal(t, "circle domain order", DomainIndex(i, k).Point(), d.Circle[i])
			equal(t, "storage order", StoragePoint(i, k), d.Storage[i])
			equal(t, "row in circle domain order", d.Circle[RowToDomain(i, k)], d.Coset[i])
			equal(t, "row in storage order", d.Storage[RowToStorage(i, k)], d.Coset[i])
			equal(t, "line", HalfOdds(k).At(i).Point().X, d.Line.Natural[i])
			equal(t, "line in storage order", LineStorageX(i, k), d.Line.Storage[i])
		}
	}
}

// times returns n*p.
func times(p SecurePoint, n *big.Int) SecurePoint {
	r := SecurePoint{X: m31.One}
	for i := n.BitLen() - 1; i >= 0; i-- {
		r = r.Double(1)
		if n.Bit(i) == 1 {
			r = r.Add(p)
		}
	}
	return r
}

func TestVectorsSecurePoint(t *testing.T) {
	v := loadCircle(t)
	g := v.SecureGenerator.value()
	for _, c := range v.SecureMultiples {
		n, ok := new(big.Int).SetString(c.Index, 10)
		if !ok {
			t.Fatalf("bad index %q", c.Index)
		}
		equal(t, "multiple "+c.Index, times(g, n), c.Point.value())
	}
	x := v.Vanishing.Point.value().X
	for _, c := range v.Vanishing.Values {
		equal(t, "vanishing polynomial", DoubleXSecure(x, c.LogSize-1), c.Value.value())
	}
	for _, c := range v.RandomPoints {
		equal(t, "random point", SecurePointAt(c.T.value()), c.Point.value())
	}
}

type fftVectors struct {
	Point  securePoint
	Circle []struct {
		LogSize      int        `json:"log_size"`
		Natural      []m31.Elem `json:"values_coset_order"`
		Stored       []m31.Elem `json:"values_storage_order"`
		Coefficients []m31.Elem
		LDE          []struct {
			LogBlowup int `json:"log_blowup"`
			Values    []m31.Elem
		} `json:"lde_storage_order"`
		Eval  quad                        `json:"eval_at_point"`
		Split *struct{ Left, Right quad } `json:"split_at_mid_evals"`
	}
	Line []struct {
		LogSize  int                     `json:"log_size"`
		Stored   []quad                  `json:"values_storage_order"`
		Reversed []quad                  `json:"coefficients_bit_reversed"`
		Natural  []quad                  `json:"coefficients_natural"`
		Eval     struct{ X, Value quad } `json:"eval_at"`
	}
}

func loadFFT(t *testing.T) *fftVectors {
	v := new(fftVectors)
	vectors.Load(t, v, "stwo", "fft.json")
	if len(v.Circle) == 0 || len(v.Line) == 0 {
		t.Fatal("fft.json lacks a list")
	}
	return v
}

func TestVectorsFFT(t *testing.T) {
	v := loadFFT(t)
	at := v.Point.value()
	for _, c := range v.Circle {
		n := 1 << c.LogSize
		stored := make([]m31.Elem, n)
		ToStorage(stored, c.Natural, c.LogSize)
		equalSlices(t, "storage order", stored, c.Stored)
		coeffs := stored
		Interpolate(coeffs, coeffs)
		equalSlices(t, "coefficients", coeffs, c.Coefficients)
		for _, lde := range c.LDE {
			got := make([]m31.Elem, n<<lde.LogBlowup)
			Evaluate(got, coeffs)
			equalSlices(t, "extension", got, lde.Values)
		}
		equal(t, "value", EvalAt(coeffs, at), c.Eval.value())
		if c.Split != nil {
			equal(t, "left half", EvalAt(coeffs[:n/2], at), c.Split.Left.value())
			equal(t, "right half", EvalAt(coeffs[n/2:], at), c.Split.Right.value())
		}
		if (c.Split == nil) != (c.LogSize == 1) {
			t.Errorf("log size %d: halves of the polynomial: %v", c.LogSize, c.Split)
		}
	}
}

func TestVectorsLine(t *testing.T) {
	for _, c := range loadFFT(t).Line {
		v := values(c.Stored)
		InterpolateLine(v)
		equalSlices(t, "coefficients", v, values(c.Natural))
		reversed := slices.Clone(v)
		for i, x := range v {
			reversed[Reverse(i, c.LogSize)] = x
		}
		equalSlices(t, "reversed coefficients", reversed, values(c.Reversed))
		equal(t, "value", EvalLine(reversed, c.Eval.X.value()), c.Eval.Value.value())
	}
}
