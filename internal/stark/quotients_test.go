package stark

import (
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/vectors"
)

type quotientVectors struct {
	Lines []lineVectors
	Batch struct {
		Blowup       int     `json:"log_blowup"`
		Lifting      int     `json:"lifting_log_size"`
		RandomCoeff  Flat    `json:"random_coeff"`
		Logs         [][]int `json:"extended_log_sizes"`
		Coefficients [][][]m31.Elem
		Samples      [][][]struct {
			Point Point
			Value Flat
		}
		Quotient  []Flat `json:"quotient_storage_order"`
		Positions []int
		Queried   [][][]m31.Elem `json:"queried_values"`
		Answers   []Flat         `json:"fri_answers"`
	}
}

// lineVectors is the line a*y + b through a sample and its conjugate, scaled by
// c, all times alpha.
type lineVectors struct {
	Point          Point
	Value, Alpha   Flat
	A, B, C        Flat
	DomainPoint    circle.Point `json:"domain_point"`
	DenominatorInv [2]m31.Elem  `json:"denominator_inverse"`
}

func loadQuotients(t *testing.T) *quotientVectors {
	v := new(quotientVectors)
	vectors.Load(t, v, "stwo", "quotients.json")
	if len(v.Lines) == 0 || len(v.Batch.Quotient) == 0 {
		t.Fatal("quotients.json lacks a list")
	}
	return v
}

// QuotientAt exposes quotientAt to external tests.
var QuotientAt = quotientAt

// batch puts the line second, after a sample of value zero, so that alpha is its
// coefficient.
func (v *lineVectors) batch(t *testing.T) *Batch {
	columns := [][]Column{{{3, []int{0}}, {3, []int{0}}}}
	z := []circle.SecurePoint{v.Point.Secure()}
	bs := Quotients(columns, [][][]circle.SecurePoint{{z, z}}, [][][]QM31{{{{}}, {v.Value.Felt()}}}, v.Alpha.Felt(), 4, 1)
	if len(bs) != 1 {
		t.Fatalf("%d batches for one point", len(bs))
	}
	return bs[0]
}

func TestVectorsQuotientLines(t *testing.T) {
	for _, v := range loadQuotients(t).Lines {
		b := v.batch(t)
		equal(t, "point", b.Point, v.Point.Secure())
		equal(t, "first coefficient", b.Terms[0], Term{0, 0, m31.One})
		equal(t, "second coefficient", b.Terms[1], Term{0, 1, v.Alpha.Felt()})
		equal(t, "a", b.A, v.A.Felt())
		equal(t, "b", b.B, v.B.Felt())
		equal(t, "c", b.C.Mul(v.Alpha.Felt()), v.C.Felt())
		inv := m31.CM31{A: v.DenominatorInv[0], B: v.DenominatorInv[1]}
		equal(t, "1/denominator", b.Denominator(v.DomainPoint).Inv(), inv)
	}
}

// TestVectorsQuotient computes the quotients of columns of several sizes, one
// or two samples each, at all points of the domain and at the queries.
func TestVectorsQuotient(t *testing.T) {
	v := loadQuotients(t).Batch
	var columns [][]Column
	var points [][][]circle.SecurePoint
	var values [][][]QM31
	var lifted [][][]m31.Elem
	for i, logs := range v.Logs {
		columns, lifted = append(columns, nil), append(lifted, nil)
		points, values = append(points, make([][]circle.SecurePoint, len(logs))), append(values, make([][]QM31, len(logs)))
		for c, log := range logs {
			columns[i] = append(columns[i], Column{LogSize: log - v.Blowup})
			lifted[i] = append(lifted[i], liftedColumn(v.Coefficients[i][c], log, v.Lifting))
			for _, s := range v.Samples[i][c] {
				points[i][c] = append(points[i][c], s.Point.Secure())
				values[i][c] = append(values[i][c], s.Value.Felt())
			}
		}
	}
	batches := Quotients(columns, points, values, v.RandomCoeff.Felt(), v.Lifting, v.Blowup)
	at := func(opened [][][]m31.Elem, k, slot int) QM31 {
		return quotientAt(batches, opened, k, circle.StoragePoint(slot, v.Lifting))
	}
	for p, want := range v.Quotient {
		equal(t, "quotient", at(lifted, p, p), want.Felt())
	}
	for k, p := range v.Positions {
		equal(t, "answer", at(v.Queried, k, p), v.Answers[k].Felt())
	}
	equal(t, "answers", len(v.Answers), len(v.Positions))
}

