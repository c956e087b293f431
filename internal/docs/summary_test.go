package docs

import (
	"path/filepath"
	"strings"
	"testing"
)

// The rows that the README shows of the generated tables are the tables'.
func TestReadmeShowsTheGeneratedTables(t *testing.T) {
	readme := read(t, filepath.Join(root, "README.md"))
	for _, tt := range []struct{ heading, page string }{{"Outages, measured", "outages.md"}, {"Conformance", "conformance.md"}} {
		table := read(t, filepath.Join(root, "docs", tt.page))
		_, section, _ := strings.Cut(readme, "\n## "+tt.heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		_, body, _ := strings.Cut(section, "\n|---") // what is above has the README's own words for some columns
		rows := 0
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "| ") {
				if rows++; !strings.Contains(table, "\n"+line) {
					t.Errorf("docs/%s has no such row: %s", tt.page, line)
				}
			}
		}
		if rows < 5 {
			t.Errorf("%d rows of docs/%s in the README", rows, tt.page)
		}
	}
}

// The README counts the faults and the shortages of the laboratory.
func TestReadmeCountsTheFaults(t *testing.T) {
	_, list, _ := strings.Cut(read(t, filepath.Join(root, "conformance", "outage", "faults.go")), "func Faults()")
	list, _, _ = strings.Cut(list, "\n}")
	all, shortages := strings.Count(list, "{Name: "), strings.Count(list, "Shortage: ")
	names := map[int]string{17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty", 5: "five", 6: "six", 7: "seven", 8: "eight"}
	want := names[all-shortages] + " faults and " + names[shortages] + " shortages"
	if !strings.Contains(read(t, filepath.Join(root, "README.md")), want) {
		t.Errorf("the README does not speak of %q; there are %d and %d", want, all-shortages, shortages)
	}
}
