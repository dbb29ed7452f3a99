//go:build interop

package interop_test

import (
	"fmt"
	"testing"

	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/interop/statement"
	"github.com/bitsage/bitsage/proof"
)

// A testCase is a statement with a name. It is made late, since there are many,
// and for a given proof of work.
type testCase struct {
	name string
	make func(powBits int) (*statement.Statement, error)
}

// powBits is the proof of work that is tried first.
const powBits = 5

// parameters is a point of the product of all parameters of a configuration.
type parameters struct {
	kind               stark.Kind
	fold, blowup, last int
	lifted             bool
	pow                int
}

// product lists every combination of channel, fold steps 1 to 4, log blowups 1 to
// 4, last-layer bounds 0 to 3, with and without lifting.
func product() []parameters {
	var out []parameters
	for _, kind := range []stark.Kind{stark.Blake2s, stark.Blake2sM31, stark.Poseidon252} {
		for fold := 1; fold <= 4; fold++ {
			for blowup := 1; blowup <= 4; blowup++ {
				for last := range 4 {
					out = append(out, parameters{kind, fold, blowup, last, false, powBits}, parameters{kind, fold, blowup, last, true, powBits})
				}
			}
		}
	}
	return out
}

// productSize is the number of combinations.
const productSize = 3 * 4 * 4 * 4 * 2

// config returns the configuration for a largest component of 2^log rows. A lifted
// domain is larger than it need be by 0, 1 or 2, in turn.
func (p parameters) config(log int) stark.Config {
	c := stark.Config{PowBits: p.pow, LogBlowup: p.blowup, LogLastLayer: p.last, Queries: 3 + (p.fold+p.last)%4, FoldStep: p.fold}
	if p.lifted {
		c.Lifting = log + p.blowup + (p.fold+p.blowup+p.last+log)%3
	}
	return c
}

func (p parameters) String() string {
	s := fmt.Sprintf("%v/fold%d-blowup%d-last%d", p.kind, p.fold, p.blowup, p.last)
	if p.lifted {
		s += "-lifted"
	}
	return s
}

// sizes lists the log sizes to try. Poseidon is slow, both here and there, and its
// hash is all that makes a difference, so the smallest size that works will do.
func (p parameters) sizes() (logs []int, all bool) {
	switch p.kind {
	case stark.Blake2s:
		return []int{5, 6, 7, 8}, true
	case stark.Blake2sM31:
		return []int{5, 7}, true
	}
	return []int{2, 3, 4, 5, 6, 7}, false
}

// overProduct makes a case for every combination and size that stwo can prove:
// the rule is stark.Layout.Validate, and what it leaves out is counted.
func overProduct(t *testing.T, make func(p parameters, log int) (*statement.Statement, error)) (cases []testCase, skipped int) {
	t.Helper()
	for _, p := range product() {
		logs, all := p.sizes()
		found := 0
		for _, log := range logs {
			s, err := make(p, log)
			if err != nil {
				t.Fatal(err)
			}
			if s.AIR.Layout().Validate() != nil {
				skipped++
				continue
			}
			found++
			name := fmt.Sprintf("%v-rows%d", p, log)
			cases = append(cases, testCase{name, func(pow int) (*statement.Statement, error) {
				p.pow = pow
				return make(p, log)
			}})
			if !all {
				break
			}
		}
		if found == 0 {
			t.Errorf("no size fits %v", p)
		}
	}
	return cases, skipped
}

func wideFib(p parameters, log int) (*statement.Statement, error) {
	columns := 3 + (p.fold+2*p.blowup+3*p.last+log)%7
	return statement.WideFib(p.kind, p.config(log), log, columns, p.lifted)
}

// logUp lets either of the components be the larger one.
func logUp(p parameters, log int) (*statement.Statement, error) {
	user, table := log, max(1, log-1-p.last%3)
	if p.lifted && p.fold%2 == 0 {
		user, table = table, user
	}
	return statement.LogUp(p.kind, p.config(log), user, table)
}

// matMuls lists matrix products: cubes and uneven shapes, of both types, over
// configurations that cover every parameter. Large ones use Blake2s.
func matMuls(t *testing.T) (cases []testCase, skipped int) {
	t.Helper()
	shapes := []matmul.Shape{
		{M: 16, K: 16, N: 16}, {M: 64, K: 64, N: 64}, {M: 256, K: 256, N: 256},
		{M: 1, K: 1, N: 1}, {M: 5, K: 3, N: 7}, {M: 33, K: 31, N: 29}, {M: 100, K: 1, N: 64}, {M: 200, K: 5, N: 3},
		{M: 17, K: 64, N: 5}, {M: 64, K: 17, N: 130}, {M: 128, K: 48, N: 100}, {M: 31, K: 200, N: 33}, {M: 90, K: 90, N: 7},
	}
	all := product()
	next := 0
	for _, s := range shapes {
		perType := 24
		if s.LogRows() > 8 {
			perType = 3
		}
		for range perType {
			for _, s.DType = range []uint32{statement.Int8, statement.M31} {
				// 89 is coprime to the size of the product: a walk through all of it.
				p := all[next*89%len(all)]
				next++
				if s.LogRows() > 4 && p.kind == stark.Poseidon252 || s.LogRows() > 8 {
					p.kind = stark.Blake2s
				}
				if s.LogRows() > 8 {
					p.blowup = 1 + p.blowup%2
				}
				make := func(pow int) (*statement.Statement, error) {
					p.pow = pow
					return statement.MatMul(p.kind, p.config(s.LogRows()), s)
				}
				a, err := s.AIR(p.kind, p.config(s.LogRows()), nil)
				if err != nil {
					t.Fatal(err)
				}
				if a.Layout().Validate() != nil {
					skipped++
					continue
				}
				cases = append(cases, testCase{fmt.Sprintf("%dx%dx%d-%d/%v", s.M, s.K, s.N, s.DType, p), make})
			}
		}
	}
	return cases, skipped
}

// profiles lists matrix products under the parameters of every profile, but for the
// proof of work. One is too short for the profile's last layer, one has it and no inner
// layer of FRI, and one has both.
func profiles() (cases []testCase) {
	for _, profile := range proof.Profiles() {
		for _, s := range []matmul.Shape{{M: 16, K: 16, N: 16}, {M: 5, K: 256, N: 33}, {M: 3, K: 2048, N: 2}} {
			s.DType = statement.Int8
			cases = append(cases, testCase{fmt.Sprintf("%v/%dx%dx%d", profile, s.M, s.K, s.N), func(pow int) (*statement.Statement, error) {
				c := profile.Config(s.LogRows())
				c.PowBits = pow
				return statement.MatMul(stark.Blake2s, c, s)
			}})
		}
	}
	return cases
}
