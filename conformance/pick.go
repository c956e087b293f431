package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// picked are the rules that the target asks for.
func (t *Target) picked() []Rule {
	all := slices.Concat(Rules(), t.Own)
	if len(t.Only) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(r Rule) bool {
		return !slices.Contains(t.Only, r.ID) && !slices.Contains(t.Only, r.Family())
	})
}

// CheckNames is the error of a name in [Target].Only that neither a rule of this
// package nor a family has.
func CheckNames(names ...string) error { return checkNames(Rules(), names) }

// checkNames refuses the name of a rule that there is not: a misspelt one would pick
// nothing, or leave nothing out, and not say so.
func (t *Target) checkNames() error {
	known := map[string]bool{}
	for _, r := range slices.Concat(Rules(), t.Own) {
		if r.Family() == r.ID || known[r.ID] || r.check == nil && r.Check == nil {
			return fmt.Errorf("conformance: a rule of one's own is called %q: want FAMILY-NUMBER, a name that no other rule has, and a Check", r.ID)
		}
		known[r.ID] = true
	}
	if err := checkNames(slices.Concat(Rules(), t.Own), slices.Concat(t.Only, slices.Sorted(maps.Keys(t.NotPromised)))); err != nil {
		return fmt.Errorf("conformance: %w", err)
	}
	for name, reason := range t.NotPromised {
		if strings.TrimSpace(reason) == "" {
			return fmt.Errorf("conformance: %q is not promised without a reason: say why, for the report", name)
		}
	}
	return nil
}

func familyNames() (names []string) {
	for _, f := range families {
		names = append(names, f.Name)
	}
	return names
}

func checkNames(rules []Rule, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(rules, func(r Rule) bool { return r.ID == name || r.Family() == name }) {
			return fmt.Errorf("there is no rule and no family %q: want one of %s, or a rule's ID", name, strings.Join(familyNames(), ", "))
		}
	}
	return nil
}
