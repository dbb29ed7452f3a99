package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/proof"
)

func runWith(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

// labels returns the first word of every line.
func labels(text string) (out []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(line, "  ") {
			out = append(out, f[0])
		}
	}
	return out
}

// TestTamper runs the whole quickstart and compares its output with the one that
// the README shows, line by line as far as the labels go.
func TestTamper(t *testing.T) {
	code, stdout, stderr := runWith(t, context.Background(), "--size", "8", "--profile", "std", "--tamper")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, reason := range []string{"one entry of the product: invalid receipt", "one bit of the proof: ", "one input: invalid receipt"} {
		if !strings.Contains(stdout, reason) {
			t.Errorf("no refusal %q in\n%s", reason, stdout)
		}
	}
	if n := strings.Count(stdout, "\nrefused"); n != 3 {
		t.Errorf("%d refusals, want 3", n)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, found := strings.Cut(string(readme), "<!-- quickstart -->")
	shown, _, closed := strings.Cut(shown, "<!-- /quickstart -->")
	if !found || !closed {
		t.Fatal("README.md does not show the quickstart's output")
	}
	have := strings.Join(labels(stdout), " ")
	for _, l := range labels(shown) {
		if !strings.HasPrefix(l, "```") && !strings.HasPrefix(l, "$") && !strings.Contains(have, l) {
			t.Errorf("the README shows a line %q that the quickstart does not print", l)
		}
	}
}

func TestJSON(t *testing.T) {
	code, stdout, stderr := runWith(t, context.Background(), "--size", "5", "--dtype", "m31", "--profile", "std", "--json")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var r report
	dec := json.NewDecoder(strings.NewReader(stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != schema || r.Program != proof.MatMulOf(proof.M31, 5, 5, 5) || r.ProofBytes == 0 || len(r.Stages) == 0 {
		t.Errorf("report %+v", r)
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
		{[]string{"--fast"}, "not defined"},
		{[]string{"extra"}, `unexpected argument "extra"`},
	} {
		code, stdout, stderr := runWith(t, context.Background(), c.args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) || !strings.Contains(stderr, "--help") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
		}
	}
	if code, stdout, _ := runWith(t, context.Background(), "--help"); code != exitOK || stdout != usage {
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

// TestInterrupt ends the context in the middle of the proof.
func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var begin time.Time
	out := &trigger{word: "accepted", call: func() {
		begin = time.Now()
		cancel()
	}}
	var errs bytes.Buffer
	code := run(ctx, []string{"--size", "512"}, out, &errs)
	if code != exitInterrupted || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("it took %v to stop", d)
	}
}
