// Package backendtest is the conformance suite of backends: every operation is
// compared with a plain reference, for several numbers of threads. A new backend
// runs the same suite as the processor's.
package backendtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Run tests a backend on one to four threads. References do not depend on the
// number of threads, so that equal results for all of them follow.
func Run(t *testing.T, b backend.Backend) {
	if b.Name() == "" {
		t.Error("the backend has no name")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for threads := 1; threads <= 4; threads++ {
		runtime.GOMAXPROCS(threads)
		tests := []testCase{
			{"Transforms", (*suite).transforms},
			{"Merkle", (*suite).merkle},
			{"MerklePacked", (*suite).merklePacked},
			{"EvalAt", (*suite).evalAt},
			{"Constraints", (*suite).constraints},
			{"Fractions", (*suite).fractions},
			{"Quotients", (*suite).quotients},
			{"Folds", (*suite).folds},
			{"Grind", (*suite).grind},
			{"Cancelled", (*suite).cancelled},
		}
		mul, ok := b.(backend.Multiplier)
		if ok {
			tests = append(tests, multiplierTests...)
		}
		for _, c := range tests {
			t.Run(fmt.Sprintf("%s/%d", c.name, threads), func(t *testing.T) {
				c.test(&suite{t, b, mul, rand.New(rand.NewPCG(0xb175, 0x5a6e))})
			})
		}
	}
}

type testCase struct {
	name string
	test func(*suite)
}

// suite is one test of one backend with its own source of randomness.
type suite struct {
	*testing.T
	b   backend.Backend
	mul backend.Multiplier // the same, if it is one
	rng *rand.Rand
}

// check ends the test on an error.
func (s *suite) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// elem returns a random element; the extremes 0 and P-1 are frequent.
func (s *suite) elem() m31.Elem {
	switch s.rng.IntN(16) {
	case 0:
		return 0
	case 1:
		return m31.P - 1
	}
	return m31.Elem(s.rng.Uint32N(m31.P))
}

func (s *suite) felt() m31.QM31 { return m31.Q(s.elem(), s.elem(), s.elem(), s.elem()) }

func (s *suite) column(n int) []m31.Elem {
	v := make([]m31.Elem, n)
	for i := range v {
		v[i] = s.elem()
	}
	return v
}

func (s *suite) columns(logs []int) [][]m31.Elem {
	out := make([][]m31.Elem, len(logs))
	for i, l := range logs {
		out[i] = s.column(1 << l)
	}
	return out
}

func (s *suite) secure(n int) m31.SecureVec {
	return m31.SecureVec{s.column(n), s.column(n), s.column(n), s.column(n)}
}

// point returns a random point of the secure circle.
func (s *suite) point() circle.SecurePoint {
	return circle.SecurePointAt(m31.Q(m31.Elem(s.rng.Uint32N(m31.P)), s.elem(), 1+m31.Elem(s.rng.Uint32N(1<<20)), s.elem()))
}

func clone(columns [][]m31.Elem) [][]m31.Elem {
	out := make([][]m31.Elem, len(columns))
	for i, c := range columns {
		out[i] = slices.Clone(c)
	}
	return out
}

func equal(a, b [][]m31.Elem) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]m31.Elem])
}

// transforms compares both directions with package circle, on columns of mixed
// sizes and blowups and on buffers with old contents.
func (s *suite) transforms() {
	logs := []int{1, 2, 3, 9, 10, 1, 12, 5}
	values := s.columns(logs)
	coeffs, want := clone(values), clone(values)
	s.check(s.b.Interpolate(context.Background(), coeffs, coeffs))
	for i := range want {
		circle.Interpolate(want[i], values[i])
	}
	if !equal(coeffs, want) {
		s.Fatal("Interpolate differs")
	}
	blowups := []int{0, 1, 2, 3, 1, 5, 0, 4}
	dst, ref := make([][]m31.Elem, len(logs)), make([][]m31.Elem, len(logs))
	for i, l := range logs {
		dst[i] = s.column(1 << (l + blowups[i]))
		ref[i] = make([]m31.Elem, len(dst[i]))
		circle.Evaluate(ref[i], coeffs[i])
	}
	s.check(s.b.Evaluate(context.Background(), dst, coeffs))
	if !equal(dst, ref) {
		s.Fatal("Evaluate differs")
	}
	if !equal(coeffs, want) {
		s.Fatal("Evaluate changed the coefficients")
	}
	kept := clone(values)
	for i := range dst {
		dst[i] = s.column(len(dst[i]))
	}
	s.check(s.b.Extend(context.Background(), dst, values, backend.Part{}))
	if !equal(dst, ref) {
		s.Fatal("Extend differs")
	}
	s.parts(values, ref)
	s.check(s.b.Interpolate(context.Background(), coeffs, values))
	if !equal(coeffs, want) {
		s.Fatal("Interpolate to other columns differs")
	}
	if !equal(values, kept) {
		s.Fatal("the evaluations were changed")
	}
}

