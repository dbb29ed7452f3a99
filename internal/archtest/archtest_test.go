// Package archtest holds the tests of the repository itself: who may import whom,
// what the light packages must not pull in, and what every file must look like.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/bitsage/bitsage"

// layers lists the packages from the bottom up. A package may import only
// packages of lines above its own.
const layers = `
internal/impl transport
internal/testprofile internal/impl/impltest internal/m31 internal/parallel chain/felt internal/vectors internal/randtest internal/atomicfile internal/p2p internal/strictjson money
internal/circle internal/calldata internal/poseidon internal/pedersen internal/journal internal/starksig internal/p2p/p2ptest
internal/stark elgamal
internal/air internal/blake2s internal/stark/codec wallet wallet/faucet contracts contracts/internal/class
internal/air/matmul internal/air/airtest internal/program internal/backend chain contracts/internal/bindgen internal/devnet internal/p2p/blob consensus
internal/program/matmul contracts/internal/generate internal/cairo chain/ledger/internal/cairo
chain/ledger/internal/twin chain/ledger/internal/cairo/cairotest
chain/ledger
internal/cairo/bindings/faucet internal/cairo/bindings/jobmanager internal/cairo/bindings/paymentrouter internal/cairo/bindings/privacyrouter internal/cairo/bindings/proofverifier internal/cairo/bindings/reputationmanager internal/cairo/bindings/sagetoken internal/cairo/bindings/stakingmanager internal/cairo/bindings/validatorregistry
contracts/deploy staking
contracts/sage-deploy
internal/backend/backendtest internal/sim
internal/backend/cpu proof
internal/program/exec internal/wire receipt
prover internal/program/programtest receipt/wasm internal/testnet
internal/chaintest internal/settle
.
bitsagetest
examples/quickstart
interop/statement interop/oracle
interop interop/stwo-go bench/stwo bench/kernels
internal/archtest
starknetgo
`

// nested are the folders that are modules of their own. Their users import them beside this
// module, so what they import of it must be public.
var nested = []string{"starknetgo"}

// links lists, for light packages, what must not be in a binary because of them: neither
// imported nor imported by what they import. Names of this module stand without its path.
const links = `
internal/stark   !< net, runtime/cgo
proof            !< net, runtime/cgo, prover, internal/program/exec, internal/backend, internal/parallel
prover transport !< net, runtime/cgo
internal/p2p     !< net, golang.org/x/term, wallet
internal/starksig consensus internal/wire !< net, golang.org/x/term, github.com/tyler-smith/go-bip39, wallet, chain
wallet           !< net, proof, github.com/consensys/gnark-crypto/ecc/stark-curve/pedersen-hash
elgamal money    !< net, golang.org/x/term, wallet
receipt          !< net, runtime/cgo, golang.org/x/term, github.com/tyler-smith/go-bip39, wallet, chain, prover, internal/backend, internal/parallel, internal/journal, internal/p2p, go.etcd.io/bbolt
`

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goFiles calls f for every Go file of the repository.
func goFiles(t *testing.T, f func(path string, file *ast.File)) {
	t.Helper()
	dir := root(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "target" || strings.HasPrefix(name, "_") || name == "testdata" || strings.HasPrefix(name, ".") && path != dir {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		f(filepath.ToSlash(rel), file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestImportOrder keeps the layers.
func TestImportOrder(t *testing.T) {
	level := make(map[string]int)
	for i, line := range strings.Split(strings.TrimSpace(layers), "\n") {
		for _, pkg := range strings.Fields(line) {
			level[pkg] = i + 1
		}
	}
	goFiles(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		pkg := pathDir(path)
		if level[pkg] == 0 {
			t.Errorf("%s: package %s has no place in the layers", path, pkg)
			return
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			dep := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			if dep == "" {
				dep = "."
			}
			if level[dep] >= level[pkg] {
				t.Errorf("%s imports %s, which does not stand above it in the layers", path, dep)
			}
		}
	})
}

// TestBindings keeps the contracts' bindings below settle and staking: roles and
// users speak their types.
func TestBindings(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		if dir := pathDir(path); strings.HasSuffix(path, "_test.go") || dir != "." && dir != "prover" && dir != "proof" && dir != "consensus" {
			return
		}
		for _, spec := range file.Imports {
			if strings.Contains(spec.Path.Value, "internal/cairo/bindings/") {
				t.Errorf("%s imports %s", path, spec.Path.Value)
			}
		}
	})
}

// TestTestProfile keeps what allows proof.TestOnly to tests: only package bitsagetest,
// which wants a testing.TB, does so for others.
func TestTestProfile(t *testing.T) {
	importers := map[string][]string{
		module + "/internal/testprofile": {"proof", "bitsagetest"},
		module + "/internal/testnet":     {"bitsagetest"},
	}
	goFiles(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, spec := range file.Imports {
			allowed, ok := importers[strings.Trim(spec.Path.Value, `"`)]
			if ok && !slices.Contains(allowed, pathDir(path)) {
				t.Errorf("%s imports %s", path, spec.Path.Value)
			}
		}
	})
}

func pathDir(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return "."
}

// TestLinks keeps what verifies free of the network, of C, of terminals, of mnemonics and of
// the prover.
func TestLinks(t *testing.T) {
	deps := dependencies(t)
	for line := range strings.Lines(strings.TrimSpace(links)) {
		light, heavy, ok := strings.Cut(line, "!<")
		if !ok {
			t.Fatalf("a line without !<: %s", line)
		}
		for _, pkg := range strings.Fields(light) {
			if deps[path(pkg)] == nil {
				t.Errorf("there is no package %s", pkg)
			}
			for banned := range strings.SplitSeq(heavy, ",") {
				banned = strings.TrimSpace(banned)
				if slices.Contains(deps[path(pkg)], path(banned)) {
					t.Errorf("%s links %s", pkg, banned)
				}
			}
		}
	}
}

