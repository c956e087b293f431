package deptest

import (
	"errors"
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Package is one folder of Go files. Paths inside the repository are relative to it ("./sqlpool", "./hooks/leak"), others
// are whole import paths.
type Package struct {
	Path        string
	Nested      bool     // in a module of its own inside the repository
	Imports     []string // of the files that are not tests; sorted, no duplicates
	TestImports []string // of the _test.go files
}

// Graph is the repository's packages by path.
type Graph map[string]Package

// Load reads the packages below root, whose module is called module.
func Load(root, module string) (Graph, error) {
	g := make(Graph)
	nested := make(map[string]bool) // folder to whether it is in a nested module
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // gone since it was listed: a temporary file
			}
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch name := d.Name(); {
		case d.IsDir() && rel != "." && (strings.ContainsRune("._", rune(name[0])) || name == "testdata" || name == "vendor"):
			return filepath.SkipDir
		case d.IsDir():
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			nested[rel] = rel != "." && (err == nil || nested[path.Dir(rel)])
			return nil
		case !d.Type().IsRegular() || !strings.HasSuffix(name, ".go") || strings.ContainsRune("._", rune(name[0])):
			return nil
		}
		dir := path.Dir(rel)
		p := g[local(dir)]
		p.Path, p.Nested = local(dir), nested[dir]
		if err := p.add(file, module); err != nil {
			return err
		}
		g[p.Path] = p
		return nil
	})
	return g, err
}

// add reads the imports of one file.
func (p *Package) add(file, module string) error {
	src, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return fmt.Errorf("reading imports: %w", err)
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			if x, err := constraint.Parse(c.Text); err == nil && c.Pos() < f.Package && x.String() == "ignore" {
				return nil // a program to be run by hand, in no build
			}
		}
	}
	list := &p.Imports
	if strings.HasSuffix(file, "_test.go") {
		list = &p.TestImports
	}
	for _, s := range f.Imports {
		name, err := strconv.Unquote(s.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if inside, ok := strings.CutPrefix(name, module+"/"); ok {
			name = local(inside)
		} else if name == module {
			name = local(".")
		}
		if i, found := slices.BinarySearch(*list, name); !found {
			*list = slices.Insert(*list, i, name)
		}
	}
	return nil
}

// local is the path of a folder of the repository; the root is ".".
func local(dir string) string {
	if dir == "." {
		return dir
	}
	return "./" + dir
}
