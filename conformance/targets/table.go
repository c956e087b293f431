//go:build unix

package targets

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sqlpool/go/conformance"
)

// A Column is what came out for one contender.
type Column struct {
	Name   string             `json:"name"`   // Contender.Name
	What   string             `json:"what"`   // Contender.What
	Ours   bool               `json:"ours"`   // whether every required rule must hold
	Report conformance.Report `json:"report"` // what came out
}

var marks = map[conformance.Verdict]string{conformance.Pass: "✓", conformance.Fail: "**✗**", conformance.Skip: "–"}

// WriteTable writes docs/conformance.md. It has nothing in it that differs from
// run to run: no times, no texts of errors.
func WriteTable(w io.Writer, columns []Column) error {
	var b strings.Builder
	rules := conformance.Rules()
	fmt.Fprintf(&b, "# Conformance\n\nMade by `make conform`; not to be edited. %d rules, each on %d contenders: ✓ it holds, **✗** it does not, – it was\n"+
		"not checked, for a reason given at the end. Each rule has been seen to fail on a pool or driver broken in just that way\n"+
		"(`conformance/mutants_test.go`). [Testing a driver](testing-a-driver.md) says how to run them on another driver.\n\n", len(rules), len(columns))
	b.WriteString("| contender | what it is | ✓ | ✗ | – |\n|---|---|---:|---:|---:|\n")
	for _, c := range columns {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", c.Name, c.What,
			c.Report.Count(conformance.Pass), c.Report.Count(conformance.Fail), c.Report.Count(conformance.Skip))
	}
	for _, family := range conformance.Families() {
		fmt.Fprintf(&b, "\n## %s: %s\n\n| rule | |", family.Name, family.Title)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.Name)
		}
		b.WriteString("\n|---|---|" + strings.Repeat(":-:|", len(columns)) + "\n")
		for i, rule := range rules {
			if rule.Family() != family.Name {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s |", rule.ID, rule.Rule)
			for _, c := range columns {
				fmt.Fprintf(&b, " %s |", marks[c.Report.Results[i].Verdict])
			}
			b.WriteString("\n")
		}
	}
	writeFailures(&b, rules, columns)
	writeSkips(&b, columns)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFailures says what the rules that do not hold everywhere are for.
func writeFailures(b *strings.Builder, rules []conformance.Rule, columns []Column) {
	b.WriteString("\n## What does not hold, and what that means\n\n| rule | why | source | fails on |\n|---|---|---|---|\n")
	for i, rule := range rules {
		var on []string
		for _, c := range columns {
			if c.Report.Results[i].Verdict == conformance.Fail {
				on = append(on, c.Name)
			}
		}
		if on != nil {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", rule.ID, rule.Why, rule.Source, strings.Join(on, "; "))
		}
	}
}

// writeSkips gathers what was not checked by its reason.
func writeSkips(b *strings.Builder, columns []Column) {
	type skip struct{ reason, contender string }
	rules := map[skip][]string{}
	for _, c := range columns {
		for _, r := range c.Report.Results {
			if r.Verdict == conformance.Skip {
				key := skip{strings.Join(r.Seen, "; "), c.Name}
				rules[key] = append(rules[key], r.Rule.ID)
			}
		}
	}
	var keys []skip
	for key := range rules {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b skip) int {
		return cmp.Or(strings.Compare(a.contender, b.contender), strings.Compare(a.reason, b.reason))
	})
	b.WriteString("\n## What was not checked, and why\n\n| contender | reason | rules |\n|---|---|---|\n")
	for _, key := range keys {
		fmt.Fprintf(b, "| %s | %s | %s |\n", key.contender, key.reason, strings.Join(rules[key], ", "))
	}
}
