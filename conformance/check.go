package conformance

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// DefaultLimit is the default of [Target.Limit].
const DefaultLimit = 30 * time.Second

// Run checks every rule on sqlpool over the connector, each as a subtest. A
// required rule that fails fails its subtest; one that is skipped says why.
func Run(t *testing.T, connector driver.Connector) {
	t.Helper()
	Target{Connector: connector}.Run(t)
}

// Check checks every rule on sqlpool over the connector. The error says that
// the database could not be used at all; failed rules are in the report.
func Check(ctx context.Context, connector driver.Connector) (Report, error) {
	return Target{Connector: connector}.Check(ctx)
}

// Run is the package's Run for this target.
func (t Target) Run(test *testing.T) {
	test.Helper()
	ready, err := t.ready(test.Context())
	if err != nil {
		test.Fatal(err)
	}
	for _, rule := range ready.picked() {
		test.Run(rule.ID, func(test *testing.T) {
			switch r := ready.examine(test.Context(), rule); r.Verdict {
			case Fail:
				if rule.Optional {
					test.Log(r.Explain())
				} else {
					test.Error(r.Explain())
				}
			case Skip:
				test.Skip(r.Explain())
			}
		})
	}
}

// Check is the package's Check for this target.
func (t Target) Check(ctx context.Context) (Report, error) {
	ready, err := t.ready(ctx)
	if err != nil {
		return Report{}, err
	}
	report := Report{Target: ready.Name}
	for _, rule := range ready.picked() {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		report.Results = append(report.Results, ready.examine(ctx, rule))
	}
	return report, nil
}

// ready fills in what is found out by asking.
func (t Target) ready(ctx context.Context) (*Target, error) {
	if t.Connector == nil {
		return nil, errors.New("conformance: the target has no Connector")
	}
	if err := t.checkNames(); err != nil {
		return nil, err
	}
	if t.Name == "" {
		t.Name = fmt.Sprintf("%T", t.Connector.Driver())
	}
	if t.Limit == 0 {
		t.Limit = DefaultLimit
	}
	t.run = strings.ToLower(rand.Text()[:8])
	ctx, cancel := context.WithTimeout(ctx, t.Limit)
	defer cancel()
	if err := t.explore(ctx); err != nil {
		return nil, fmt.Errorf("conformance: %w", err)
	}
	return &t, nil
}

// examine checks one rule. A check that hangs is left behind when its time is
// over: the next rule should not have to wait for it.
func (t *Target) examine(ctx context.Context, rule Rule) Result {
	result := Result{Rule: rule}
	for _, name := range []string{rule.ID, rule.Family()} {
		if reason, not := t.NotPromised[name]; not {
			result.Verdict, result.Seen = Skip, []string{"not promised: " + reason}
			return result
		}
	}
	for _, need := range rule.needs {
		if reason := t.lacks(need); reason != "" {
			result.Verdict, result.Seen = Skip, []string{reason}
			return result
		}
	}
	ctx, cancel := context.WithTimeout(ctx, t.Limit)
	defer cancel()
	x := &trial{ctx: ctx, stop: cancel, target: t, rule: rule}
	over := make(chan struct{})
	go func() {
		defer close(over)
		x.run()
	}()
	patience := time.NewTimer(t.Limit + t.Limit/2) // for what heeds ctx, and the closing after it
	defer patience.Stop()
	select {
	case <-over:
	case <-patience.C:
		x.note("still running after %v: something hangs\n%s", t.Limit+t.Limit/2, ours())
	}
	return x.result()
}
