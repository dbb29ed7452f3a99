package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/internal/vectors"
)

// files holds the inputs of the tests in a folder of their own.
type files struct {
	t   *testing.T
	dir string
}

// golden copies a statement that the Rust prover proved.
func golden(t *testing.T, name string) files {
	f := files{t, t.TempDir()}
	for _, base := range []string{"AIR.json", "WITNESS.json", "PROOF.json"} {
		f.write(base, vectors.Read(t, "stwo/proofs", name, base))
	}
	return f
}

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func (f files) write(name string, data []byte) string {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), data, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

func (f files) read(name string) []byte {
	f.t.Helper()
	data, err := os.ReadFile(f.path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return data
}

// edit writes a copy of a file in which the first match of the expression is
// replaced.
func (f files) edit(to, from, expr, replacement string) string {
	f.t.Helper()
	data := f.read(from)
	at := regexp.MustCompile(expr).FindSubmatchIndex(data)
	if at == nil {
		f.t.Fatalf("%s does not match %s", from, expr)
	}
	out := append(bytes.Clone(data[:at[0]]), regexp.MustCompile(expr).Expand(nil, []byte(replacement), data, at)...)
	return f.write(to, append(out, data[at[1]:]...))
}

// sparse makes a file of the given size that takes no room.
func (f files) sparse(name string, size int64) string {
	f.t.Helper()
	f.write(name, nil)
	if err := os.Truncate(f.path(name), size); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

// expect runs a command line, compares the exit status, and wants the text in
// what is printed: on standard output for status 0, else on standard error.
func expect(t *testing.T, status int, text string, args ...string) (stdout string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := run(args, &out, &errs); got != status {
		t.Fatalf("stwo-go %s: status %d, want %d\n%s", strings.Join(args, " "), got, status, errs.String())
	}
	where := out.String()
	if status != statusOK {
		where = errs.String()
		if !strings.HasPrefix(where, "stwo-go: ") || strings.Count(where, "\n") != 1 {
			t.Errorf("stwo-go %s: want one line on the standard error, got %q", strings.Join(args, " "), where)
		}
	} else if errs.Len() > 0 {
		t.Errorf("stwo-go %s: the standard error holds %q", strings.Join(args, " "), errs.String())
	}
	if !strings.Contains(where, text) {
		t.Errorf("stwo-go %s: got %q, want %q in it", strings.Join(args, " "), where, text)
	}
	return out.String()
}

// TestProve expects the bytes of the Rust prover, for every number of threads.
func TestProve(t *testing.T) {
	for _, name := range []string{"wide_fib-blake2s-base", "logup-blake2s_m31-base", "logup-poseidon252-base", "logup-blake2s-lifted8"} {
		f := golden(t, name)
		for _, threads := range []string{"1", "2", "5"} {
			out := f.path("out" + threads)
			expect(t, statusOK, "verify", "prove", f.path("AIR.json"), "--threads", threads, f.path("WITNESS.json"), "--out", out, "--backend=cpu")
			if got := f.read("out" + threads + "/PROOF.json"); !bytes.Equal(got, bytes.TrimSpace(f.read("PROOF.json"))) {
				t.Errorf("%s, %s threads: the proof differs from stwo's", name, threads)
			}
			expect(t, statusOK, "accepted", "verify", out+"/AIR.json", out+"/PROOF.json")
		}
	}
}

// TestBuiltIn proves the built-in statements, and again from the files written.
func TestBuiltIn(t *testing.T) {
	for _, args := range []string{
		"wide-fib --log-rows 5 --columns 5 --channel blake2s-m31",
		"logup --log-user 4 --log-table 5 --fold-step 2 --lifting 7",
		"matmul --m 5 --k 3 --n 7 --log-blowup 3 --fold-step 3",
		"matmul --m 33 --k 2 --n 1 --dtype m31 --log-last-layer 1",
	} {
		f := files{t, t.TempDir()}
		one, two := f.path("one"), f.path("two")
		expect(t, statusOK, "proof", append([]string{"prove", "--out", one, "--witness", "--pow-bits", "4"}, strings.Fields(args)...)...)
		out := expect(t, statusOK, "stages", "prove", one+"/AIR.json", one+"/WITNESS.json", "--out", two, "--json")
		var r report
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.ProofBytes != len(f.read("one/PROOF.json")) || len(r.Stages) < 6 {
			t.Errorf("%s: report %s, %v", args, out, err)
		}
		for _, name := range []string{"AIR.json", "PROOF.json"} {
			if !bytes.Equal(f.read("one/"+name), f.read("two/"+name)) {
				t.Errorf("%s: %s differs when it is made from files", args, name)
			}
		}
		expect(t, statusOK, `{"accepted":true}`, "verify", "--json", one+"/AIR.json", two+"/PROOF.json")
	}
}

// TestRuns makes two proofs, with a report of each, and expects the bytes of one.
func TestRuns(t *testing.T) {
	f := golden(t, "logup-blake2s-base")
	var stdout, stderr strings.Builder
	args := []string{"prove", f.path("AIR.json"), f.path("WITNESS.json"), "--out", f.path("out"), "--json", "--runs", "2"}
	if status := run(args, &stdout, &stderr); status != statusOK || strings.Count(stdout.String(), "\n") != 2 {
		t.Errorf("status %d, %q, %s", status, stdout.String(), stderr.String())
	}
	if got := f.read("out/PROOF.json"); !bytes.Equal(got, bytes.TrimSpace(f.read("PROOF.json"))) {
		t.Error("the proof differs from stwo's")
	}
}

// TestGoroutines expects none to be left by a proof. The first proof starts the
// one in which the standard library waits for signals.
func TestGoroutines(t *testing.T) {
	args := []string{"prove", "logup", "--threads", "4"}
	expect(t, statusOK, "proof", args...)
	before := runtime.NumGoroutine()
	for range 20 {
		expect(t, statusOK, "proof", args...)
	}
	for range 1000 { // those that are about to end may need a moment
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// TestHelp asks for help in every place.
func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "-h", "help", "prove --help", "verify a b --help"} {
		expect(t, statusOK, "Exit status", strings.Fields(args)...)
	}
}

// TestUsage gives command lines that cannot be carried out.
func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                                "want prove",
		"prove":                           "want prove",
		"verify only-one":                 "want prove",
		"verify a b c":                    "want prove",
		"frobnicate a b":                  "want prove",
		"prove AIR.json":                  `no statement "AIR.json"`,
		"prove a b":                       "needs --out DIR",
		"prove a b --out":                 "needs an argument",
		"prove a b --columns 3":           "takes no --columns",
		"verify a b --out c":              "takes no --out",
		"verify a b --bogus":              "not defined",
		"verify a b --threads x":          "invalid value",
		"prove a b --threads -1":          "--threads -1",
		"prove a b --backend simd":        "there is only cpu",
		"prove logup --runs 0":            "--runs 0",
		"prove wide-fib --columns 2":      "--columns 2",
		"prove wide-fib --log-rows 40":    "--log-rows 40",
		"prove wide-fib --fold-step 0":    "fold_step is 0",
		"prove wide-fib --fold-step 9":    "overshoots",
		"prove wide-fib --lifting 10":     "needs a preprocessed column",
		"prove wide-fib --channel sha256": "unknown channel",
		"prove wide-fib --m 3":            "takes no --m",
		"prove matmul --dtype float":      "want int8 or m31",
		"prove matmul --m 0":              "dimension m is 0",
		"prove matmul --n 5000":           "dimension n is 5000",
	} {
		expect(t, statusUnusable, want, strings.Fields(args)...)
	}
}

