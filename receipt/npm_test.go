//go:build npm

package receipt

// The npm package in receipt/npm, packed, installed in a folder of its own, and used by
// node, by TypeScript and by a headless Chromium. Go, node, npm, its registry and Chromium must
// be there. A missing tool is a failure.
//
//	go test -tags npm -run NPM ./receipt

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/proof"
)

// npmCase is one call of verify, and what must come of it.
type npmCase struct {
	Receipt string `json:"receipt"`
	Job     string `json:"job,omitempty"`
	Input   []byte `json:"input,omitempty"`
	Want    string `json:"want"` // the kind of the error, or the job of the report
}

func npmCases(t *testing.T) map[string]npmCase {
	t.Helper()
	good := load(t)
	changed := func(change func(r *Receipt)) string {
		r := load(t)
		change(r)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	same := func(*Receipt) {}
	in := input(good)
	return map[string]npmCase{
		"good":           {Receipt: string(text(t)), Want: good.Job.String()},
		"all":            {Receipt: changed(same), Job: good.Job.String(), Input: in, Want: good.Job.String()},
		"no votes":       {Receipt: changed(func(r *Receipt) { r.Certificate = nil }), Want: good.Job.String()},
		"not JSON":       {Receipt: "receipt", Want: "damaged"},
		"output":         {Receipt: changed(func(r *Receipt) { r.Output[0] ^= 1 }), Want: "damaged"},
		"signature":      {Receipt: changed(func(r *Receipt) { r.Certificate.Votes[len(r.Certificate.Votes)-1] ^= 1 }), Want: "damaged"},
		"label":          {Receipt: changed(func(r *Receipt) { r.Task.Label = "other" }), Want: "other"},
		"another job":    {Receipt: changed(same), Job: strings.Repeat("0", 64), Want: "other"},
		"another input":  {Receipt: changed(same), Input: slices.Concat(in[:1], in[:len(in)-1]), Want: "other"},
		"false proof":    {Receipt: changed(func(r *Receipt) { r.Certificate = nil; falsify(r) }), Want: "false"},
		"no job":         {Receipt: changed(same), Job: "1", Want: "unchecked"},
		"input's length": {Receipt: changed(same), Input: in[1:], Want: "unchecked"},
	}
}

// npmScript runs all cases and gives what came of them to done.
const npmScript = `
const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const results = {};
for (const [name, c] of Object.entries(cases)) {
  try {
    const receipt = name === "all" ? new TextEncoder().encode(c.receipt) : c.receipt;
    const report = await verify(receipt, { job: c.job, input: c.input && decode(c.input) });
    const { unique, johnson, conjectured } = report.security;
    results[name] = unique > 0 && johnson >= unique && conjectured >= johnson && report.attested === (name !== "no votes") ? report.job : "report " + JSON.stringify(report);
  } catch (err) {
    results[name] = err instanceof ReceiptError && err.message ? err.kind : "not a ReceiptError: " + err.stack;
  }
}
await done(JSON.stringify(results));
`

func checkNPM(t *testing.T, cases map[string]npmCase, answer []byte) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		if got[name] != cases[name].Want {
			t.Errorf("%s: got %q, want %q", name, got[name], cases[name].Want)
		}
	}
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return out
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// installNPM packs the package, which builds it, and installs it in a folder.
func installNPM(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	run(t, "npm", "npm", "pack", "--pack-destination", dir)
	packed, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(packed) != 1 {
		t.Fatalf("packed %v, %v", packed, err)
	}
	write(t, dir, "package.json", []byte(`{"private":true,"type":"module"}`))
	run(t, dir, "npm", "install", "--offline", "--no-audit", "--no-fund", "--no-package-lock", packed[0])
	return dir
}

func TestNPM(t *testing.T) {
	dir, cases := installNPM(t), npmCases(t)
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cases.json", data)
	t.Run("node", func(t *testing.T) {
		write(t, dir, "main.js", []byte(`import { readFileSync } from "node:fs";
import { verify, ReceiptError } from "@bitsage/receipt";
const cases = JSON.parse(readFileSync("cases.json", "utf8"));
const done = (text) => { console.log(text); process.exit(0); };
`+npmScript))
		checkNPM(t, cases, run(t, dir, "node", "main.js"))
	})
	t.Run("browser", func(t *testing.T) { checkNPM(t, cases, browse(t, dir)) })
	t.Run("types", func(t *testing.T) { compileTypes(t, dir) })
	t.Run("schema", func(t *testing.T) {
		got, err := os.ReadFile(filepath.Join(dir, "node_modules", "@bitsage", "receipt", "dist", "receipt.schema.json"))
		if want, err2 := os.ReadFile(schemaFile); err != nil || err2 != nil || string(got) != string(want) {
			t.Errorf("the packed schema is another: %v, %v", err, err2)
		}
	})
}

// typescript is the compiler that reads index.d.ts, from the npm registry.
const typescript = "typescript@5.9.3"

// compileTypes compiles a program that uses all that index.d.ts declares.
func compileTypes(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, "main.ts", []byte(`import { load, verify, ReceiptError, type ErrorKind, type Options, type Report, type Security } from "@bitsage/receipt";
const options: Options = { job: "00", input: new Uint8Array(1) };
await load();
try {
  const report: Report = await verify("{}", options);
  const security: Security = (await verify(new Uint8Array(1))).security;
  const text: string = report.job + report.label + security.unique.toFixed();
  const attested: boolean = report.attested && text !== "";
  if (attested) throw new ReceiptError("other", text);
} catch (err) {
  const kinds: ErrorKind[] = ["damaged", "other", "false", "unchecked"];
  if (err instanceof ReceiptError && !kinds.includes(err.kind)) throw err;
}
export {};
`))
	run(t, dir, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", typescript)
	run(t, dir, filepath.Join(dir, "node_modules", ".bin", "tsc"), "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "main.ts")
}

// browse has a browser run the cases, and returns what the page posts.
func browse(t *testing.T, dir string) []byte {
	t.Helper()
	page := `<!DOCTYPE html><script type="module">
import { verify, ReceiptError } from "/node_modules/@bitsage/receipt/index.js";
const cases = await (await fetch("/cases.json")).json();
const done = (text) => fetch("/done", { method: "POST", body: text });
` + npmScript + `</script>`
	answer := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(dir)))
	mux.HandleFunc("GET /page.html", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, page) })
	mux.HandleFunc("POST /done", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			answer <- body
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", server.URL+"/page.html")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case data := <-answer:
		cancel()
		<-ended
		return data
	case err := <-ended:
		t.Fatalf("the browser ended without an answer: %v\n%s", errors.Join(err, ctx.Err()), log.String())
	}
	return nil
}

// chromium returns the browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium: install Debian's package chromium")
	return ""
}

// TestNPMKinds keeps the kinds of index.d.ts those of Go's errors.
func TestNPMKinds(t *testing.T) {
	for name, c := range npmCases(t) {
		r, err := Parse([]byte(c.Receipt))
		if err == nil {
			_, err = r.Verify(t.Context())
		}
		switch {
		case err == nil || c.Job != "" || c.Input != nil:
		case errors.Is(err, proof.ErrInvalid) != (c.Want == "false"), errors.As(err, new(*OtherError)) != (c.Want == "other"),
			errors.As(err, new(*DamagedError)) != (c.Want == "damaged"):
			t.Errorf("%s: %v, want %s", name, err, c.Want)
		}
	}
}
