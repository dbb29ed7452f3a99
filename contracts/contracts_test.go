package contracts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/contracts/internal/bindgen"
	"github.com/bitsage/bitsage/contracts/internal/class"
	"github.com/bitsage/bitsage/internal/cairo"
)

var names = []string{
	"Faucet", "JobManager", "PaymentRouter", "PrivacyRouter", "ProofVerifier", "ReputationManager", "SageToken", "StakingManager", "ValidatorRegistry",
}

func TestClasses(t *testing.T) {
	var got []string
	for _, c := range contracts.Classes() {
		got = append(got, c.Name)
		same, err := contracts.ByName(c.Name)
		if err != nil || same != c {
			t.Errorf("%s: not found by its name: %v", c.Name, err)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("classes %v, want %v", got, names)
	}
	if _, err := contracts.ByName("Nothing"); err == nil {
		t.Error("found a contract that does not exist")
	}
}

// TestClassHash recomputes what classes.json says and checks the limits of a
// network.
func TestClassHash(t *testing.T) {
	for _, c := range contracts.Classes() {
		sierra, err := class.Parse(c.Sierra)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		hash, err := sierra.Hash()
		if err != nil || hash.String() != c.ClassHash {
			t.Errorf("%s: class hash %s, %v, want %s", c.Name, hash, err, c.ClassHash)
		}
		if len(c.Sierra) > 4_089_446 {
			t.Errorf("%s: %d bytes", c.Name, len(c.Sierra))
		}
		// The first felts of a program are the version of Sierra, 1.7.0.
		if version := sierra.SierraProgram[:3]; !slices.Equal(version, []string{"0x1", "0x7", "0x0"}) {
			t.Errorf("%s: Sierra %v", c.Name, version)
		}
		for _, text := range []string{c.CompiledClassHash, c.CompiledClassHashPoseidon} {
			if _, err := felt.Parse(text); err != nil {
				t.Errorf("%s: compiled class hash %q: %v", c.Name, text, err)
			}
		}
	}
}

// TestSelectors wants the entry points that the compiler made to be those that
// the bindings call.
func TestSelectors(t *testing.T) {
	for _, c := range contracts.Classes() {
		sierra, err := class.Parse(c.Sierra)
		if err != nil {
			t.Fatal(err)
		}
		compiled := make(map[string]bool)
		for _, p := range sierra.EntryPointsByType.External {
			compiled[p.Selector] = true
		}
		functions := functions(t, c.ABI)
		for _, fn := range functions {
			if selector := class.Selector(fn.Name).String(); !compiled[selector] {
				t.Errorf("%s has no entry point %s of %s", c.Name, selector, fn.Name)
			}
		}
		if len(functions) != len(compiled) {
			t.Errorf("%s: %d functions, %d entry points", c.Name, len(functions), len(compiled))
		}
	}
}

// TestABI wants one ABI in both files.
func TestABI(t *testing.T) {
	for _, c := range contracts.Classes() {
		sierra, err := class.Parse(c.Sierra)
		if err != nil {
			t.Fatal(err)
		}
		var a, b bytes.Buffer
		if json.Compact(&a, []byte(sierra.ABI)) != nil || json.Compact(&b, c.ABI) != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: the ABI in the class is not %s.abi.json", c.Name, c.Name)
		}
	}
}

// TestBindings wants the committed bindings to be those of the committed ABIs.
func TestBindings(t *testing.T) {
	var packages []string
	for _, c := range contracts.Classes() {
		want, err := bindgen.Generate(c.Name, c.ABI)
		if err != nil {
			t.Fatal(err)
		}
		pkg := bindgen.PackageName(c.Name)
		packages = append(packages, pkg)
		same(t, filepath.Join("..", "internal", "cairo", "bindings", pkg, "bindings.go"), want)
	}
	source, err := os.ReadFile("src/errors.cairo")
	if err != nil {
		t.Fatal(err)
	}
	want, err := bindgen.Errors(string(source))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "../internal/cairo/errors.go", want)

	dirs, err := filepath.Glob("../internal/cairo/bindings/*/bindings.go")
	if err != nil || len(dirs) != len(packages) {
		t.Errorf("bindings of %d packages, want %v", len(dirs), packages)
	}
}

func same(t *testing.T, file string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what go generate writes: %v", file, err)
	}
}

func concatenation(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	var all strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

func sources(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("src/*.cairo")
	if err != nil || len(files) == 0 {
		t.Fatal("no sources", err)
	}
	out := make(map[string]string)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[f] = string(data)
	}
	return out
}

// TestErrors wants every error to be used and provoked by a test in Cairo, and no
// call to revert with a text that is not one of them.
func TestErrors(t *testing.T) {
	all := ""
	for file, text := range sources(t) {
		if strings.HasSuffix(file, "errors.cairo") {
			continue
		}
		all += text
		for _, pattern := range []string{`assert\([^;]*, '`, `expect\('`, `panic_with_felt252\('`, `panic!`} {
			if found := regexp.MustCompile(pattern).FindString(text); found != "" {
				t.Errorf("%s reverts with a text of its own: %s", file, found)
			}
		}
	}
	tests := concatenation(t, "src/tests/*.cairo")
	for _, e := range cairo.Errors {
		if !regexp.MustCompile(`errors::` + e.Code + `\b`).MatchString(all) {
			t.Errorf("the error %s is never used", e.Code)
		}
		if !strings.Contains(tests, "'"+e.Code+"'") {
			t.Errorf("no test in Cairo provokes the error %s", e.Code)
		}
		if _, err := felt.ShortString(e.Code); err != nil {
			t.Errorf("%s: %v", e.Code, err)
		}
	}
}

// TestReadme wants the tables to be complete.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)
	for _, e := range cairo.Errors {
		if !strings.Contains(readme, "| `"+e.Code+"` | "+e.Doc+" |") {
			t.Errorf("the README lacks the error %s or has another text", e.Code)
		}
	}
	for _, c := range contracts.Classes() {
		_, section, found := strings.Cut(readme, "\n### "+c.Name+"\n")
		if !found {
			t.Errorf("the README lacks a section on %s", c.Name)
			continue
		}
		section, _, _ = strings.Cut(section, "\n### ")
		_, owners, _ := strings.Cut(readme, "\n### Owners\n")
		for _, fn := range functions(t, c.ABI) {
			if fn.StateMutability == "external" && !strings.Contains(section+owners, "`"+fn.Name+"`") {
				t.Errorf("the README does not say who may call %s.%s", c.Name, fn.Name)
			}
		}
	}
}

type function struct {
	Name            string
	StateMutability string `json:"state_mutability"`
}

// functions lists the functions of an ABI.
func functions(t *testing.T, abi []byte) []function {
	t.Helper()
	var items []struct{ Items []function }
	if err := json.Unmarshal(abi, &items); err != nil {
		t.Fatal(err)
	}
	var out []function
	for _, it := range items {
		out = append(out, it.Items...)
	}
	if len(out) == 0 {
		t.Error("no functions")
	}
	return out
}
