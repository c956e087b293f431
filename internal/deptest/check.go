package deptest

import (
	"fmt"
	"slices"
	"strings"
)

// Rule says what the packages of From may import. A pattern is a path as in [Package], a path with "/..." (it and all
// below it), "std" or "all". A rule with Allow looks at direct imports: one that no pattern matches is wrong. A rule
// with Forbid follows imports through the repository: a way to one that a pattern matches is wrong, however long.
type Rule struct {
	ID     string
	From   []string
	Except []string // not these, though From has them
	Allow  []string
	Forbid []string
	Tests  bool // the imports of _test.go files count too
	Nested bool // packages of nested modules count too
	Why    string
}

// Check returns one sentence for each broken rule and import, in the order of the rules.
func Check(g Graph, rules []Rule) []string {
	var broken []string
	for _, r := range rules {
		for _, p := range g.sorted() {
			if match(r.From, p.Path) && !match(r.Except, p.Path) && (r.Nested || !p.Nested) {
				broken = append(broken, r.check(g, p)...)
			}
		}
	}
	return broken
}

func (r Rule) check(g Graph, p Package) (broken []string) {
	roots := slices.Clone(p.Imports)
	if r.Tests {
		roots = append(roots, p.TestImports...)
		slices.Sort(roots)
		roots = slices.Compact(roots)
	}
	report := func(way []string) {
		broken = append(broken, fmt.Sprintf("%s: %s imports %s: %s", r.ID, p.Path, strings.Join(way, ", which imports "), r.Why))
	}
	seen := map[string]bool{p.Path: true}
	var walk func(way []string, imports []string)
	walk = func(way []string, imports []string) {
		for _, to := range imports {
			if seen[to] {
				continue
			}
			seen[to] = true
			next := append(slices.Clone(way), to)
			if match(r.Forbid, to) {
				report(next)
				continue
			}
			walk(next, g[to].Imports) // none for a package outside
		}
	}
	if len(r.Forbid) > 0 {
		walk(nil, roots)
	}
	for _, to := range roots {
		if len(r.Allow) > 0 && to != p.Path && !match(r.Allow, to) {
			report([]string{to})
		}
	}
	return broken
}

func (g Graph) sorted() []Package {
	list := make([]Package, 0, len(g))
	for _, p := range g {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Package) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// match says whether any of the patterns matches the path.
func match(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		tree, below := strings.CutSuffix(pattern, "/...")
		switch {
		case pattern == "all" || pattern == path:
			return true
		case pattern == "std":
			first, _, _ := strings.Cut(path, "/")
			return !strings.Contains(first, ".") // a host has a dot, and so has "./"
		case below:
			return path == tree || strings.HasPrefix(path, tree+"/")
		}
		return false
	})
}
