//go:build interop

package interop_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/interop/oracle"
	"github.com/bitsage/bitsage/interop/statement"
	"github.com/bitsage/bitsage/prover"
)

// minNative is the least number of comparisons of TestNative.
const minNative = 150

// TestNative compares with the proofs that stwo's own constraint framework makes,
// on both of its backends, without the interpreter of AIR files.
func TestNative(t *testing.T) {
	o := mustBuild(t)
	p := prover.New(prover.Options{})
	var done int
	for i, q := range product() {
		if q.lifted || q.fold+q.last > 5 {
			continue
		}
		s, err := statement.LogUp(q.kind, q.config(5), 5, 5)
		args := []string{"logup", "--log-user", "5", "--log-table", "5"}
		// Poseidon's root of an empty tree is another one on the SIMD backend.
		if i%4 == 0 && q.kind != stark.Poseidon252 {
			s, err = statement.WideFib(q.kind, q.config(5), 5, 6, false)
			args = []string{"wide-fib", "--log-rows", "5", "--columns", "6"}
		}
		if err != nil {
			t.Fatal(err)
		}
		made, err := s.Prove(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		args = append(append([]string{"prove"}, args...), configArgs(q.kind, s.AIR.Config)...)
		backend := []string{"cpu", "simd"}[i/2%2]
		if got := runNative(t, o, append(args, "--backend", backend)); !bytes.Equal(got, made.Proof.AppendJSON(nil, q.kind)) {
			t.Errorf("%s on %s: the proof differs", strings.Join(args, " "), backend)
		}
		done++
	}
	t.Logf("%d proofs of stwo's own framework", done)
	if done < minNative {
		t.Errorf("%d proofs, want at least %d", done, minNative)
	}
}

func runNative(t *testing.T, o *oracle.Oracle, args []string) []byte {
	t.Helper()
	dir := t.TempDir()
	if _, err := o.Run(t.Context(), append(args, "--out", dir)...); err != nil {
		t.Fatal(err)
	}
	proof, err := os.ReadFile(filepath.Join(dir, "PROOF.json"))
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// configArgs writes a configuration as flags.
func configArgs(kind stark.Kind, c stark.Config) []string {
	return strings.Fields(fmt.Sprintf("--channel %v --pow-bits %d --log-blowup %d --log-last-layer %d --n-queries %d --fold-step %d",
		kind, c.PowBits, c.LogBlowup, c.LogLastLayer, c.Queries, c.FoldStep))
}

// minTall is the least number of cases of TestTallTree.
const minTall = 24

// TestTallTree has a tree 0 that is higher than the domain of the proof.
func TestTallTree(t *testing.T) {
	var cases []testCase
	for _, q := range product() {
		if q.lifted || q.last > 0 || q.blowup > 2 {
			continue
		}
		cases = append(cases, testCase{q.String(), func(pow int) (*statement.Statement, error) {
			q.pow = pow
			return tall(q)
		}})
	}
	runCases(t, cases, 0, minTall)
}

func tall(q parameters) (*statement.Statement, error) {
	const log = 4
	a, err := airtest.WideFib(q.kind, q.config(log), log, 5, true)
	if err != nil {
		return nil, err
	}
	a.Preprocessed[0].LogSize = log + q.fold
	trees := airtest.WideFibTrees(log, 5, true)
	column := make([]m31.Elem, 1<<a.Preprocessed[0].LogSize)
	for i := range column {
		column[i] = m31.New(uint64(i) * 1000003)
	}
	trees[0] = [][]m31.Elem{column}
	return statement.Given(a, trees), nil
}

// TestCommands runs the command stwo-go against stwo-oracle: the files that they
// write are equal, and each verifies what the other wrote.
func TestCommands(t *testing.T) {
	o := mustBuild(t)
	stwo := &oracle.Oracle{Path: filepath.Join(t.TempDir(), "stwo-go")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", stwo.Path, "./stwo-go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, args := range []string{
		"wide-fib --log-rows 6 --columns 9", "logup --fold-step 3 --channel blake2s-m31",
		"logup --lifting 9 --channel poseidon252", "matmul --m 33 --k 20 --n 7 --log-blowup 3 --fold-step 3 --n-queries 9",
	} {
		dir := t.TempDir()
		must := func(o *oracle.Oracle, args ...string) {
			t.Helper()
			if _, err := o.Run(t.Context(), args...); err != nil {
				t.Fatal(err)
			}
		}
		in, ours, theirs := dir+"/in", dir+"/go", dir+"/rust"
		must(stwo, append(strings.Fields("prove "+args), "--witness", "--out", in)...)
		must(stwo, "prove", in+"/AIR.json", in+"/WITNESS.json", "--backend", "cpu", "--out", ours)
		must(o, "prove", in+"/AIR.json", in+"/WITNESS.json", "--backend", "cpu", "--out", theirs)
		for _, name := range []string{"AIR.json", "PROOF.json"} {
			if !sameFile(t, filepath.Join(ours, name), filepath.Join(theirs, name)) {
				t.Errorf("%s: %s differs", args, name)
			}
		}
		must(stwo, "verify", theirs+"/AIR.json", theirs+"/PROOF.json")
		must(o, "verify", ours+"/AIR.json", ours+"/PROOF.json")
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}
