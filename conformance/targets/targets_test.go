//go:build unix

package targets

import (
	"bytes"
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/conformance"
)

var only = flag.String("contender", "", "run the contenders whose name begins so, rule by rule")

var lab = sync.OnceValues(func() (*Lab, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return NewLab(ctx) // ends with this process
})

// TestContenders: every required rule holds for sqlpool on every target, and
// the committed table is what comes out today.
func TestContenders(t *testing.T) {
	if *only != "" {
		t.Skip("-contender picks some: see TestContender")
	}
	l, err := lab()
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var columns []Column
	for i, c := range Contenders() {
		report, err := c.Check(t.Context(), l, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		// What a peer does by chance is not this repository's to keep: one more run
		// of such a rule that comes out as committed will do.
		for range 2 {
			unlike := differs(string(committed), i, report)
			if c.Ours || unlike == nil {
				break
			}
			again, err := c.Check(t.Context(), l, unlike)
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			for _, r := range again.Results {
				at := slices.IndexFunc(report.Results, func(old conformance.Result) bool { return old.Rule.ID == r.Rule.ID })
				report.Results[at] = r
			}
		}
		columns = append(columns, Column{c.Name, c.What, c.Ours, report})
		for _, r := range report.Results {
			if c.Ours && r.Verdict == conformance.Fail && !r.Rule.Optional {
				t.Errorf("%s: %s", c.Name, r.Explain())
			}
		}
	}
	var table bytes.Buffer
	if err := WriteTable(&table, columns); err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(committed), "\n"), strings.Split(table.String(), "\n")
	for i := range max(len(was), len(is)) {
		if w, n := at(was, i), at(is, i); w != n {
			t.Errorf("docs/conformance.md, line %d: make conform would write it again\nis:     %s\nshould: %s", i+1, w, n)
		}
	}
}

// differs are the rules of a report that the committed table has otherwise in a
// column.
func differs(table string, column int, report conformance.Report) (rules []string) {
	for _, r := range report.Results {
		var mark string
		for _, line := range strings.Split(table, "\n") {
			if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| "+r.Rule.ID+" | "+r.Rule.Rule) && len(cells) > column+3 {
				mark = strings.TrimSpace(cells[column+3])
			}
		}
		if mark != marks[r.Verdict] {
			rules = append(rules, r.Rule.ID)
		}
	}
	return rules
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// TestContender runs some contenders, each rule as a subtest.
func TestContender(t *testing.T) {
	if *only == "" {
		t.Skip("-contender picks some; TestContenders runs all")
	}
	l, err := lab()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Contenders() {
		if !strings.HasPrefix(c.Name, *only) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			target, err := c.target(l.places)
			if err != nil {
				t.Fatal(err)
			}
			target.Run(t)
		})
	}
}