// TestNoTestLibrary keeps testify in tests and in internal suites: whoever imports a public
// package links none of it.
func TestNoTestLibrary(t *testing.T) {
	deps := dependencies(t)
	for _, pkg := range strings.Fields(layers) {
		if strings.Contains(pkg, "internal") || slices.Contains(nested, pkg) {
			continue
		}
		for _, dep := range deps[path(pkg)] {
			if strings.HasPrefix(dep, "github.com/stretchr/testify") {
				t.Errorf("%s links testify outside of tests", pkg)
			}
		}
	}
}

// dependencies returns what each package of the module links.
func dependencies(t *testing.T) map[string][]string {
	t.Helper()
	deps, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return deps
}

// listed asks the go command once for all packages.
var listed = sync.OnceValues(func() (map[string][]string, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Deps", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	deps := make(map[string][]string)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			ImportPath string
			Deps       []string
		}
		switch err := dec.Decode(&pkg); {
		case errors.Is(err, io.EOF):
			return deps, nil
		case err != nil:
			return nil, err
		}
		deps[pkg.ImportPath] = pkg.Deps
	}
})

// path is the import path of a package that a table names: one of the layers is of this
// module.
func path(pkg string) string {
	if pkg == "." {
		return module
	}
	if slices.Contains(strings.Fields(layers), pkg) {
		return module + "/" + pkg
	}
	return pkg
}

// TestBrowser builds what verifies for browsers (js/wasm) and for WASI (wasip1).
func TestBrowser(t *testing.T) {
	for _, build := range []struct {
		os       string
		packages []string
	}{
		{"js", []string{"./proof", "./receipt", "./receipt/wasm"}},
		{"wasip1", []string{"./proof", "./receipt"}},
	} {
		cmd := exec.Command("go", append([]string{"build"}, build.packages...)...) // of several packages nothing is kept
		cmd.Dir = root(t)
		cmd.Env = append(os.Environ(), "GOOS="+build.os, "GOARCH=wasm")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", build.os, err, out)
		}
	}
}

// TestNoGoroutinesInVerifier keeps the trusted base sequential.
func TestNoGoroutinesInVerifier(t *testing.T) {
	sequential := []string{"internal/m31", "internal/circle", "internal/stark", "internal/stark/codec", "internal/air", "internal/air/matmul", "internal/program", "internal/program/matmul", "proof"}
	goFiles(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") || !slices.Contains(sequential, pathDir(path)) {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine", path)
			}
			return true
		})
	})
}

// TestPureConsensus keeps clock, network, disk, chance and goroutines out of the state
// machine.
func TestPureConsensus(t *testing.T) {
	impure := []string{"time", "net", "net/http", "os", "io", "io/fs", "context", "sync", "sync/atomic", "math/rand", "math/rand/v2", "crypto/rand"}
	goFiles(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") || pathDir(path) != "consensus" {
			return
		}
		for _, spec := range file.Imports {
			if imported := strings.Trim(spec.Path.Value, `"`); slices.Contains(impure, imported) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine", path)
			}
			return true
		})
	})
}

// TestExamples keeps examples to what their readers can import.
func TestExamples(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		for _, spec := range file.Imports {
			if strings.HasPrefix(path, "examples/") && strings.Contains(spec.Path.Value, module+"/internal/") {
				t.Errorf("%s imports %s, which is internal", path, spec.Path.Value)
			}
		}
	})
}

// TestDocComments wants a comment on everything exported outside of tests and
// commands.
func TestDocComments(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") || file.Name.Name == "main" {
			return
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no doc comment", path, d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: %s has no doc comment", path, ts.Name)
					}
				}
			}
		}
	})
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return !ok || id.IsExported()
}

// TestSkips wants no test that skips and no unfinished work.
func TestSkips(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Skip" || sel.Sel.Name == "Skipf" || sel.Sel.Name == "SkipNow") {
				t.Errorf("%s calls %s", path, sel.Sel.Name)
			}
			return true
		})
		for _, g := range file.Comments {
			for _, word := range []string{"TO" + "DO", "FIX" + "ME", "XX" + "X"} {
				if strings.Contains(g.Text(), word) {
					t.Errorf("%s has a comment with %s", path, word)
				}
			}
		}
	})
}

// TestModule wants no replace directive in go.mod, and nothing of what is in modules of its
// own.
func TestModule(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("replace")) {
		t.Error("go.mod has a replace directive, which users of the module would not see")
	}
	if bytes.Contains(data, []byte("NethermindEth")) {
		t.Error("go.mod requires starknet.go or juno, with which `go list -m all` fails for users of the module")
	}
}

// TestNestedModules keeps to the public packages in the modules that stand beside this one:
// the go command would let them import internal ones, which change without notice.
func TestNestedModules(t *testing.T) {
	for _, dir := range nested {
		if _, err := os.Stat(filepath.Join(root(t), dir, "go.mod")); err != nil {
			t.Error(err)
		}
	}
	goFiles(t, func(path string, file *ast.File) {
		inNested := slices.ContainsFunc(nested, func(dir string) bool { return strings.HasPrefix(path, dir+"/") })
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if !strings.HasPrefix(imported, module+"/") {
				continue
			}
			if inNested && strings.Contains(imported, "/internal/") {
				t.Errorf("%s imports %s, which is internal", path, imported)
			}
			if !inNested && slices.Contains(nested, strings.TrimPrefix(imported, module+"/")) {
				t.Errorf("%s imports %s, which is another module", path, imported)
			}
		}
	})
}
