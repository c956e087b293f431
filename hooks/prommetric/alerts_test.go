package prommetric_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v2"
)

// promtool finds the program where scripts/prometheus puts it.
func promtool(t *testing.T) string {
	t.Helper()
	name := os.Getenv("SQLPOOL_PROMTOOL")
	if name == "" {
		name = "promtool"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("no promtool here: run scripts/prometheus, or name one in SQLPOOL_PROMTOOL (%v)", err)
	}
	return path
}

// fired are the alerts that each recorded fault must have raised by its end, and no
// others at any time.
var fired = map[string][]string{
	"calm":      nil,
	"restart":   nil, // of a few seconds: nothing that has to be known at night
	"outage":    {"SqlpoolAcquiresFail", "SqlpoolDatabaseDown"},
	"full":      {"SqlpoolDialsFail"}, // everything is served
	"leak":      {"SqlpoolLeak"},
	"query":     {"SqlpoolOldLoan"}, // a long statement is no leak
	"exhausted": {"SqlpoolAcquiresFail", "SqlpoolExhausted", "SqlpoolSlowAcquires"},
}

// unseen are the alerts whose fault is written down here, because to record it would
// take longer than a recording is long.
var unseen = map[string]string{
	"SqlpoolConnectionsBreak": `sqlpool_closes_total{job="app",instance="app:8080",pool="orders",reason="broken"}` + "\t0+3x100",
	"SqlpoolMisuse":           `sqlpool_misuses_total{job="app",instance="app:8080",pool="orders"}` + "\t0x10 1x89",
	"SqlpoolSlowDials": `sqlpool_dial_seconds_bucket{job="app",instance="app:8080",pool="orders",le="1"}` + "\t0x130\n" +
		`sqlpool_dial_seconds_bucket{job="app",instance="app:8080",pool="orders",le="2.5"}` + "\t0+1x130\n" +
		`sqlpool_dial_seconds_bucket{job="app",instance="app:8080",pool="orders",le="+Inf"}` + "\t0+1x130",
}

func TestAlertsFireInTheirFaultsAndInNoOther(t *testing.T) {
	recorded, err := filepath.Glob("testdata/faults/*.txt")
	must(t, err)
	if len(recorded) != len(faults) || len(recorded) != len(fired) {
		t.Errorf("%d faults are recorded, %d can be and %d have alerts", len(recorded), len(faults), len(fired))
	}
	tested := map[string]bool{}
	for name, alerts := range fired {
		series, err := os.ReadFile(filepath.Join("testdata/faults", name+".txt"))
		must(t, err)
		replay(t, name, string(series), alerts)
		for _, a := range alerts {
			tested[a] = true
		}
	}
	for alert, series := range unseen {
		replay(t, alert, series, []string{alert})
		tested[alert] = true
	}
	for _, alert := range alertNames(t) {
		if !tested[alert] {
			t.Errorf("no fault raises %s", alert)
		}
	}
}

// replay has promtool evaluate the rules over series and compares the alerts that
// fired at any time.
func replay(t *testing.T, name, series string, want []string) {
	t.Helper()
	rules, err := filepath.Abs("dashboards/alerts.yaml")
	must(t, err)
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%q]\nevaluation_interval: 15s\ntests:\n  - interval: 15s\n    input_series:\n", rules)
	for line := range strings.Lines(strings.TrimSpace(series) + "\n") {
		metric, values, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			t.Fatalf("%s: no tab in %q", name, line)
		}
		fmt.Fprintf(&b, "      - {series: %s, values: %s}\n", quote(metric), quote(values))
	}
	b.WriteString("    promql_expr_test:\n      - expr: 'count by (alertname) (max_over_time(ALERTS{alertstate=\"firing\"}[2h]))'\n        eval_time: 35m\n        exp_samples:\n")
	for _, alert := range want {
		fmt.Fprintf(&b, "          - {labels: '{alertname=%q}', value: 1}\n", alert)
	}
	if len(want) == 0 {
		b.WriteString("          []\n")
	}
	file := filepath.Join(t.TempDir(), "replay.yaml")
	must(t, os.WriteFile(file, []byte(b.String()), 0o644))
	var out bytes.Buffer
	command := exec.Command(promtool(t), "test", "rules", file)
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		t.Errorf("%s: want the alerts %q: %v\n%s", name, want, err, out.String())
	}
}

// quote is a text in YAML's single quotes.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func TestTheRulesCanBeLoaded(t *testing.T) {
	if out, err := exec.Command(promtool(t), "check", "rules", "dashboards/alerts.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// alertNames are the rules' names, in their order.
func alertNames(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("dashboards/alerts.yaml")
	must(t, err)
	var rules struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	must(t, yaml.Unmarshal(text, &rules))
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			names = append(names, r.Alert)
		}
	}
	return names
}

// The guide has a row for each rule, and no other rules.
func TestTheGuideHasTheSameAlerts(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	must(t, err)
	if strings.Contains(string(text), "- alert:") {
		t.Error("docs/operations.md has rules of its own")
	}
	told := map[string]bool{}
	for _, name := range regexp.MustCompile("(?m)^\\| `(Sqlpool\\w+)` \\|").FindAllStringSubmatch(string(text), -1) {
		told[name[1]] = true
	}
	names := alertNames(t)
	slices.Sort(names)
	if all := slices.Sorted(maps.Keys(told)); !slices.Equal(all, names) {
		t.Errorf("the guide has\n%q, the rules are\n%q", all, names)
	}
}
