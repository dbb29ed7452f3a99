// Command generate compiles the Cairo contracts and writes everything in
// contracts that follows from them, classes/ and ../internal/cairo, and the test vectors of
// package elgamal as Cairo, src/tests/proofs.cairo. Run it by go generate in
// contracts. It needs cargo and, the first time, about ten minutes for the
// compiler; the same sources always give the same files. With -test it tests the
// Cairo sources instead.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bitsage/bitsage/contracts/internal/bindgen"
	"github.com/bitsage/bitsage/contracts/internal/class"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	check := flag.Bool("test", false, "check the format of the Cairo sources and run their tests, and write nothing")
	flag.Parse()
	if err := run(".", *check); err != nil {
		log.Fatal(err)
	}
}

// run works in the folder contracts.
func run(dir string, check bool) error {
	tmp, err := os.MkdirTemp("", "bitsage-contracts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	corelib := filepath.Join(tmp, "corelib")
	if err := unpackCorelib(corelib); err != nil {
		return err
	}
	cairoc, err := buildCompiler(dir)
	if err != nil {
		return err
	}
	if check {
		return test(cairoc, dir, corelib)
	}
	proofs := filepath.Join(dir, "src", "tests", "proofs.cairo")
	if err := writeProofs(filepath.Join(dir, "..", "elgamal", "testdata", "vectors.json"), proofs); err != nil {
		return err
	}
	if err := command(cairoc, "format", proofs).Run(); err != nil {
		return fmt.Errorf("cairoc format: %w", err)
	}
	compiled := filepath.Join(tmp, "out")
	if err := command(cairoc, "build", dir, "--corelib", corelib, "--out", compiled).Run(); err != nil {
		return fmt.Errorf("cairoc build: %w", err)
	}
	entries, err := writeClasses(compiled, filepath.Join(dir, "classes"))
	if err != nil {
		return err
	}
	return writeBindings(dir, entries)
}

// buildCompiler returns the path of cairoc.
func buildCompiler(dir string) (string, error) {
	target, err := targetDir()
	if err != nil {
		return "", err
	}
	build := command("cargo", "build", "--release", "--locked", "--target-dir", target)
	build.Dir = filepath.Join(dir, "cairoc")
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("cargo build: %w", err)
	}
	return filepath.Join(target, "release", "cairoc"), nil
}

// test checks the format of the sources and runs their tests.
func test(cairoc, dir, corelib string) error {
	var files []string
	for _, pattern := range []string{"*.cairo", "tests/*.cairo"} {
		found, err := filepath.Glob(filepath.Join(dir, "src", pattern))
		if err != nil {
			return err
		}
		files = append(files, found...)
	}
	if err := command(cairoc, append([]string{"format", "--check"}, files...)...).Run(); err != nil {
		return fmt.Errorf("cairoc format: %w", err)
	}
	if err := command(cairoc, "test", dir, "--corelib", corelib).Run(); err != nil {
		return fmt.Errorf("cairoc test: %w", err)
	}
	return nil
}

// targetDir is where cargo builds: outside of the repository, so that the compiler
// is built once and not once a clone.
func targetDir() (string, error) {
	if dir := os.Getenv("CARGO_TARGET_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "bitsage", "cairoc"), err
}

func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd
}

// entry is a line of classes.json: what the compiler says of a class, and its hash.
type entry struct {
	Name                      string `json:"name"`
	ClassHash                 string `json:"class_hash"`
	CompiledClassHash         string `json:"compiled_class_hash"`
	CompiledClassHashPoseidon string `json:"compiled_class_hash_poseidon"`
	SierraFelts               int    `json:"sierra_felts"`
	CASMFelts                 int    `json:"casm_felts"`
	abi                       []byte
}

// writeClasses turns the compiler's classes into those that a node takes.
func writeClasses(from, to string) ([]*entry, error) {
	data, err := os.ReadFile(filepath.Join(from, "classes.json"))
	if err != nil {
		return nil, err
	}
	var entries []*entry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, err
	}
	if err := empty(to); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := writeClass(from, to, e); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return entries, writeJSON(filepath.Join(to, "classes.json"), entries, "  ")
}

func writeClass(from, to string, e *entry) error {
	data, err := os.ReadFile(filepath.Join(from, e.Name+".sierra.json"))
	if err != nil {
		return err
	}
	var in struct {
		class.Sierra
		ABI       json.RawMessage `json:"abi"`
		DebugInfo json.RawMessage `json:"sierra_program_debug_info"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	sierra := in.Sierra
	sierra.ABI = spaced(in.ABI)
	hash, err := sierra.Hash()
	if err != nil {
		return err
	}
	e.ClassHash = hash.String()
	if err := writeJSON(filepath.Join(to, e.Name+".json"), sierra, ""); err != nil {
		return err
	}
	e.abi = in.ABI
	return writeJSON(filepath.Join(to, e.Name+".abi.json"), in.ABI, "  ")
}

// spaced writes JSON on one line with a space after each comma and colon: the
// form in which other tools make an ABI a string, so that they find the same hash.
func spaced(data []byte) string {
	var compact, out bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		panic(err) // it was just unmarshaled
	}
	quoted, escaped := false, false
	for _, c := range compact.Bytes() {
		out.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			out.WriteByte(' ')
		}
	}
	return out.String()
}

func writeBindings(dir string, entries []*entry) error {
	source, err := os.ReadFile(filepath.Join(dir, "src", "errors.cairo"))
	if err != nil {
		return err
	}
	code, err := bindgen.Errors(string(source))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "..", "internal", "cairo", "errors.go"), code, 0o644); err != nil {
		return err
	}
	for _, e := range entries {
		code, err := bindgen.Generate(e.Name, e.abi)
		if err != nil {
			return err
		}
		pkg := filepath.Join(dir, "..", "internal", "cairo", "bindings", bindgen.PackageName(e.Name))
		if err := os.MkdirAll(pkg, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(pkg, "bindings.go"), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// empty removes the generated files of contracts that are gone.
func empty(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return os.MkdirAll(dir, 0o755)
}

// writeJSON writes JSON, on one line if there is no indentation.
func writeJSON(path string, v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
