//go:build interop

package interop_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/interop/oracle"
	"github.com/bitsage/bitsage/interop/statement"
	"github.com/bitsage/bitsage/prover"
)

// rust builds the Rust program once. Without cargo the tests fail.
var rust = sync.OnceValues(func() (*oracle.Oracle, error) {
	root, err := oracle.Root(context.Background())
	if err != nil {
		return nil, err
	}
	o, err := oracle.Build(context.Background(), root)
	if err != nil {
		return nil, err
	}
	o.Threads = 1 // cases run in parallel
	return o, nil
})

func mustBuild(t *testing.T) *oracle.Oracle {
	t.Helper()
	o, err := rust()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The tests below run this many cases at least.
const (
	minWideFib = 850
	minLogUp   = 850
	minMatMul  = 360
)

// TestWideFib runs wide Fibonacci over the full product of parameters.
func TestWideFib(t *testing.T) {
	cases, skipped := overProduct(t, wideFib)
	runCases(t, cases, skipped, minWideFib)
}

// TestLogUp runs the two-component LogUp over the full product of parameters.
func TestLogUp(t *testing.T) {
	cases, skipped := overProduct(t, logUp)
	runCases(t, cases, skipped, minLogUp)
}

// TestMatMul runs matrix products.
func TestMatMul(t *testing.T) {
	cases, skipped := matMuls(t)
	runCases(t, cases, skipped, minMatMul)
}

// TestProfiles runs matrix products under the profiles of package proof.
func TestProfiles(t *testing.T) {
	cases := profiles()
	runCases(t, cases, 0, len(cases))
}

// TestProduct keeps the enumeration from shrinking.
func TestProduct(t *testing.T) {
	if got := len(product()); got != productSize {
		t.Errorf("%d combinations, want %d", got, productSize)
	}
}

// filtered tells whether only some of a test's cases were asked for.
func filtered() bool {
	return strings.Contains(flag.Lookup("test.run").Value.String()+flag.Lookup("test.skip").Value.String(), "/")
}

// runCases runs the cases, two or so at a time, and expects at least so many to
// be carried out from end to end.
func runCases(t *testing.T, cases []testCase, skipped, least int) {
	o := mustBuild(t)
	var done, refused atomic.Int64
	p := prover.New(prover.Options{})
	var damaged tally
	proven := make([]*proven, len(cases)) // nil if not asked for
	t.Run("cases", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				r := &trial{t, o, t.TempDir()}
				made := r.prove(p, c, &refused)
				damaged.add(r.compare(made, i))
				proven[i] = digest(made)
				done.Add(1)
			})
		}
	})
	impltest.Each(t, func(t *testing.T) {
		t.Run("cases", func(t *testing.T) {
			for i, c := range cases {
				if proven[i] != nil {
					t.Run(c.name, func(t *testing.T) {
						t.Parallel()
						again(t, p, c, proven[i])
					})
				}
			}
		})
	})
	t.Logf("%d cases both ways; %d combinations of a size that Layout.Validate refuses left out; %d valid proofs that stwo refuses replaced; damaged: %v",
		done.Load(), skipped, refused.Load(), &damaged)
	if !filtered() && int(done.Load()) < least {
		t.Errorf("%d cases, want at least %d", done.Load(), least)
	}
}

// proven is a proof that both sides agree on.
type proven struct {
	pow    int
	digest [sha256.Size]byte
}

func digest(made *statement.Made) *proven {
	return &proven{made.AIR.Config.PowBits, sha256.Sum256(made.Proof.AppendJSON(nil, made.AIR.Kind))}
}

// again proves a case with one implementation of the kernels and expects the same
// bytes.
func again(t *testing.T, p *prover.Prover, c testCase, want *proven) {
	s, err := c.make(want.pow)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Prove(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if *digest(made) != *want {
		t.Error("another proof than the one compared with Rust's")
	}
}

// tally counts words.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = make(map[string]int)
	}
	c.n[word]++
}

