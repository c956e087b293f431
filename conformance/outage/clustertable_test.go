//go:build unix

package outage

import (
	"os"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/page"
)

// The cluster's section has a row for each measurement under its move, by way, and the page has marks for it.
func TestTheClustersTable(t *testing.T) {
	figures := func(move, way string) ClusterFigures {
		return ClusterFigures{Way: way, Leaderless: 2500, OnDemoted: 3, Figures: Figures{
			Fault: move, Driver: "pgx", Pool: "sqlpool", Statements: 100, Errors: 2, FirstSuccess: 30, FullService: -1, Dials: 12, Lost: 1,
		}}
	}
	r := ClusterReport{Machine: "Measured", Took: "1s", Figures: []ClusterFigures{figures("switchover", "PgBouncer"), figures("switchover", "hosts"), figures("node frozen", "hosts")}}
	text := r.Table()
	at := -1
	for _, want := range []string{
		"- **hosts**: ", "### Cluster: switchover\n", clusterHeading() + "| pgx | **sqlpool** | hosts | 2 of 100 | 2.5 s | 30 ms | never | – | 12 | **3** | – | – | **1** | < 1 ms |\n",
		"| PgBouncer | 2 of 100", "### Cluster: node frozen\n",
	} {
		next := strings.Index(text, want)
		if next <= at {
			t.Errorf("%q stands at %d, what comes before it at %d", want, next, at)
		}
		at = next
	}
	if strings.Contains(text, "postmaster killed\n") {
		t.Error("a move without figures has a table")
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != strings.Count(clusterColumns, "|") {
			t.Errorf("a row with other columns than the heading: %s", line)
		}
	}
	if _, err := page.Fill(clusterSection, ClusterMarks, text); err != nil {
		t.Error(err)
	}
	there, err := os.ReadFile("../../docs/outages.md")
	if err != nil {
		t.Fatal(err)
	}
	if before, _, _ := strings.Cut(clusterSection, "<!--"); !strings.Contains(string(there), before) {
		t.Error("docs/outages.md does not say of the cluster what the command says")
	}
	if _, ok := page.Content(string(there), ClusterMarks); !ok {
		t.Error("docs/outages.md has no marks for the cluster's table")
	}
}
