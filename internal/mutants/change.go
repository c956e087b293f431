package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
)

// A change is one place of a file that is written otherwise.
type change struct {
	file       string // from the module's root
	line       int
	function   string
	kind       string
	start, end int    // bytes of the file that are replaced
	text       string // what is there instead
	was        string // the line as it stands, without its blanks
}

// key names a change by what it is and not by where it stands, so that a list of
// them survives edits elsewhere in the file.
func (c change) key() string { return fmt.Sprintf("%s %s: %s: %s", c.file, c.function, c.kind, c.was) }

// String is for people.
func (c change) String() string {
	return fmt.Sprintf("%s:%d %s: %s: %s", c.file, c.line, c.function, c.kind, c.was)
}

// apply returns the file with the change.
func (c change) apply(source []byte) []byte {
	out := append([]byte(nil), source[:c.start]...)
	out = append(out, c.text...)
	return append(out, source[c.end:]...)
}

// opposites of operators: each pair is a mistake that is made.
var opposites = map[token.Token][]token.Token{
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD},
}

// changesOf finds every change of a file.
func changesOf(file, path string) ([]change, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &finder{file: file, source: source, lines: strings.Split(string(source), "\n"), set: set}
	for _, decl := range tree.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
			f.function = fn.Name.Name
			if fn.Recv != nil && len(fn.Recv.List) == 1 {
				f.function = strings.TrimPrefix(f.text(fn.Recv.List[0].Type), "*") + "." + fn.Name.Name
			}
			f.returnsError = f.lastIsError(fn.Type)
			ast.Inspect(fn.Body, f.visit)
		}
	}
	return f.found, nil
}

type finder struct {
	file         string
	source       []byte
	lines        []string
	set          *token.FileSet
	function     string
	returnsError bool
	found        []change
}

func (f *finder) offset(p token.Pos) int { return f.set.Position(p).Offset }

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.offset(n.Pos()):f.offset(n.End())])
}

func (f *finder) lastIsError(t *ast.FuncType) bool {
	if t.Results == nil || len(t.Results.List) == 0 {
		return false
	}
	return f.text(t.Results.List[len(t.Results.List)-1].Type) == "error"
}

func (f *finder) add(kind string, from, to token.Pos, text string) {
	line := f.set.Position(from).Line
	f.found = append(f.found, change{
		file: f.file, line: line, function: f.function, kind: kind,
		start: f.offset(from), end: f.offset(to), text: text, was: strings.TrimSpace(f.lines[line-1]),
	})
}

// visit notes what can be changed at a node. Function literals are their function's,
// but what they return is not.
func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		outer := f.returnsError
		f.returnsError = f.lastIsError(n.Type)
		ast.Inspect(n.Body, f.visit)
		f.returnsError = outer
		return false
	case *ast.BinaryExpr:
		for _, other := range opposites[n.Op] {
			if n.Op == token.ADD && (isText(n.X) || isText(n.Y)) {
				continue
			}
			f.add(fmt.Sprintf("%s becomes %s", n.Op, other), n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other.String())
		}
	case *ast.IfStmt:
		f.add("the condition is never true", n.Cond.Pos(), n.Cond.End(), "("+f.text(n.Cond)+") && false")
		f.add("the condition is always true", n.Cond.Pos(), n.Cond.End(), "("+f.text(n.Cond)+") || true")
	case *ast.ExprStmt:
		if _, call := n.X.(*ast.CallExpr); call {
			f.add("the call is left out", n.Pos(), n.End(), "_ = 0")
		}
	case *ast.DeferStmt:
		f.add("the deferred call is left out", n.Pos(), n.End(), "_ = 0")
	case *ast.IncDecStmt:
		f.add("the count is left out", n.Pos(), n.End(), "_ = 0")
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE && len(n.Lhs) == 1 && f.text(n.Lhs[0]) != "_" {
			f.add("the assignment is left out", n.Pos(), n.End(), "_ = "+f.text(n.Rhs[0]))
		}
	case *ast.BranchStmt:
		if n.Label == nil && n.Tok == token.BREAK {
			f.add("break becomes continue", n.Pos(), n.End(), "continue")
		}
	case *ast.ReturnStmt:
		if last := len(n.Results) - 1; last >= 0 && f.returnsError && f.text(n.Results[last]) != "nil" && len(n.Results) > 0 {
			if _, call := n.Results[last].(*ast.CallExpr); !call || last > 0 {
				f.add("the error is dropped", n.Results[last].Pos(), n.Results[last].End(), "nil")
			}
		}
	case *ast.CallExpr:
		for _, arg := range n.Args {
			if id, ok := arg.(*ast.Ident); ok && id.Name == "ctx" && !strings.HasPrefix(f.text(n.Fun), "context.") {
				f.add("the call does not hear its context", arg.Pos(), arg.End(), "context.WithoutCancel(ctx)")
			}
		}
	case *ast.Ident:
		switch n.Name {
		case "true":
			f.add("true becomes false", n.Pos(), n.End(), "false")
		case "false":
			f.add("false becomes true", n.Pos(), n.End(), "true")
		}
	case *ast.CaseClause:
		if len(n.Body) > 0 {
			f.add("the case does nothing", n.Body[0].Pos(), n.Body[len(n.Body)-1].End(), "")
		}
	}
	return true
}

func isText(e ast.Expr) bool {
	literal, ok := e.(*ast.BasicLit)
	return ok && literal.Kind == token.STRING
}
