package archtest

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

// unusable lists exported names that nobody outside of this module can use, or see the fields
// of, since their types are internal, with the use that packages of this module have for each.
// The name of a package stands for all of its names.
var unusable = map[string]string{
	"proof.New":    "makes a Proof of what packages of this module have",
	"proof.STARK":  "gives packages of this module the inner form",
	"proof.AIR":    "gives packages of this module the constraints, and the oracle in Rust",
	"proof.Config": "gives packages of this module the parameters",
	"prover":       "gives benchmarks and the oracle in Rust columns, constraints and backends, which are internal",

	"interop/statement": "is for the oracle in Rust, which is no user",
}

// qualified is an exported name with its package.
func qualified(pkg, name string) string {
	if pkg == "." {
		pkg = "bitsage"
	}
	return pkg + "." + name
}

// TestSurface wants no internal type in what public packages export: an alias of one hides
// its fields and methods from the documentation, and the others cannot be written down.
func TestSurface(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		pkg := pathDir(path)
		if strings.HasSuffix(path, "_test.go") || file.Name.Name == "main" || strings.Contains("/"+pkg+"/", "/internal/") || unusable[pkg] != "" {
			return
		}
		inner := make(map[string]string) // internal packages by the names that the file has for them
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if !strings.HasPrefix(imported, module) || !strings.Contains(imported, "/internal/") {
				continue
			}
			name := imported[strings.LastIndexByte(imported, '/')+1:]
			if spec.Name != nil {
				name = spec.Name.Name
			}
			inner[name] = imported
		}
		for _, d := range file.Decls {
			for name, types := range exported(d) {
				for _, typ := range types {
					ast.Inspect(typ, func(n ast.Node) bool {
						if _, ok := n.(*ast.BlockStmt); ok {
							return false
						}
						sel, ok := n.(*ast.SelectorExpr)
						if !ok {
							return true
						}
						if id, ok := sel.X.(*ast.Ident); ok && inner[id.Name] != "" && unusable[qualified(pkg, name)] == "" {
							t.Errorf("%s: %s has %s.%s, which is internal", path, name, id.Name, sel.Sel.Name)
						}
						return true
					})
				}
			}
		}
	})
}

// exported returns the types in which a user of the package meets a declaration's exported
// names: parameters and results, exported fields, and the methods of interfaces.
func exported(d ast.Decl) map[string][]ast.Node {
	types := make(map[string][]ast.Node)
	add := func(name string, n ast.Node) {
		if ast.IsExported(name[strings.LastIndexByte(name, '.')+1:]) {
			types[name] = append(types[name], n)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if exportedReceiver(d) {
			add(d.Name.Name, d.Type)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if s.Type != nil {
						add(n.Name, s.Type)
					}
				}
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					addType(s, add)
				}
			}
		}
	}
	return types
}

func addType(s *ast.TypeSpec, add func(string, ast.Node)) {
	fields := func(list *ast.FieldList) {
		for _, f := range list.List {
			if len(f.Names) == 0 {
				add(s.Name.Name, f.Type) // embedded
			}
			for _, n := range f.Names {
				add(fmt.Sprintf("%s.%s", s.Name.Name, n.Name), f.Type)
			}
		}
	}
	switch typ := s.Type.(type) {
	case *ast.StructType:
		fields(typ.Fields)
	case *ast.InterfaceType:
		fields(typ.Methods)
	default:
		add(s.Name.Name, s.Type)
	}
}

// TestUnusable keeps the list short: what is in it must still be exported.
func TestUnusable(t *testing.T) {
	left := make(map[string]bool)
	goFiles(t, func(path string, file *ast.File) {
		pkg := pathDir(path)
		left[pkg] = true
		for _, d := range file.Decls {
			for name := range exported(d) {
				left[qualified(pkg, name)] = true
			}
		}
	})
	for name, reason := range unusable {
		if !left[name] || reason == "" {
			t.Errorf("%s is not exported any more, or has no reason: take it off the list", name)
		}
	}
}
