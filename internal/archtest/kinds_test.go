package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// matmulFiles lists the files, and with a slash at the end the folders, that know what a
// product of matrices is. All others know programs by what every kind has.
var matmulFiles = []string{
	"internal/air/matmul/", "internal/program/matmul/", // what it is
	"proof/kinds.go", "proof/matmul.go", // the table of kinds, the constructors
	"internal/program/exec/exec.go", "internal/program/exec/matmul.go", // the table of executors, the executor
	"internal/backend/backend.go", "internal/backend/backendtest/", "internal/backend/cpu/", // the kernels
	"bitsagetest/job.go", "internal/chaintest/walk.go", "examples/quickstart/main.go", // jobs for examples and tests
	"interop/", "bench/", // what is compared with stwo
}

// matmulName is what names a product of matrices. The names of some profiles begin so,
// which are good for any program.
var matmulName = regexp.MustCompile(`(?i)^matmul($|[^p-]|p[^0-9])`)

// TestOneKind lets the listed files alone import, name or spell the kind.
func TestOneKind(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") || slices.ContainsFunc(matmulFiles, func(f string) bool {
			return path == f || strings.HasSuffix(f, "/") && strings.HasPrefix(path, f)
		}) {
			return
		}
		for _, spec := range file.Imports {
			if imported := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(imported, module) && strings.HasSuffix(imported, "/matmul") {
				t.Errorf("%s imports %s", path, imported)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var name string
			switch n := n.(type) {
			case *ast.Ident:
				name = n.Name
			case *ast.BasicLit:
				if n.Kind == token.STRING {
					name, _ = strconv.Unquote(n.Value)
				}
			}
			if matmulName.MatchString(name) {
				t.Errorf("%s knows of matrix products: %.40q", path, name)
			}
			return true
		})
	})
}

// TestMatmulName keeps the pattern from passing everything.
func TestMatmulName(t *testing.T) {
	for name, want := range map[string]bool{
		"MatMul": true, "MatMulOf": true, "matmul": true, "matmulExecutor": true, "MatMulInt8": true, "matmulProof": true,
		"matmul int8 1x1x1": true, "MatMulP96": false, "matmul-p96": false, "mat": false,
	} {
		if matmulName.MatchString(name) != want {
			t.Errorf("%q: want %v", name, want)
		}
	}
}
