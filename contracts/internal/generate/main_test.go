package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpaced(t *testing.T) {
	for in, want := range map[string]string{
		`[ {"a" : 1,"b":[2,3]} ]`: `[{"a": 1, "b": [2, 3]}]`,
		`{"a,b:\"c,":"\\","d":1}`: `{"a,b:\"c,": "\\", "d": 1}`,
		`[]`:                      `[]`,
	} {
		if got := spaced([]byte(in)); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

const vectors = "../../../elgamal/testdata/vectors.json"

// TestProofs wants the committed file to be what go generate writes, but for the
// layout, which the compiler's formatter does.
func TestProofs(t *testing.T) {
	to := filepath.Join(t.TempDir(), "proofs.cairo")
	if err := writeProofs(vectors, to); err != nil {
		t.Fatal(err)
	}
	got, want := compact(t, to), compact(t, "../../src/tests/proofs.cairo")
	if got != want {
		t.Error("src/tests/proofs.cairo is not what go generate writes")
	}
	for _, kind := range []string{"'transfer'", "'withdraw'", "'ownership'", "'ragequit'"} {
		if !strings.Contains(got, "=["+kind) {
			t.Errorf("no proof of kind %s", kind)
		}
	}
	if n := strings.Count(got, "case('"); n < 100 {
		t.Errorf("only %d cases", n)
	}
}

// compact removes spaces, line breaks and the commas before a closing bracket.
func compact(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(data)), "")
	return strings.NewReplacer(",]", "]", ",)", ")", ",}", "}").Replace(text)
}

func TestProofsErrors(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{
		"no JSON":        "x",
		"unknown member": `{"proofs":[{"name":"a","kind":"ownership","job":"` + strings.Repeat("0", 64) + `","proof_hash":"` + strings.Repeat("0", 64) + `"}],"invalid":[{"of":"a","change":{"other":"0x1"}}]}`,
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := writeProofs(file, file+".cairo"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
