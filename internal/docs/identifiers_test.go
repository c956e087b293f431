package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every package says what it is, and every exported identifier what it does. A package main has no readers but its own.
func TestEveryExportedIdentifierIsDocumented(t *testing.T) {
	packages := 0
	for _, dir := range folders(t) {
		missing, found := undocumented(t, dir)
		if found {
			packages++
		}
		for _, what := range missing {
			t.Error(what)
		}
	}
	if packages < 20 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

// What is not documented is seen, and what godoc does not show is left alone.
func TestTheUndocumentedIsSeen(t *testing.T) {
	dir := t.TempDir()
	code := `package p

type T struct {
	A int
	B int // said

	C, D int
}

// U is an E, and more.
type U struct{ E, F int }

// I has methods.
type I interface{ M() }

func (T) Method()       {}
func (t *T) Error() string { return "" }
func (u) Method()       {}
func F()                {}
func f()                {}

type u struct{ A int }

const (
	X = 1 // said
	Y = 2
)

// V is said.
var V, W int
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	missing, found := undocumented(t, dir)
	var names []string
	for _, what := range missing {
		_, name, _ := strings.Cut(what, ": ")
		names = append(names, strings.TrimSuffix(name, " has no comment"))
	}
	if got := strings.Join(names, ", "); !found || got != "package p, T, T.C, T.D, U.F, I.M, T.Method, T.Error, F, Y" {
		t.Errorf("seen: %s", got)
	}
}

// undocumented lists what a folder's package leaves unsaid, and tells whether there is a package.
func undocumented(t *testing.T, dir string) (missing []string, found bool) {
	t.Helper()
	files, fset := []*ast.File{}, token.NewFileSet()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, false
	}
	l := &lacks{fset: fset}
	if !slices.ContainsFunc(files, func(f *ast.File) bool { return f.Doc != nil }) {
		l.note(files[0].Package, "package "+files[0].Name.Name)
	}
	if files[0].Name.Name == "main" {
		return l.found, true
	}
	for _, file := range files {
		for _, decl := range file.Decls {
			l.look(decl)
		}
	}
	return l.found, true
}

// lacks collects what is not documented.
type lacks struct {
	fset  *token.FileSet
	found []string
}

func (l *lacks) note(at token.Pos, what string) {
	l.found = append(l.found, fmt.Sprintf("%v: %s has no comment", l.fset.Position(at), what))
}

func (l *lacks) look(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if name, ours := method(d); ours && d.Doc == nil {
			l.note(d.Pos(), name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						l.note(name.Pos(), name.Name)
					}
				}
			case *ast.TypeSpec:
				if !s.Name.IsExported() {
					continue
				}
				if d.Doc == nil && s.Doc == nil && s.Comment == nil {
					l.note(s.Pos(), s.Name.Name)
				}
				l.members(s.Name.Name, words(d.Doc)+words(s.Doc), s.Type)
			}
		}
	}
}

// method returns the name of an exported function, and false for what godoc does not show: a method of an unexported
// type.
func method(d *ast.FuncDecl) (name string, ours bool) {
	if !d.Name.IsExported() {
		return "", false
	}
	if d.Recv == nil {
		return d.Name.Name, true
	}
	receiver := d.Recv.List[0].Type
	for {
		switch r := receiver.(type) {
		case *ast.StarExpr:
			receiver = r.X
			continue
		case *ast.IndexExpr:
			receiver = r.X
			continue
		case *ast.Ident:
			return r.Name + "." + d.Name.Name, r.IsExported()
		}
		return "", false
	}
}

// words are those of a comment, with a space on each side, in lower case.
func words(doc *ast.CommentGroup) string {
	letters := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	return " " + strings.Join(strings.FieldsFunc(strings.ToLower(doc.Text()), letters), " ") + " "
}

// members looks at the fields of a struct and the methods of an interface, by paragraphs: lines without an empty one
// between them. A paragraph without any comment is an oversight. In one with a comment, a member whose name
// says it all needs none, nor does one that the type's own comment mentions.
func (l *lacks) members(of, doc string, kind ast.Expr) {
	var fields *ast.FieldList
	switch k := kind.(type) {
	case *ast.StructType:
		fields = k.Fields
	case *ast.InterfaceType:
		fields = k.Methods
	default:
		return
	}
	last, spoken, silent := 0, false, []*ast.Ident{}
	end := func() {
		for _, name := range silent {
			if !spoken && !strings.Contains(doc, " "+strings.ToLower(name.Name)+" ") {
				l.note(name.Pos(), of+"."+name.Name)
			}
		}
		spoken, silent = false, silent[:0]
	}
	for _, f := range fields.List {
		first := l.fset.Position(f.Pos()).Line
		if f.Doc != nil {
			first = l.fset.Position(f.Doc.Pos()).Line
		}
		if first > last+1 {
			end()
		}
		spoken = spoken || f.Doc != nil || f.Comment != nil
		last = l.fset.Position(f.End()).Line
		for _, name := range f.Names {
			if name.IsExported() {
				silent = append(silent, name)
			}
		}
	}
	end()
}