// parts extends columns part by part.
func (s *suite) parts(values, ref [][]m31.Elem) {
	for log := 1; log <= 4; log++ {
		var from, want [][]m31.Elem
		for i, r := range ref {
			if len(r) >= len(values[i])<<log {
				from, want = append(from, values[i]), append(want, r)
			}
		}
		for k := range 1 << log {
			got, part := make([][]m31.Elem, len(want)), make([][]m31.Elem, len(want))
			for i, w := range want {
				n := len(w) >> log
				got[i], part[i] = s.column(n), w[k*n:(k+1)*n]
			}
			s.check(s.b.Extend(context.Background(), got, from, backend.Part{Index: k, Log: log}))
			if !equal(got, part) {
				s.Fatalf("part %d of %d of an extension differs", k, 1<<log)
			}
		}
	}
}

// room returns memory with old contents for a tree.
func room(logHeight int) []stark.Hash {
	return slices.Repeat([]stark.Hash{{1, 2, 3}}, 1<<logHeight)
}

var kinds = []stark.Kind{stark.Blake2s, stark.Blake2sM31, stark.Poseidon252}

// merkle compares trees over columns of mixed sizes, taller trees than columns,
// and trees without columns.
func (s *suite) merkle() {
	for _, logs := range [][]int{{}, {1}, {3, 3, 3}, {2, 5, 1, 5, 3, 2}, {6, 6, 4}} {
		columns := s.columns(logs)
		height := 0
		for _, l := range logs {
			height = max(height, l)
		}
		for _, kind := range kinds {
			for lift := range 3 {
				if len(logs) == 0 && lift > 0 {
					continue // a tree without columns has one leaf
				}
				got, err := s.b.Merkle(context.Background(), kind.Hasher(), room(height+lift), columns, height+lift)
				s.check(err)
				s.sameLayers(got, stark.MerkleLayers(kind.Hasher(), columns, height+lift))
			}
		}
	}
	columns := s.columns([]int{11, 4, 11, 12})
	got, err := s.b.Merkle(context.Background(), stark.Blake2s.Hasher(), room(12), columns, 12)
	s.check(err)
	s.sameLayers(got, stark.MerkleLayers(stark.Blake2s.Hasher(), columns, 12))
}

func (s *suite) sameLayers(got, want [][]stark.Hash) {
	s.Helper()
	if len(want) > 1 {
		want[len(want)-1] = nil
	}
	if len(got) != len(want) || len(got) > 1 && got[len(got)-1] != nil || !slices.EqualFunc(got, want, slices.Equal[[]stark.Hash]) {
		s.Fatal("the layers of a tree differ")
	}
}

// merklePacked spreads the values of a leaf over columns, one for each value and
// coordinate: they hash to the same leaves.
func (s *suite) merklePacked() {
	for _, kind := range kinds {
		for log := 2; log <= 7; log++ {
			for packing := 0; packing <= 2; packing++ {
				v := s.secure(1 << log)
				got, err := s.b.MerklePacked(context.Background(), kind.Hasher(), room(log-packing), v, packing)
				s.check(err)
				s.sameLayers(got, packedLayers(kind.Hasher(), v, packing))
			}
		}
	}
}

func packedLayers(h stark.Hasher, v m31.SecureVec, packing int) [][]stark.Hash {
	per := 1 << packing
	leaves := v.Len() / per
	layers := [][]stark.Hash{make([]stark.Hash, leaves)}
	for j := range leaves {
		var row []m31.Elem
		for k := range per {
			c := v.At(j*per + k).Coords()
			row = append(row, c[:]...)
		}
		layers[0][j] = h.Leaf(row)
	}
	for len(layers[0]) > 1 {
		above := make([]stark.Hash, len(layers[0])/2)
		for i := range above {
			above[i] = h.Node(&layers[0][2*i], &layers[0][2*i+1])
		}
		layers = slices.Insert(layers, 0, above)
	}
	return layers
}

