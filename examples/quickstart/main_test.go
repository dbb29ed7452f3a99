package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/staking"
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
	have = slices.DeleteFunc(have, func(l string) bool { return l == "refused" })
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
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range r.Stages {
		line := "stage " + s.Stage + ":"
		for _, tx := range s.Transactions {
			line += strings.TrimRight(fmt.Sprintf(" %s %s", tx.Event, tx.Account), " ") + ","
		}
		lines = append(lines, strings.TrimRight(line, ",:"))
	}
	// A proof can be over before the first news of it arrives.
	r.ProofStages = append(r.ProofStages, proofStage{})
	all, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(all, &v); err != nil {
		t.Fatal(err)
	}
	paths := make(map[string]bool)
	walk("", v, paths)
	sorted := make([]string, 0, len(paths))
	for p := range paths {
		sorted = append(sorted, p)
	}
	slices.Sort(sorted)
	return strings.Join(append(lines, sorted...), "\n") + "\n"
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
		var r report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		if r.Schema != schema || r.Fee.String() != "0.1" || r.Pool.String() != c.total || len(r.Vote.Voters) < 3 {
			t.Errorf("%s: %+v", c.golden, r)
		}
	}
}

// TestTransactions wants every hash of a report to be that of a transaction on the
// chain that succeeded and emitted the event, and an honest proof to come to no
// penalty.
func TestTransactions(t *testing.T) {
	opt, err := parse(smallM31)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := newPrinter(&out)
	defer p.close()
	l := newLife(opt, p)
	if err := l.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, s := range l.report.Stages {
		for _, tx := range s.Transactions {
			hash, err := chain.ParseFelt(tx.Hash)
			if err != nil {
				t.Fatal(err)
			}
			r, err := l.Chain().TransactionReceipt(t.Context(), hash)
			if err != nil || r.Reverted || r.Block.Number != tx.Block {
				t.Fatalf("%s: %+v: %+v, %v", s.Stage, tx, r, err)
			}
			_, event, _ := strings.Cut(tx.Event, ".")
			if !slices.ContainsFunc(r.Events, func(e chain.Event) bool { return e.Keys[0] == chain.Selector(event) }) {
				t.Errorf("%s: %s has no event %s", s.Stage, tx.Hash, event)
			}
		}
	}
	if r := l.report; r.Claimed != r.Fee || r.Balances[0].Decrypted != r.Pool || !r.Balances[1].Decrypted.IsZero() || r.Balances[1].Public != r.Fee {
		t.Errorf("balances %+v of a fee of %v", r.Balances, r.Fee)
	}
	if err := l.punish(); err == nil || !strings.Contains(err.Error(), "did not notice") {
		t.Errorf("an honest worker was punished: %v", err)
	}
}

// TestPenalty changes every figure of the penalty that is due.
func TestPenalty(t *testing.T) {
	good, err := due()
	if err != nil {
		t.Fatal(err)
	}
	if good.Slashed.String() != "100" || good.After.String() != "900" || good.Reputation != 400 || good.Slashed != good.Bond {
		t.Errorf("due is %+v", good)
	}
	if err := good.check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(p *penalty){
		"offence":    func(p *penalty) { p.Offence = staking.OffenceEquivocation },
		"bond":       func(p *penalty) { p.Bond = p.After },
		"before":     func(p *penalty) { p.Before = p.After },
		"slashed":    func(p *penalty) { p.Slashed = p.After },
		"burned":     func(p *penalty) { p.Burned = p.After },
		"reward":     func(p *penalty) { p.Reward = p.Bond },
		"after":      func(p *penalty) { p.After = p.Before },
		"bonded":     func(p *penalty) { p.Bonded = p.Bond },
		"reputation": func(p *penalty) { p.Reputation++ },
		"payment":    func(p *penalty) { p.Payment = "released" },
		"refunded":   func(p *penalty) { p.Refunded = p.Bond.Excess(p.Bond) },
		"earned":     func(p *penalty) { p.Earned = p.Bond },
	} {
		p := good
		change(&p)
		if err := p.check(); err == nil {
			t.Errorf("another %s went unnoticed", name)
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
		{[]string{"--fast"}, "not defined"},
		{[]string{"extra"}, `unexpected argument "extra"`},
	} {
		code, stdout, stderr := runWith(t, t.Context(), c.args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "--help") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
		}
	}
	code, stdout, _ := runWith(t, t.Context(), "--help")
	if code != exitOK || stdout != usage {
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
// middle of the proof.
func TestInterrupt(t *testing.T) {
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

// TestRoleFails wants the failure of a role to end everything, and to be told.
func TestRoleFails(t *testing.T) {
	broken := errors.New("broken")
	n := &network{history: &history{changed: make(chan struct{})}}
	n.ctx, n.fail = context.WithCancelCause(t.Context())
	n.start(func(context.Context) error { return broken })
	if _, err := one[OwnerAddedEvent](n.ctx, n.history, "worker"); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	n.running.Wait()
}

// TestPrinter wants a sign of life every few seconds.
func TestPrinter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newPrinter(&out)
		p.doing("waiting")
		time.Sleep(10*time.Second + time.Millisecond)
		p.close()
		want := "             waiting, 3s\n             waiting, 6s\n             waiting, 9s\n"
		if out.String() != want {
			t.Errorf("printed %q", out.String())
		}
	})
}

func TestShort(t *testing.T) {
	for hex, want := range map[string]string{"0x1": "0x1", "0x123456789abcdef": "0x12345678…"} {
		if got := short(hex); got != want {
			t.Errorf("%s: %s", hex, got)
		}
	}
	if opt, err := parse(smallM31); err != nil || opt.dtype != proof.M31 || opt.mnemonic.Words() != 12 {
		t.Errorf("%+v, %v", opt, err)
	}
}
