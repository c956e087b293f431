package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Verdict is the outcome of a rule on a target.
type Verdict string

// The verdicts.
const (
	Pass Verdict = "pass"
	Fail Verdict = "fail"
	Skip Verdict = "skip" // the target lacks what the check needs
)

// A Result is a rule, its verdict, and what was seen: the failures, or the
// reason of a skip.
type Result struct {
	Rule    Rule
	Verdict Verdict
	Seen    []string // a sentence for each; empty when the rule holds
}

// Explain tells a stranger what to fix.
func (r Result) Explain() string {
	seen := strings.Join(r.Seen, "\n      ")
	switch r.Verdict {
	case Pass:
		return fmt.Sprintf("%s holds: %s", r.Rule.ID, r.Rule.Rule)
	case Skip:
		return fmt.Sprintf("%s was not checked: %s\nrule: %s", r.Rule.ID, seen, r.Rule.Rule)
	}
	kind := "required"
	if r.Rule.Optional {
		kind = "optional"
	}
	return fmt.Sprintf("%s (%s) does not hold\nrule: %s\nwhy:  %s\nfrom: %s\nseen: %s",
		r.Rule.ID, kind, r.Rule.Rule, r.Rule.Why, r.Rule.Source, seen)
}

// MarshalJSON writes the result as one flat object.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID       string   `json:"id"`
		Family   string   `json:"family"`
		Rule     string   `json:"rule"`
		Why      string   `json:"why"`
		Source   string   `json:"source"`
		Required bool     `json:"required"`
		Verdict  Verdict  `json:"verdict"`
		Seen     []string `json:"seen,omitempty"`
	}{r.Rule.ID, r.Rule.Family(), r.Rule.Rule, r.Rule.Why, r.Rule.Source, !r.Rule.Optional, r.Verdict, r.Seen})
}

// A Report is the outcome of all rules on one target, in the order of [Rules].
type Report struct {
	Target  string   `json:"target"` // what was tested
	Results []Result `json:"results"`
}

// OK reports whether no required rule failed.
func (r Report) OK() bool {
	for _, result := range r.Results {
		if result.Verdict == Fail && !result.Rule.Optional {
			return false
		}
	}
	return true
}

// Count is how many rules have the verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, result := range r.Results {
		if result.Verdict == v {
			n++
		}
	}
	return n
}

// String is the report as a table: a line for each rule, and below it what was
// seen where it does not hold.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d rules hold, %d do not, %d were not checked\n",
		r.Target, r.Count(Pass), r.Count(Fail), r.Count(Skip))
	shown := slices.Clone(families)
	for _, result := range r.Results { // those of rules of one's own
		if !slices.ContainsFunc(shown, func(f Family) bool { return f.Name == result.Rule.Family() }) {
			shown = append(shown, Family{result.Rule.Family(), "rules of one's own"})
		}
	}
	for _, family := range shown {
		head := false
		for _, result := range r.Results {
			if result.Rule.Family() != family.Name {
				continue
			}
			if !head {
				fmt.Fprintf(&b, "\n%s: %s\n", family.Name, family.Title)
				head = true
			}
			fmt.Fprintf(&b, "  %-4s  %-8s %s\n", result.Verdict, result.Rule.ID, result.Rule.Rule)
			if result.Verdict == Fail {
				fmt.Fprintf(&b, "        why: %s\n", result.Rule.Why)
			}
			for _, seen := range result.Seen {
				fmt.Fprintf(&b, "        %s\n", strings.ReplaceAll(seen, "\n", "\n        "))
			}
		}
	}
	return b.String()
}