// evalAt evaluates several polynomials of several sizes at several points, some
// of which coincide.
func (s *suite) evalAt() {
	points := []circle.SecurePoint{s.point(), s.point(), s.point()}
	var polys []backend.Poly
	var want []m31.QM31
	for i := range 40 {
		coeffs := s.column(1 << (1 + i%13))
		p := backend.Poly{Coeffs: coeffs, Point: points[i%3]}
		if i%4 == 0 {
			p.Coeffs, p.Values = nil, make([]m31.Elem, len(coeffs))
			circle.Evaluate(p.Values, coeffs)
		}
		polys = append(polys, p)
		want = append(want, circle.EvalAt(coeffs, p.Point))
	}
	got, err := s.b.EvalAt(context.Background(), polys)
	s.check(err)
	if !slices.Equal(got, want) {
		s.Fatal("EvalAt differs")
	}
	if got, err := s.b.EvalAt(context.Background(), nil); err != nil || len(got) != 0 {
		s.Fatalf("no polynomials: %v, %v", got, err)
	}
}

// quotients compares the DEEP quotient with the formula of the protocol, sample
// by sample, on lifted columns and columns with one, two and three samples.
func (s *suite) quotients() {
	for _, log := range []int{2, 5, 10} {
		const blowup = 1
		cols := [][]stark.Column{
			{{LogSize: log, Offsets: []int{0}}, {LogSize: log - 1}},
			{{LogSize: log - 1, Offsets: []int{-1, 0}}, {LogSize: log, Offsets: []int{-1, 0}}, {LogSize: 1, Offsets: []int{-1, 0, 1}}},
		}
		var trees [][][]m31.Elem
		var points [][][]circle.SecurePoint
		var values [][][]m31.QM31
		z := []circle.SecurePoint{s.point(), s.point(), s.point()}
		for _, tree := range cols {
			var columns [][]m31.Elem
			var ps [][]circle.SecurePoint
			var vs [][]m31.QM31
			for _, c := range tree {
				columns = append(columns, s.column(1<<c.LogSize))
				ps = append(ps, z[:len(c.Offsets)])
				vs = append(vs, []m31.QM31{s.felt(), s.felt(), s.felt()}[:len(c.Offsets)])
			}
			trees, points, values = append(trees, columns), append(points, ps), append(values, vs)
		}
		gamma := s.felt()
		batches := stark.Quotients(cols, points, values, gamma, log+blowup, blowup)
		got := s.secure(1 << log) // not zero
		s.check(s.b.Quotients(context.Background(), got, &backend.Quotients{Trees: trees, Batches: batches, Log: log}))
		for p := range 1 << log {
			if want := quotientAt(cols, trees, points, values, gamma, log, blowup, p); got.At(p) != want {
				s.Fatalf("log size %d, slot %d: %v, want %v", log, p, got.At(p), want)
			}
		}
	}
}

// quotientAt adds up g^k*(c*f - a*y - b)/den over all samples in order.
func quotientAt(cols [][]stark.Column, trees [][][]m31.Elem, points [][][]circle.SecurePoint, values [][][]m31.QM31, gamma m31.QM31, log, blowup, slot int) m31.QM31 {
	at := circle.StoragePoint(slot, log)
	var sum m31.QM31
	power := m31.One
	add := func(f m31.Elem, z circle.SecurePoint, v m31.QM31) {
		a, c := v.Conj().Sub(v), z.Y.Conj().Sub(z.Y)
		b := v.Mul(c).Sub(a.Mul(z.Y))
		num := c.MulElem(f).Sub(a.MulElem(at.Y)).Sub(b)
		reX, reY := z.X.A.Sub(m31.CM31{A: at.X}), z.Y.A.Sub(m31.CM31{A: at.Y})
		den := reX.Mul(z.Y.B).Sub(reY.Mul(z.X.B))
		sum = sum.Add(power.Mul(num).MulCM31(den.Inv()))
		power = power.Mul(gamma)
	}
	for t := range cols {
		for c, col := range cols[t] {
			f := trees[t][c][circle.LiftIndex(slot, log-col.LogSize)]
			zs, vs := points[t][c], values[t][c]
			if len(zs) == 2 {
				g := circle.SubgroupGen(log + blowup).Point().Secure()
				add(f, zs[1].Add(g.Double(col.LogSize+blowup)), vs[1])
			}
			for i, z := range zs {
				add(f, z, vs[i])
			}
		}
	}
	return sum
}