// TestUnreadable gives files that are missing, too large or malformed.
func TestUnreadable(t *testing.T) {
	f := golden(t, "logup-blake2s-base")
	air, proof, witness := f.path("AIR.json"), f.path("PROOF.json"), f.path("WITNESS.json")
	cut := func(name string, n int) string { data := f.read(name); return f.write("cut", data[:len(data)*n/10]) }

	verify := func(want, air, proof string) {
		t.Helper()
		expect(t, statusUnusable, want, "verify", air, proof)
	}
	verify("no such file", f.path("none"), proof)
	verify("no such file", air, f.path("none"))
	verify("is a directory", air, f.dir)
	verify("exceeds 16777216 bytes", f.sparse("big", maxAIR+1), proof)
	verify("exceeds 16777216 bytes", air, f.sparse("big", maxProof+1))
	verify("malformed JSON proof", air, f.sparse("zeros", maxProof))
	verify("unexpected end", cut("AIR.json", 5), proof)
	for n := range 10 {
		verify("malformed JSON proof", air, cut("PROOF.json", n))
	}
	verify("the end of the proof", air, f.write("tail", append(f.read("PROOF.json"), " {}"...)))
	verify("the member config", air, f.edit("order", "PROOF.json", `^\{("config":.*?null\}),("commitments":\[.*?\]\])`, "{$2,$1"))
	verify("the member commitments", air, f.edit("again", "PROOF.json", `"commitments"`, `"config":{},"commitments"`))
	verify("an element below 2^31 - 1", air, f.edit("p", "PROOF.json", `("queried_values":\[\[\[)\d+`, "${1}2147483647"))
	verify("an element below 2^31 - 1", air, f.edit("p", "PROOF.json", `("sampled_values":\[\[\[\[\[)\d+`, "${1}2147483648"))
	verify("a number below 2^32", air, f.edit("minus", "PROOF.json", `("queried_values":\[\[\[)\d+`, "${1}-1"))
	verify("a number below 2^64", air, f.edit("zero", "PROOF.json", `("proof_of_work":)(\d+)`, "${1}0$2"))
	verify("a number below 2^64", air, f.edit("huge", "PROOF.json", `("proof_of_work":)\d+`, "${1}18446744073709551616"))
	verify("a number below 2^8", air, f.edit("byte", "PROOF.json", `("commitments":\[\[)\d+`, "${1}256"))
	verify("a number below 2^16", air, f.edit("log", "PROOF.json", `("log_size":)\d+`, "${1}65536"))
	verify("a number below 2^31", air, f.edit("cfg", "PROOF.json", `("n_queries":)\d+`, "${1}4294967297"))
	verify("malformed JSON proof", air, f.write("deep", bytes.Repeat([]byte("["), 1<<20)))

	badAIR := func(want, expr, replacement string) {
		t.Helper()
		verify(want, f.edit("bad-air", "AIR.json", expr, replacement), proof)
	}
	badAIR("unknown format", `stwo-oracle-air/1`, "stwo-oracle-air/2")
	badAIR("unknown channel", `"blake2s"`, `"sha256"`)
	badAIR("log size 60 is out of range", `("name":"user","log_size":)\d+`, "${1}60")
	badAIR("stwo 2.3.0 proves only", `("max_constraint_log_degree_bound":)\d+`, "${1}20")
	badAIR("n_queries is 1000000", `("n_queries":)\d+`, "${1}1000000")
	badAIR("log_blowup_factor is 63", `("log_blowup_factor":)\d+`, "${1}63")
	badAIR("log size 40", `("squares_n","log_size":)\d+`, "${1}40")
	badAIR("refers to node", `\{"add":\[\d+,`, `{"add":[99999,`)
	badAIR("refers to node", `\{"mul":\[\d+,`, `{"mul":[-1,`)
	badAIR("which has no mask", `\{"cell":\[1,`, `{"cell":[3,`)
	badAIR("commits tree", `\{"commit":1\}`, `{"commit":2}`)
	badAIR("there is no node", `("root":)\d+`, "${1}99")
	verify("exceeded max depth", f.write("deep", bytes.Repeat([]byte("["), 1<<20)), proof)

	prove := func(want, air, witness string) {
		t.Helper()
		expect(t, statusUnusable, want, "prove", air, witness, "--out", f.path("out"))
	}
	prove("no such file", air, f.path("none"))
	prove("exceeds 1073741824 bytes", air, f.sparse("big", maxWitness+1))
	prove("unexpected end", air, cut("WITNESS.json", 7))
	prove("unknown order", air, f.edit("order", "WITNESS.json", `"order":"\w+"`, `"order":"random"`))
	prove("is not reduced", air, f.edit("p", "WITNESS.json", `("trees":\[\[\[)\d+`, "${1}2147483647"))
	prove("cannot unmarshal", air, f.edit("minus", "WITNESS.json", `("trees":\[\[\[)\d+`, "${1}-1"))
	prove("not a power of two", air, f.edit("long", "WITNESS.json", `("trees":\[\[\[)`, "${1}1,"))
	prove("columns, want", air, f.edit("more", "WITNESS.json", `("trees":\[\[)`, "${1}[1,2],"))
	prove("trees, want", air, f.edit("tree", "WITNESS.json", `("trees":\[)`, "${1}[],"))
	prove("rows, want", air, f.write("short", []byte(`{"order":"natural","trees":[[[1,2],[3,4]],[],[]]}`)))
	prove("gives no value", f.edit("sum", "AIR.json", `"public":\{.*?\}`, `"public":{}`), witness)
	if _, err := os.Stat(f.path("out")); err == nil {
		t.Error("a proof that failed left files behind")
	}
}

