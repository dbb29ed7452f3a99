package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

var update = flag.Bool("update", false, "write testdata anew")

// Small jobs.
var (
	smallInt8 = []string{"--mnemonic", "testdata/mnemonic", "--profile", "std", "--size", "8", "--seed", "65"}
	smallM31  = []string{"--mnemonic", "testdata/mnemonic", "--profile", "std", "--size", "5", "--dtype", "m31", "--seed", "46"}
)

func runWith(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

// labels returns the first word of every line that begins with one.
func labels(text string) (out []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(line, "  ") {
			out = append(out, f[0])
		}
	}
	return out
}

// documented returns the output that docs/quickstart.md shows.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, found := strings.Cut(string(text), "<!-- quickstart -->\n```text\n")
	shown, _, closed := strings.Cut(shown, "```\n<!-- /quickstart -->")
	if !found || !closed {
		t.Fatal("docs/quickstart.md does not show the quickstart's output")
	}
	return shown
}

// TestTamper runs the whole quickstart and compares its output with the one that
// docs/quickstart.md shows, line by line as far as the labels go.
func TestTamper(t *testing.T) {
	code, stdout, stderr := runWith(t, t.Context(), append(smallInt8, "--tamper")...)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, reason := range []string{"one entry of the product: damaged receipt: output: ", "one bit of the proof: invalid proof ", "one input: receipt of another input: "} {
		if !strings.Contains(stdout, reason) {
			t.Errorf("no refusal %q in\n%s", reason, stdout)
		}
	}
	have := labels(stdout)
	all := len(have)
	have = slices.DeleteFunc(have, func(l string) bool { return l == "refused:" })
	if n := all - len(have); n != 3 {
		t.Errorf("%d refusals, want 3", n)
	}
	if shown := labels(documented(t)); !slices.Equal(shown, have) {
		t.Errorf("docs/quickstart.md shows lines\n%s\nand the quickstart prints\n%s", shown, have)
	}
}

// shape returns what is in a report besides the values that change: one line for
// every path and its type, and one for every stage.
func shape(t *testing.T, text string) string {
	t.Helper()
	var r report
	var v map[string]any
	if err := errors.Join(json.Unmarshal([]byte(text), &struct{ Stages *[]stage }{&r.Stages}), json.Unmarshal([]byte(text), &v)); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range r.Stages {
		line := "stage " + s.Stage + ":"
		for _, tx := range s.Transactions {
			line += " " + tx.Event + ","
		}
		lines = append(lines, strings.TrimRight(line, ",:"))
	}
	// A proof can be over before the first news of it arrives.
	v["proof_stages"] = []any{map[string]any{"stage": "", "time_ns": 1.}}
	paths := make(map[string]bool)
	walk("", v, paths)
	return strings.Join(append(lines, slices.Sorted(maps.Keys(paths))...), "\n") + "\n"
}

func walk(path string, v any, paths map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			walk(path+"."+k, e, paths)
		}
	case []any:
		for _, e := range v {
			walk(path+"[]", e, paths)
		}
	default:
		paths[fmt.Sprintf("%s %T", path, v)] = true
	}
}

// golden compares a report's shape with a file.
func golden(t *testing.T, name, text string) {
	t.Helper()
	got, file := shape(t, text), filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: the report has another shape, so %q needs a new version:\n%s", file, schema, got)
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		golden string
		args   []string
		total  string // of all that is encrypted in the end
	}{
		{"report.txt", append(smallM31, "--json"), "99.9"},
		{"cheat.txt", append(smallInt8, "--json", "--cheat"), "100"},
	} {
		code, stdout, stderr := runWith(t, t.Context(), c.args...)
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		golden(t, c.golden, stdout)
		var r struct {
			Schema string
			Facts  struct {
				Fee, All_encrypted string
				Voters             []int
			}
		}
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		if f := r.Facts; r.Schema != schema || f.Fee != "0.1" || f.All_encrypted != c.total || len(f.Voters) < 3 {
			t.Errorf("%s: %+v", c.golden, r)
		}
	}
}

// TestOut wants --out to write a receipt that verifies.
func TestOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "receipt.json")
	code, _, stderr := runWith(t, t.Context(), append(smallM31, "--out", file)...)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := receipt.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(t.Context()); err != nil || r.Certificate == nil {
		t.Errorf("%+v: %v", r.Certificate, err)
	}
}

