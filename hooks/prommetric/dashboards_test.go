package prommetric_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v2"

	"github.com/sqlpool/go/hooks/prommetric"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

// reported is what a registry has of the collector: for each name, the values
// of each label.
func reported(t *testing.T) map[string]map[string][]string {
	all := map[string]map[string][]string{}
	synctest.Test(t, func(t *testing.T) {
		m := prommetric.New(prommetric.Options{})
		scripted(t, m)
		registry := prometheus.NewRegistry()
		must(t, registry.Register(m))
		families, err := registry.Gather()
		must(t, err)
		for _, f := range families {
			names := []string{f.GetName()}
			if f.GetMetric()[0].Histogram != nil {
				names = []string{f.GetName() + "_bucket", f.GetName() + "_count", f.GetName() + "_sum"}
			}
			for _, name := range names {
				labels := map[string][]string{}
				if strings.HasSuffix(name, "_bucket") {
					labels["le"] = nil
				}
				for _, metric := range f.GetMetric() {
					for _, l := range metric.GetLabel() {
						labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
					}
				}
				all[name] = labels
			}
		}
	})
	// Reasons show once a connection was closed for them.
	all["sqlpool_closes_total"]["reason"] = []string{
		sqlpool.CodeBroken, sqlpool.CodeDead, sqlpool.CodeDirty, sqlpool.CodeForced, sqlpool.CodeAbandoned, recycle.CodeMaxLifetime,
	}
	return all
}

// expressions are all queries of the dashboard and the alerts.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("dashboards/grafana.json")
	must(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Definition string } }
	}
	must(t, json.Unmarshal(text, &dashboard))
	for _, p := range dashboard.Panels {
		for _, q := range p.Targets {
			all = append(all, q.Expr)
		}
	}
	for _, v := range dashboard.Templating.List {
		if v.Definition != "" { // the data source has none
			all = append(all, v.Definition)
		}
	}
	if len(all) < 20 {
		t.Errorf("only %d queries in the dashboard", len(all))
	}

	text, err = os.ReadFile("dashboards/alerts.yaml")
	must(t, err)
	var alerts struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	must(t, yaml.UnmarshalStrict(text, &alerts))
	rules := 0
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			rules++
			all = append(all, r.Expr)
			if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say how bad it is, what it is or what to do", r.Alert)
			}
		}
	}
	if rules < 8 {
		t.Errorf("only %d alerts", rules)
	}
	return all
}

var (
	metric   = regexp.MustCompile(`\b((?:sqlpool|go_sql)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`^([a-z_]+)(=~|!~|!=|=)"(.*)"$`)
	grouping = regexp.MustCompile(`(?:by|on|ignoring) \(([^)]*)\)`)
)

// Prometheus answers a query for what does not exist with nothing, and an alert
// on nothing never fires: so every name is compared with the collector's own.
func TestDashboardsAskForWhatThereIs(t *testing.T) {
	known := reported(t)
	used := map[string]bool{}
	for _, expr := range expressions(t) {
		found := metric.FindAllStringSubmatch(expr, -1)
		if len(found) == 0 {
			t.Errorf("no metric in %s", expr)
		}
		var labels []string
		for _, f := range found {
			has, ok := known[f[1]]
			if !ok {
				t.Errorf("there is no %s: %s", f[1], expr)
				continue
			}
			used[strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(f[1], "_bucket"), "_count"), "_sum")] = true
			for name := range has {
				labels = append(labels, name)
			}
			checkMatchers(t, f[1], f[2], has)
		}
		for _, group := range grouping.FindAllStringSubmatch(expr, -1) {
			for _, name := range strings.Split(group[1], ", ") {
				if !slices.Contains(labels, name) && name != "job" && name != "instance" { // the scrape's own
					t.Errorf("nothing has the label %s: %s", name, expr)
				}
			}
		}
	}
	for name := range known {
		name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
		if !used[name] {
			t.Errorf("no panel or rule uses %s", name)
		}
	}
}

func checkMatchers(t *testing.T, name, matchers string, labels map[string][]string) {
	t.Helper()
	if matchers == "" {
		return
	}
	for _, m := range strings.Split(matchers, ",") {
		parts := matcher.FindStringSubmatch(m)
		if parts == nil {
			t.Errorf("%s: %s is not understood", name, m)
			continue
		}
		values, ok := labels[parts[1]]
		if parts[1] == "job" || parts[1] == "instance" { // the scrape's own
			continue
		}
		if !ok {
			t.Errorf("%s has no label %s", name, parts[1])
		}
		for _, want := range strings.Split(parts[3], "|") {
			if !strings.HasPrefix(want, "$") && !slices.Contains(values, want) {
				t.Errorf("%s: %s is never %q, only %q", name, parts[1], want, values)
			}
		}
	}
}