// String lists the words with their counts.
func (c *tally) String() string {
	var out []string
	for word, n := range c.n {
		out = append(out, fmt.Sprintf("%s %d", word, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// trial is one case in progress.
type trial struct {
	*testing.T
	rust *oracle.Oracle
	dir  string
}

func (r *trial) path(name string) string { return filepath.Join(r.dir, name) }

func (r *trial) write(name string, data []byte) string {
	r.Helper()
	if err := os.WriteFile(r.path(name), data, 0o600); err != nil {
		r.Fatal(err)
	}
	return r.path(name)
}

// prove proves the case on this side. Where stwo would refuse the proof by a fault
// of its own, that is checked, and another proof of work, hence other queries, is
// tried.
func (r *trial) prove(p *prover.Prover, c testCase, refused *atomic.Int64) *statement.Made {
	r.Helper()
	for pow := powBits; pow < powBits+8; pow++ {
		s, err := c.make(pow)
		if err != nil {
			r.Fatal(err)
		}
		made, err := s.Prove(r.Context(), p)
		if err != nil {
			r.Fatal(err)
		}
		if !misordered(r.T, made) {
			return made
		}
		refused.Add(1)
		r.expectRefusal(made)
	}
	r.Fatal("no proof that stwo would accept")
	return nil
}

// expectRefusal expects stwo to reject its own proof and ours, which this side
// accepts.
func (r *trial) expectRefusal(made *statement.Made) {
	r.Helper()
	air, witness := r.files(made)
	if _, err := r.rust.Prove(r.Context(), air, witness, r.path("rust")); err == nil || !strings.Contains(err.Error(), "stwo rejects the proof: Root mismatch") {
		r.Errorf("Rust is expected to reject its own proof: %v", err)
	}
	r.expectRust(false, air, made.Proof.AppendJSON(nil, made.AIR.Kind))
	if _, err := made.AIR.Verify(made.Proof); err != nil {
		r.Errorf("Go rejects its own proof: %v", err)
	}
}

// compare lets both sides prove and verify each other's proofs, compares the
// bytes, and lets both verify a damaged proof. It returns what was damaged.
func (r *trial) compare(made *statement.Made, number int) string {
	air, witness := r.files(made)
	kind := made.AIR.Kind
	ours := made.Proof.AppendJSON(nil, kind)

	theirs, err := r.rust.Prove(r.Context(), air, witness, r.path("rust"))
	if err != nil {
		r.Fatal(err)
	}
	if !bytes.Equal(ours, theirs) {
		r.Errorf("the proofs differ at byte %d of %d and %d", difference(ours, theirs), len(ours), len(theirs))
	}
	parsed, err := stark.ParseJSON(theirs, kind)
	if err != nil {
		r.Fatal(err)
	}
	if _, err := made.AIR.Verify(parsed); err != nil {
		r.Errorf("Go rejects Rust's proof: %v", err)
	}
	r.expectRust(true, air, ours)

	damage := damages[number%len(damages)]
	damage.do(parsed, number)
	if _, err := made.AIR.Verify(parsed); !errors.Is(err, stark.ErrInvalid) {
		r.Errorf("%s damaged: Go says %v", damage.name, err)
	}
	r.expectRust(false, air, parsed.AppendJSON(nil, kind))
	return damage.name
}

func (r *trial) expectRust(want bool, air string, proof []byte) {
	r.Helper()
	if got, err := r.rust.Verify(r.Context(), air, r.write("PROOF.json", proof)); err != nil || got != want {
		r.Errorf("Rust accepts: %v, want %v; error: %v", got, want, err)
	}
}

// files writes the statement for the Rust side: the claimed sums are public, and
// the interaction columns are given.
func (r *trial) files(made *statement.Made) (air, witness string) {
	r.Helper()
	data, err := json.Marshal(made.AIR)
	if err != nil {
		r.Fatal(err)
	}
	var columns bytes.Buffer
	if err := statement.WriteWitness(&columns, made.Trees); err != nil {
		r.Fatal(err)
	}
	return r.write("AIR.json", data), r.write("WITNESS.json", columns.Bytes())
}

// difference returns the first position where a and b differ.
func difference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
