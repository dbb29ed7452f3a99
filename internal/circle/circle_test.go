package circle

import (
	"math"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
)

// onCircle reports whether x^2 + y^2 = 1.
func onCircle(p SecurePoint) bool { return p.X.Square().Add(p.Y.Square()) == m31.One }

func TestGroup(t *testing.T) {
	r := randtest.New(t)
	zero := Point{1, 0}
	for range 100 {
		i, j, k := randIndex(r), randIndex(r), randIndex(r)
		p, q, s := i.Point(), j.Point(), k.Point()
		equal(t, "on the circle", onCircle(p.Secure()), true)
		equal(t, "p+0", p.Add(zero), p)
		equal(t, "p-p", p.Add(p.Neg()), zero)
		equal(t, "p+q", p.Add(q), q.Add(p))
		equal(t, "(p+q)+s", p.Add(q).Add(s), p.Add(q.Add(s)))
		equal(t, "i+j", i.Add(j).Point(), p.Add(q))
		equal(t, "-i", i.Neg().Point(), p.Neg())
		equal(t, "antipode", i.Add(SubgroupGen(1)).Point(), p.Antipode())
		equal(t, "double", DoubleX(p.X), p.Add(p).X)
		equal(t, "embedding", p.Secure().Add(q.Secure()), p.Add(q).Secure())
		equal(t, "embedded inverse", p.Secure().Neg(), p.Neg().Secure())
	}
}

func TestGeneratorOrder(t *testing.T) {
	p := Generator.Secure()
	equal(t, "order at most 2^31", p.Double(LogOrder), Point{1, 0}.Secure())
	equal(t, "order above 2^30", p.Double(LogOrder-1), Point{m31.P - 1, 0}.Secure())
	for k := 1; k <= LogOrder; k++ {
		g := SubgroupGen(k).Point().Secure()
		equal(t, "subgroup", g.Double(k-1), Point{m31.P - 1, 0}.Secure())
	}
}

func TestIndexMul(t *testing.T) {
	r := randtest.New(t)
	for range 50 {
		i, n := randIndex(r), r.IntN(1000)
		sum := Index(0)
		for range n {
			sum = sum.Add(i)
		}
		equal(t, "n*i", i.Mul(n), sum)
		equal(t, "-n*i", i.Mul(-n), sum.Neg())
		equal(t, "order*i", i.Mul(1<<LogOrder), 0)
		equal(t, "MinInt*i", i.Mul(math.MinInt), 0)
	}
	equal(t, "-0", Index(0).Neg(), 0)
	equal(t, "-(order/2)", Index(1<<30).Neg(), 1<<30)
}

func TestSecurePoint(t *testing.T) {
	r := randtest.New(t)
	for range 50 {
		u, v := randQM31(r), randQM31(r)
		p, q := SecurePointAt(u), SecurePointAt(v)
		equal(t, "on the circle", onCircle(p), true)
		equal(t, "sum on the circle", onCircle(p.Add(q)), true)
		equal(t, "p-p", p.Add(p.Neg()), SecurePoint{X: m31.One})
		equal(t, "at -t", SecurePointAt(u.Neg()), p.Neg())
		for n := range 5 {
			equal(t, "doubled", DoubleXSecure(p.X, n), p.Double(n).X)
		}
	}
	equal(t, "at 0", SecurePointAt(m31.QM31{}), SecurePoint{X: m31.One})
	equal(t, "at 1", SecurePointAt(m31.One), SecurePoint{Y: m31.One})
	i := m31.Q(0, 1, 0, 0) // i*i = -1: no point of the circle
	equal(t, "at i", SecurePointAt(i), SecurePoint{})
}

func TestCosets(t *testing.T) {
	for k := range 11 {
		for _, c := range []Coset{Odds(k), HalfOdds(k)} {
			for j, p := range c.Points() {
				equal(t, "point", p, c.At(j).Point())
			}
		}
	}
}

// TestVanishing checks that (k-1)-fold doubling of x vanishes exactly on the
// canonic coset of size 2^k.
func TestVanishing(t *testing.T) {
	for k := 1; k <= 8; k++ {
		for j, p := range Odds(k).Points() {
			equal(t, "on the coset", DoubleXSecure(p.Secure().X, k-1), m31.QM31{})
			other := Odds(k).At(j).Add(1).Point()
			equal(t, "off the coset", DoubleXSecure(other.Secure().X, k-1).IsZero(), false)
		}
	}
}

func TestReverse(t *testing.T) {
	equal(t, "no bits", Reverse(0, 0), 0)
	equal(t, "one bit", Reverse(1, 1), 1)
	equal(t, "bits", Reverse(0b0010110, 7), 0b0110100)
	for k := range 11 {
		for i := range 1 << k {
			equal(t, "reversed twice", Reverse(Reverse(i, k), k), i)
		}
	}
}

func TestOrders(t *testing.T) {
	for k := 1; k <= 10; k++ {
		seen := make(map[Point]bool)
		for j := range 1 << k {
			equal(t, "domain to row", DomainToRow(RowToDomain(j, k), k), j)
			equal(t, "row to domain", RowToDomain(DomainToRow(j, k), k), j)
			equal(t, "storage to row", StorageToRow(RowToStorage(j, k), k), j)
			equal(t, "row to storage", RowToStorage(StorageToRow(j, k), k), j)
			p := StoragePoint(j, k)
			equal(t, "point of the row", Odds(k).At(StorageToRow(j, k)).Point(), p)
			equal(t, "conjugate", StoragePoint(j^1, k), p.Neg())
			seen[p] = true
		}
		equal(t, "distinct points", len(seen), 1<<k)
	}
}

func TestToStorage(t *testing.T) {
	r := randtest.New(t)
	for k := 1; k <= 10; k++ {
		rows := randColumn(r, k)
		stored, back := make([]m31.Elem, len(rows)), make([]m31.Elem, len(rows))
		ToStorage(stored, rows, k)
		for j, e := range rows {
			equal(t, "stored row", stored[RowToStorage(j, k)], e)
		}
		ToRows(back, stored, k)
		equalSlices(t, "rows", back, rows)
	}
}

// TestLiftIndex compares LiftIndex with h-fold doubling of the points.
func TestLiftIndex(t *testing.T) {
	for k := 1; k <= 10; k++ {
		for h := range k {
			for p := range 1 << k {
				doubled := DomainIndex(Reverse(p, k), k).Mul(1 << h).Point()
				equal(t, "doubled point", StoragePoint(LiftIndex(p, h), k-h), doubled)
			}
		}
	}
}

// TestLargestDomains checks points of domains too large to enumerate.
func TestLargestDomains(t *testing.T) {
	r := randtest.New(t)
	for _, k := range []int{20, 28, 30} {
		for range 100 {
			i := r.IntN(1 << k)
			p := StoragePoint(i, k)
			equal(t, "conjugate", StoragePoint(i^1, k), p.Neg())
			equal(t, "row", Odds(k).At(StorageToRow(i, k)).Point(), p)
			equal(t, "vanishing", DoubleXSecure(p.Secure().X, k-1), m31.QM31{})
			equal(t, "line", LineStorageX(i>>1, k-1), p.X)
		}
	}
}