// folds compares both folds with the verifier's pairs.
func (s *suite) folds() {
	for log := 1; log <= 13; log++ {
		v, alpha := s.secure(1<<log), s.felt()
		onCircle, onLine := s.secure(1<<(log-1)), s.secure(1<<(log-1)) // not zero
		s.check(s.b.FoldCircle(context.Background(), onCircle, v, alpha))
		s.check(s.b.FoldLine(context.Background(), onLine, v, alpha))
		for i := range 1 << (log - 1) {
			a, b := v.At(2*i), v.At(2*i+1)
			if want := stark.FoldPair(a, b, alpha, circle.StoragePoint(2*i, log).Y.Inv()); onCircle.At(i) != want {
				s.Fatalf("log size %d: FoldCircle differs at %d", log, i)
			}
			if want := stark.FoldPair(a, b, alpha, circle.LineStorageX(2*i, log).Inv()); onLine.At(i) != want {
				s.Fatalf("log size %d: FoldLine differs at %d", log, i)
			}
		}
	}
}

// grind compares with a search from 0 on. Few bits of work make solutions that
// several threads find at once.
func (s *suite) grind() {
	for _, kind := range kinds {
		most := 16
		if kind == stark.Poseidon252 {
			most = 7
		}
		for bits := range most {
			ch := kind.NewChannel()
			ch.MixU64(s.rng.Uint64())
			pow, want := ch.Pow(bits), uint64(0)
			for !pow.Check(want) {
				want++
			}
			got, err := s.b.Grind(context.Background(), pow)
			s.check(err)
			if got != want {
				s.Fatalf("%v, %d bits: nonce %d, want the smallest, %d", kind, bits, got, want)
			}
		}
	}
}

// cancelled expects every operation to report the end of its context.
func (s *suite) cancelled() {
	ctx, cancel := context.WithCancel(context.Background())
	late := time.Duration(math.MaxInt64)
	for range 3 { // the scheduler of a busy machine may make one run late
		for _, kind := range kinds {
			ctx, cancel := context.WithCancel(context.Background())
			var ended atomic.Int64
			start := time.Now()
			time.AfterFunc(time.Millisecond, func() {
				ended.Store(int64(time.Since(start)))
				cancel()
			})
			_, err := s.b.Grind(ctx, kind.NewChannel().Pow(128))
			late = min(late, time.Since(start)-time.Duration(ended.Load()))
			s.ended("Grind", err)
		}
	}
	if late > 20*time.Millisecond {
		s.Errorf("Grind goes on for %v after the end of its context", late)
	}
	cancel()
	v := s.secure(8)
	h := stark.Blake2s.Hasher()
	for name, f := range map[string]func() error{
		"Interpolate":  func() error { return s.b.Interpolate(ctx, clone(v[:]), v[:]) },
		"Evaluate":     func() error { return s.b.Evaluate(ctx, clone(v[:]), v[:]) },
		"Extend":       func() error { return s.b.Extend(ctx, clone(v[:]), v[:], backend.Part{}) },
		"Merkle":       func() error { _, err := s.b.Merkle(ctx, h, room(3), v[:], 3); return err },
		"MerklePacked": func() error { _, err := s.b.MerklePacked(ctx, h, room(1), v, 2); return err },
		"EvalAt": func() error {
			_, err := s.b.EvalAt(ctx, []backend.Poly{{Coeffs: v[0], Point: s.point()}})
			return err
		},
		"Quotients":  func() error { return s.b.Quotients(ctx, v, &backend.Quotients{Log: 3}) },
		"FoldCircle": func() error { return s.b.FoldCircle(ctx, v.Slice(0, 4), v, m31.One) },
		"FoldLine":   func() error { return s.b.FoldLine(ctx, v.Slice(0, 4), v, m31.One) },
	} {
		s.ended(name, f())
	}
	p := s.program(3)
	acc := m31.NewSecureVec(1 << 4)
	s.ended("Constraints", s.b.Constraints(ctx, p.constraints(s, acc)))
	_, err := s.b.Fractions(ctx, p.fractions(s))
	s.ended("Fractions", err)
}

func (s *suite) ended(name string, err error) {
	s.Helper()
	if !errors.Is(err, context.Canceled) {
		s.Errorf("%s on an ended context: %v", name, err)
	}
}