// TestTransactions wants every hash of a report to be that of a transaction on the
// chain that succeeded and emitted the event, and an honest proof to come to no
// penalty.
func TestTransactions(t *testing.T) {
	opt, err := parse(smallM31, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := newPrinter(&out)
	defer p.close()
	l := &life{report: newReport(opt), opt: opt, out: p}
	if err := l.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, s := range l.Stages {
		for _, tx := range s.Transactions {
			hash, err := chain.ParseFelt(tx.Hash)
			if err != nil {
				t.Fatal(err)
			}
			r, err := l.Chain().TransactionReceipt(t.Context(), hash)
			if err != nil || r.Reverted || r.Block.Number != tx.Block {
				t.Fatalf("%s: %+v: %+v, %v", s.Stage, tx, r, err)
			}
			if !slices.ContainsFunc(r.Events, func(e chain.Event) bool { return e.Keys[0] == chain.Selector(tx.Event) }) {
				t.Errorf("%s: %s has no event %s", s.Stage, tx.Hash, tx.Event)
			}
		}
	}
	fee := l.value("fee").(bitsage.Amount)
	worker, err := bitsage.SAGE(9000).Add(fee)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"claimed": fee, "worker": worker, "worker_encrypted": bitsage.Amount{}, "worker_staked": bitsage.SAGE(1000),
		"client": bitsage.SAGE(900), "client_encrypted": deposit.Excess(fee), "all_encrypted": deposit.Excess(fee),
		"payment": bitsage.Released, "burned": bitsage.Amount{},
	} {
		if got := l.value(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if err := l.punish(); err == nil || !strings.Contains(err.Error(), "did not notice") {
		t.Errorf("an honest worker was punished: %v", err)
	}
}

// TestPenalty changes every figure of the penalty that is due.
func TestPenalty(t *testing.T) {
	good := &report{Facts: due()}
	for name, want := range map[string]any{"slashed": bitsage.SAGE(100), "bond": bitsage.SAGE(100), "worker_staked": bitsage.SAGE(900), "reputation": uint16(400)} {
		if got := good.value(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if err := good.compare(); err != nil {
		t.Error(err)
	}
	for i := range due() {
		bad := &report{Facts: due()}
		bad.Facts[i].value = bitsage.SAGE(123)
		if err := bad.compare(); err == nil || !strings.Contains(err.Error(), bad.Facts[i].name) {
			t.Errorf("another %s: %v", bad.Facts[i].name, err)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--size", "0"}, "dimension m is 0"},
		{[]string{"--size", "5000"}, "dimension m is 5000"},
		{[]string{"--size", "x"}, "invalid value"},
		{[]string{"--dtype", "float"}, `unknown dtype "float"`},
		{[]string{"--profile", "best"}, "matmul-p96"},
		{[]string{"--size", "4096"}, "limit of 262144"},
		{[]string{"--mnemonic", "testdata/none"}, "no such file"},
		{[]string{"--mnemonic", "testdata/report.txt"}, "mnemonic"},
		{[]string{"--cheat", "--tamper"}, "there is none"},
		{[]string{"--cheat", "--out", "receipt.json"}, "there is none"},
		{[]string{"--fast"}, "not defined"},
		{[]string{"extra"}, `unexpected argument "extra"`},
	} {
		code, stdout, stderr := runWith(t, t.Context(), c.args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "--help") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
		}
	}
	code, stdout, _ := runWith(t, t.Context(), "--help")
	if code != exitOK || !strings.HasPrefix(stdout, about) || !strings.Contains(stdout, "-tamper") {
		t.Errorf("--help: exit code %d, %q", code, stdout)
	}
}

// trigger calls a function when a word is written.
type trigger struct {
	bytes.Buffer
	word string
	call func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if w.call != nil && bytes.Contains(p, []byte(w.word)) {
		w.call()
		w.call = nil
	}
	return w.Buffer.Write(p)
}

// TestInterrupt ends the context while the contracts are being deployed, and in the
// middle of the proof, as an interrupt and a termination do. No files may be left.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, word := range []string{"wallet", "accept"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var begin time.Time
		out := &trigger{word: word, call: func() {
			begin = time.Now()
			cancel()
		}}
		var errs bytes.Buffer
		code := run(ctx, []string{"--size", "512"}, out, &errs)
		if code != exitInterrupted || !strings.Contains(errs.String(), "interrupted") {
			t.Errorf("%s: exit code %d, stderr %q", word, code, errs.String())
		}
		if d := time.Since(begin); begin.IsZero() || d > 3*time.Second {
			t.Errorf("%s: it took %v to stop", word, d)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left in the folder for temporary files: %v, %v", word, left, err)
		}
	}
}

// TestFails leaves the validators no folder for their journals.
func TestFails(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	code, stdout, stderr := runWith(t, t.Context(), append(smallInt8, "--json")...)
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// failing is a role that serves and then fails.
type failing struct{ err error }

func (f failing) Run(context.Context) error { return f.err }

func (f failing) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// TestRoleFails wants the failure of a role to end everything, and to be told.
func TestRoleFails(t *testing.T) {
	broken := errors.New("broken")
	l := &life{report: newReport(options{})}
	l.ctx, l.fail = context.WithCancelCause(t.Context())
	var err error
	if l.LocalNetwork, err = bitsage.Local(t.Context(), bitsage.LocalConfig{Workers: -1, Validators: -1, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context(), failing{broken}); err != nil && !errors.Is(err, broken) {
		t.Fatal(err)
	}
	l.watch()
	if err := context.Cause(l.ctx); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if err := l.close(); !errors.Is(err, broken) {
		t.Errorf("closing: %v", err)
	}
}

// TestPrinter wants a sign of life every few seconds.
func TestPrinter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newPrinter(&out)
		p.doing("waiting")
		time.Sleep(10*time.Second + time.Millisecond)
		p.close()
		want := "              waiting, 3s\n              waiting, 6s\n              waiting, 9s\n"
		if out.String() != want {
			t.Errorf("printed %q", out.String())
		}
	})
}

// TestWidth wants no line of the table to be longer than 100 columns.
func TestWidth(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.close()
	tx := transaction{Hash: "0x123456789abcdef"}
	p.row(stage{Stage: "submit proof", What: strings.Repeat("x", 200), Transactions: []transaction{tx, tx}, Time: 1000 * time.Second})
	want := "submit proof  " + strings.Repeat("x", 60) + " 0x12345678… +1  1000.000s\n"
	if got := out.String(); got != want || utf8.RuneCountInString(got) > 101 {
		t.Errorf("printed %q", got)
	}
	if opt, err := parse(smallM31, io.Discard); err != nil || opt.dtype != proof.M31 || opt.mnemonic.Words() != 12 {
		t.Errorf("%+v, %v", opt, err)
	}
}
