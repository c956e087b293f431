package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rows that the README shows of the conformance table are the table's.
func TestReadmeShowsTheConformanceTable(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(root, "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Conformance\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for line := range strings.Lines(section) {
		if strings.Count(line, "|") == 6 && !strings.Contains(line, "---") && !strings.Contains(line, "contender") {
			rows++
			if !strings.Contains(string(table), "\n"+line) {
				t.Errorf("docs/conformance.md has no such row: %s", line)
			}
		}
	}
	if rows < 5 {
		t.Errorf("found %d rows of the table in the README", rows)
	}
}