// liftedColumn evaluates a polynomial on a domain of size 2^log and lifts it to
// size 2^to.
func liftedColumn(coeffs []m31.Elem, log, to int) []m31.Elem {
	v, out := make([]m31.Elem, 1<<log), make([]m31.Elem, 1<<to)
	circle.Evaluate(v, coeffs)
	for p := range out {
		out[p] = v[circle.LiftIndex(p, to-log)]
	}
	return out
}

// TestQuotientBatches checks grouping, powers and the periodicity sample.
func TestQuotientBatches(t *testing.T) {
	const lifted, blowup = 6, 1
	previous, current := circle.SecurePointAt(q(1, 2, 3, 4)), circle.SecurePointAt(q(5, 6, 7, 8))
	next := circle.SecurePointAt(q(9, 10, 11, 12))
	columns := [][]Column{{{LogSize: 5}, {LogSize: 3}}, {{LogSize: 5}, {LogSize: 4}, {LogSize: 4}}}
	points := [][][]circle.SecurePoint{
		{{current}, {previous, current}},
		{{previous, current}, nil, {previous, current, next}},
	}
	values := [][][]QM31{
		{{q(1, 0, 0, 0)}, {q(2, 0, 0, 0), q(3, 0, 0, 0)}},
		{{q(4, 0, 0, 0), q(5, 0, 0, 0)}, nil, {q(6, 0, 0, 0), q(7, 0, 0, 0), q(8, 0, 0, 0)}},
	}
	alpha := q(13, 14, 15, 16)
	got := make(map[circle.SecurePoint][]Term)
	for _, b := range Quotients(columns, points, values, alpha, lifted, blowup) {
		got[b.Point] = b.Terms
	}
	// Column 1 of tree 0 has period 2^4 on the domain of size 2^6.
	period := circle.SubgroupGen(2).Point().Secure()
	term := func(tree, column int, k int64) Term { return Term{tree, column, alpha.Pow(k)} }
	want := map[circle.SecurePoint][]Term{
		current:             {term(0, 0, 0), term(0, 1, 3), term(1, 0, 4), term(1, 0, 6), term(1, 2, 8)},
		current.Add(period): {term(0, 1, 1)},
		previous:            {term(0, 1, 2), term(1, 0, 5), term(1, 2, 7)},
		next:                {term(1, 2, 9)},
	}
	equal(t, "batches", len(got), len(want))
	for z, terms := range want {
		equalSlices(t, "terms", got[z], terms)
	}
}

// TestQuotientLine checks that the line passes through the sample and its
// conjugate: that a genuine column's numerator vanishes at the sample.
func TestQuotientLine(t *testing.T) {
	r := randtest.New(t)
	for range 20 {
		e := randColumn(r, 3)
		z, v := circle.SecurePointAt(m31.Q(e[0], e[1], e[2], e[3])), m31.Q(e[4], e[5], e[6], e[7])
		b := Quotients([][]Column{{{LogSize: 3}}}, [][][]circle.SecurePoint{{{z}}}, [][][]QM31{{{v}}}, m31.One, 4, 1)[0]
		line := func(y, v QM31) QM31 { return b.C.Mul(v).Sub(b.A.Mul(y)).Sub(b.B) }
		equal(t, "at the sample", line(z.Y, v), QM31{})
		equal(t, "at its conjugate", line(z.Y.Conj(), v.Conj()), QM31{})
		equal(t, "elsewhere", line(z.Y.Add(m31.One), v).IsZero(), false)
	}
}

func TestFlatten(t *testing.T) {
	one := func(i int) QM31 { return q(i, 0, 0, 0) }
	got := Flatten([][][]QM31{{}, {{}, {one(1)}}, {{one(2), one(3)}, {one(4)}}})
	equalSlices(t, "values", got, []QM31{one(1), one(2), one(3), one(4)})
}