// TestRejected changes valid proofs and statements; every check is named.
func TestRejected(t *testing.T) {
	f := golden(t, "logup-blake2s-base")
	air := f.path("AIR.json")
	for _, c := range []struct{ want, expr, replacement string }{
		{"(config)", `("pow_bits":)\d+`, "${1}1"},
		{"(commitments)", `"commitments":\[\[.*?\],`, `"commitments":[`},
		{"(sampled values)", `("sampled_values":\[\[)\[.*?\]\]\],`, "$1"},
		{"(queried values)", `("queried_values":\[\[\[)\d+,`, "$1"},
		{"(decommitments)", `("decommitments":\[)`, `${1}{"hash_witness":[]},`},
		{"(FRI shape)", `("inner_layers":\[)\{.*?"commitment":\[[\d,]*\]\},`, "$1"},
		{"(FRI shape)", `("log_size":)\d+`, "${1}65535"},
		{"(constraints)", `("commitments":\[\[)\d+`, "${1}0"},
		{"(constraints)", `("sampled_values":\[\[\[\[\[)\d+`, "${1}1"},
		{"(Merkle openings)", `("queried_values":\[\[\[)\d+`, "${1}1"},
		{"(Merkle openings)", `("hash_witness":\[\[)\d+`, "${1}0"},
		{"(FRI witness)", `("fri_witness":\[)`, "${1}[[1,2],[3,4]],"},
	} {
		bad := f.edit("bad", "PROOF.json", c.expr, c.replacement)
		expect(t, statusRejected, c.want, "verify", air, bad)
	}
	expect(t, statusRejected, "(statement)", "verify", f.edit("sum", "AIR.json", `("claimed_sum_user":\[)\d+`, "${1}1"), f.path("PROOF.json"))

	var out, errs bytes.Buffer
	bad := f.edit("bad", "PROOF.json", `("queried_values":\[\[\[)\d+`, "${1}1")
	if got := run([]string{"verify", air, bad, "--json"}, &out, &errs); got != statusRejected || !strings.Contains(out.String(), `{"accepted":false,"check":"Merkle openings"`) {
		t.Errorf("status %d, %s", got, out.String())
	}
}

// TestUnsatisfied gives a witness that breaks a constraint.
func TestUnsatisfied(t *testing.T) {
	f := golden(t, "wide_fib-blake2s-base")
	bad := f.edit("bad", "WITNESS.json", `("trees":\[\[\],\[\[)\d+`, "${1}7")
	expect(t, statusRejected, "does not satisfy", "prove", f.path("AIR.json"), bad, "--out", f.path("out"))
}

// TestInterrupted proves under a context that is done.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := files{t, t.TempDir()}
	var out, errs bytes.Buffer
	got := runContext(ctx, []string{"prove", "wide-fib", "--log-rows", "12", "--out", f.path("out")}, &out, &errs)
	if got != statusInterrupted || !strings.Contains(errs.String(), "canceled") {
		t.Errorf("status %d, %s", got, errs.String())
	}
	if _, err := os.Stat(f.path("out")); err == nil {
		t.Error("an interrupted proof left files behind")
	}
}
