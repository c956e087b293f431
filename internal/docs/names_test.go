package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	metric  = regexp.MustCompile(`\bsqlpool_[a-z_]+`)
	reasons = regexp.MustCompile("(?m)^\\| (`[a-z_`, ]+`) \\|")
	histo   = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// The metrics, reasons and settings that the guides name exist.
func TestTheGuidesNameWhatExists(t *testing.T) {
	guide := read(t, filepath.Join(root, "docs", "operations.md"))
	metrics := read(t, filepath.Join(root, "hooks", "prommetric", "doc.go"))
	found := metric.FindAllString(guide, -1)
	if len(found) < 3 { // the rules are in a file of their own, with a test of their own
		t.Errorf("only the metrics %q", found)
	}
	for _, name := range found {
		if !strings.Contains(metrics, histo.ReplaceAllString(name, "")) {
			t.Errorf("operations.md names %s, which hooks/prommetric has not", name)
		}
	}

	_, table, _ := strings.Cut(guide, "## Connections break")
	table, _, _ = strings.Cut(table, "\n## ")
	logging := read(t, filepath.Join(root, "docs", "logging.md"))
	for _, row := range reasons.FindAllStringSubmatch(table, -1) {
		for _, reason := range strings.Split(row[1], ", ") {
			if !strings.Contains(logging, reason) {
				t.Errorf("operations.md explains the reason %s, which logging.md has not", reason)
			}
		}
	}

	settings := read(t, filepath.Join(root, "docs", "settings.md"))
	pgxpools := []string{"pool_max_conn"} // beginnings of names that are of no setting of ours
	for _, page := range []string{"migrating.md", "operations.md", "poolers-and-failover.md", "sizing.md", "tenants.md", "instrumentation.md"} {
		for _, name := range regexp.MustCompile("`(pool_[a-z_]+)").FindAllStringSubmatch(read(t, filepath.Join(root, "docs", page)), -1) {
			known := strings.Contains(settings, "`"+name[1]+"`")
			for _, other := range append(pgxpools, "pool_mode") { // the latter is PgBouncer's
				known = known || name[1] == other
			}
			if !known {
				t.Errorf("%s names %s, which settings.md has not", page, name[1])
			}
		}
	}
}

var code = regexp.MustCompile(`\bCode[A-Z][A-Za-z]* += "([a-z_]+)"`)

// Every code of a reason stands in the guides to logs and operations.
func TestTheGuidesHaveEveryReason(t *testing.T) {
	found := 0
	for _, dir := range folders(t) {
		if !strings.HasPrefix(dir, filepath.Join(root, "sqlpool")) && !strings.HasPrefix(dir, filepath.Join(root, "hooks")) {
			continue
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, match := range code.FindAllStringSubmatch(read(t, file), -1) {
				found++
				for _, page := range []string{"logging.md", "operations.md"} {
					if !strings.Contains(read(t, filepath.Join(root, "docs", page)), "`"+match[1]+"`") {
						t.Errorf("%s has not the reason %q of %s", page, match[1], file)
					}
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d codes found", found)
	}
}
