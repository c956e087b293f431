package conformance

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

// A mutant is a pool or driver broken in one way: the rule must fail on it, and
// no rule of another family may.
type mutant struct {
	rule string
	how  string
	with breaking
}

var mutants = slices.Concat(
	sqlMutants,
	acquireMutants,
	dialMutants,
	hookMutants,
	resetMutants,
	recycleMutants,
	inventoryMutants,
	outageMutants,
	partialMutants,
	leakMutants,
	overloadMutants,
	adminMutants,
	observeMutants,
	configMutants,
	edgeMutants,
	leftMutants,
	beginMutants,
	changeMutants,
	setUpMutants,
	replicaMutants,
)

var only = flag.String("mutant", "", "run the mutants of rules with this prefix only")

// TestEveryRuleHolds is the suite on the scripted driver, in fake time.
func TestEveryRuleHolds(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			switch r := onFake(t, rule, nil); r.Verdict {
			case Fail:
				t.Error(r.Explain())
			case Skip:
				t.Errorf("no mutant could be seen to fail here: %s", r.Explain())
			}
		})
	}
}

// TestEveryRuleHoldsWhereBeginWaits is the suite on a driver that keeps BEGIN until the
// first statement.
func TestEveryRuleHoldsWhereBeginWaits(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			r := onFake(t, rule, func(db *fakedb.DB, target *Target) { target.Connector = db.ConnectorAs(fakedb.Holding) })
			if r.Verdict != Pass {
				t.Error(r.Explain())
			}
		})
	}
}

// TestEveryRuleHasAMutant and fails on it, and no other family does: a rule
// that nobody has seen fail proves nothing, and one that fails for another
// rule's reason misleads.
func TestEveryRuleHasAMutant(t *testing.T) {
	t.Parallel()
	rules := Rules()
	for _, rule := range rules {
		if !slices.ContainsFunc(mutants, func(m mutant) bool { return m.rule == rule.ID }) {
			t.Errorf("%s has no mutant", rule.ID)
		}
	}
	for which, m := range mutants {
		if !strings.HasPrefix(m.rule, *only) {
			continue
		}
		t.Run(m.rule+"/"+strings.ReplaceAll(m.how, " ", "_"), func(t *testing.T) {
			t.Parallel()
			caught := false
			for i, rule := range rules {
				family, _, _ := strings.Cut(m.rule, "-")
				if rule.Family() != family && (i+which)%sampled != 0 {
					continue
				}
				result := onFake(t, rule, m.with)
				caught = caught || rule.ID == m.rule && result.Verdict == Fail
				if result.Verdict == Fail && rule.Family() != family {
					t.Errorf("the mutant of %s also breaks %s: %s", m.rule, rule.ID, result.Seen[0])
				}
			}
			if !caught {
				t.Errorf("%s holds on its mutant: %s", m.rule, m.how)
			}
		})
	}
}

// onRealTime are rules whose mutants block on a mutex, which stops the time of
// a bubble.
var onRealTime = []string{"ACQ-08"}

// onFake examines one rule in a bubble.
func onFake(t *testing.T, rule Rule, with breaking) (result Result) {
	t.Helper()
	if slices.Contains(onRealTime, rule.ID) {
		db, target := fakeTarget()
		target.Limit = 3 * time.Second
		return examine(t, db, target, rule, with)
	}
	synctest.Test(t, func(t *testing.T) {
		db, target := fakeTarget()
		result = examine(t, db, target, rule, with)
		time.Sleep(time.Hour) // what a mutant has left behind ends by its timeouts
	})
	return result
}

func examine(t *testing.T, db *fakedb.DB, target Target, rule Rule, with breaking) Result {
	if with != nil {
		with(db, &target)
	}
	ready, err := target.ready(t.Context())
	if err != nil {
		return Result{Rule: rule, Verdict: Fail, Seen: []string{err.Error()}}
	}
	return ready.examine(t.Context(), rule)
}

// The data of rules must be complete: they are the documentation.
func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	last := ""
	for _, r := range Rules() {
		if r.ID == "" || r.Rule == "" || r.Why == "" || r.Source == "" || r.check == nil {
			t.Errorf("%+v is incomplete", r)
		}
		if seen[r.ID] {
			t.Errorf("two rules are called %s", r.ID)
		}
		seen[r.ID] = true
		if !slices.ContainsFunc(families, func(f Family) bool { return f.Name == r.Family() }) {
			t.Errorf("%s is of no known family", r.ID)
		}
		if strings.HasSuffix(r.Rule, ".") || strings.HasSuffix(r.Why, ".") || strings.Contains(r.Rule, "|") {
			t.Errorf("%s: a rule is a table's cell: no full stop, no bar", r.ID)
		}
		if r.Family() == last[:min(len(last), len(r.Family()))] && r.ID <= last {
			t.Errorf("%s stands behind %s", r.ID, last)
		}
		last = r.ID
	}
}
