package conformance

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
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
	for _, rule := range Rules() {
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
	for _, rule := range Rules() {
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

// run runs the check and what is to be done after it.
func (x *trial) run() {
	defer x.tidyUp()
	done := make(chan struct{})
	go func() { // Goexit ends the check, not the trial
		defer close(done)
		defer x.caught()
		x.rule.check(x)
	}()
	<-done
}

func (x *trial) caught() {
	if p := recover(); p != nil {
		x.errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// tidyUp ends what the check has left behind: callers who still wait are not
// worth waiting for, and what they say now says nothing.
func (x *trial) tidyUp() {
	x.mu.Lock()
	x.over = true
	x.mu.Unlock()
	x.stop()
	if x.watch != nil {
		x.watch.letGo()
	}
	x.work.Wait()
	for {
		x.mu.Lock()
		last := len(x.cleanups) - 1
		if last < 0 {
			x.mu.Unlock()
			return
		}
		f := x.cleanups[last]
		x.cleanups = x.cleanups[:last]
		x.mu.Unlock()
		f()
	}
}

func (x *trial) result() Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case len(x.failures) > 0:
		return Result{Rule: x.rule, Verdict: Fail, Seen: append([]string(nil), x.failures...)}
	case x.skipped != "":
		return Result{Rule: x.rule, Verdict: Skip, Seen: []string{x.skipped}}
	}
	return Result{Rule: x.rule, Verdict: Pass}
}

// ours is where the goroutines are that run through this package.
func ours() string {
	buf := make([]byte, 1<<20)
	var here []string
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "/conformance.") {
			here = append(here, g)
		}
	}
	return strings.Join(here, "\n\n")
}
