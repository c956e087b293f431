package sqlpool

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// The package has two layers (decision 36). What database/sql sees, in the files sql_*.go,
// uses the pool below it; the pool does not use what is declared there. OpenDB and
// Connector, where a program enters the upper layer, are called by programs alone.
func TestThePoolDoesNotUseWhatDatabaseSQLSees(t *testing.T) {
	upper, lower := layers(t)
	if len(upper) < 10 || len(lower) < 30 {
		t.Fatalf("%d files above and %d below: the test looks in the wrong place", len(upper), len(lower))
	}
	names, methods := make(map[string]string), make(map[string]string)
	for name, file := range upper {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = name
					case *ast.ValueSpec:
						for _, id := range s.Names {
							names[id.Name] = name
						}
					}
				}
			case *ast.FuncDecl:
				switch receiver := receiverOf(d); receiver {
				case "":
					names[d.Name.Name] = name
				case "Pool", "Conn", "Loan": // types of the lower layer; the upper one's cannot be named there at all
					methods[d.Name.Name] = name
				}
			}
		}
	}
	delete(names, "_")
	delete(methods, "Connector") // Config has a field of that name
	for name, file := range lower {
		for _, id := range file.Unresolved { // in the file: a name of the package's, an import or a builtin
			if above, ok := names[id.Name]; ok {
				t.Errorf("%s uses %s of %s", name, id.Name, above)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				if above, ok := methods[sel.Sel.Name]; ok {
					t.Errorf("%s calls a method %s, as %s has one", name, sel.Sel.Name, above)
				}
			}
			return true
		})
	}
}

// layers returns the package's files, parsed.
func layers(t *testing.T) (upper, lower map[string]*ast.File) {
	t.Helper()
	upper, lower = make(map[string]*ast.File), make(map[string]*ast.File)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "sql_") {
			upper[name] = file
		} else {
			lower[name] = file
		}
	}
	return upper, lower
}

// receiverOf returns the name of a method's receiver type, or "".
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if id, ok := of.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
