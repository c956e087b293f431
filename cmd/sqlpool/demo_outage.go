package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/pgserver"
)

const (
	// calm is how long the viewer sees the pool at work before and after it breaks.
	calm = 1500 * time.Millisecond

	// shockLimit is far above what a server takes to come back, or a sweep to find a leak.
	shockLimit = 30 * time.Second
)

// outageResult is what callers saw of a server that was taken away. Counts are of statements.
type outageResult struct {
	Away      float64 `json:"away_seconds"`
	Waited    int64   `json:"waited"`  // for the server to return, and were answered
	Lost      int64   `json:"lost"`    // under way when the server died; their errors are sqlpool.ErrConnLost
	Refused   int64   `json:"refused"` // at once, when it lasted longer than FailFastAfter
	Errors    int64   `json:"errors"`  // of any other kind
	Recovered float64 `json:"recovered_ms"`

	first string // of the other errors
}

// breakDown is the second act: a transaction is forgotten and found, and the server is taken away while others read. What
// came before is audited by then.
func (t *demoTrial) breakDown(ctx context.Context, db, plain *sql.DB, found *driverResult) error {
	if t.target.server == nil || t.outage() == 0 {
		return nil
	}
	crowd := gather(ctx, db, t.name, t.Goroutines)
	defer crowd.leave()
	t.line.Show(fmt.Sprintf("%-6s a transaction is forgotten", t.driver.title))
	tx, err := forgetful(ctx, db, t.name)
	if err != nil {
		return fmt.Errorf("before the outage: %w", err)
	}
	found.Checks = append(found.Checks, t.findLeak(ctx))
	_ = tx.Rollback()
	if err := sleep(ctx, calm); err != nil {
		return err
	}
	plain.SetMaxIdleConns(0) // the audit's connections are not what this is about
	result, err := t.takeAway(ctx, crowd)
	if err != nil {
		return fmt.Errorf("the outage: %w", err)
	}
	found.Outage = result
	found.Checks = append(found.Checks, workload.Require("outage", "after the outage everything works as before",
		result.Errors == 0 && t.settleAfter(ctx, crowd), "%d errors, the first: %s; %d open, %d in use",
		result.Errors, result.first, t.pool.Stats().Open, t.pool.Stats().InUse))
	return nil
}

// forgetful is the function that the page and the check are to name.
func forgetful(ctx context.Context, db *sql.DB, schema string) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var balance int64
	return tx, tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT balance FROM %q.accounts WHERE id = $1`, schema), 1).Scan(&balance)
}

// findLeak waits for the report of the forgotten transaction.
func (t *demoTrial) findLeak(ctx context.Context) workload.Check {
	ctx, cancel := context.WithTimeout(ctx, shockLimit)
	defer cancel()
	where := "nowhere"
	for where == "nowhere" && ctx.Err() == nil {
		var report leak.Report
		select {
		case report = <-t.leaks: // on a busy machine another loan may have been out as long
		case <-ctx.Done():
		}
		for _, f := range report.Stack {
			if path.Base(f.Function) == "sqlpool.forgetful" || path.Base(f.Function) == "main.forgetful" {
				where = fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
			}
		}
	}
	return workload.Require("leak", "a forgotten transaction was found, and the line that began it",
		where != "nowhere", "it was found %s", where)
}

// takeAway ends the server at once, brings it back after a while and says what the crowd saw of that.
func (t *demoTrial) takeAway(ctx context.Context, crowd *crowd) (*outageResult, error) {
	result := &outageResult{}
	t.line.Show(fmt.Sprintf("%-6s the server is taken away for %v", t.driver.title, t.outage()))
	gone := time.Now()
	if err := t.target.server.Stop(ctx, pgserver.Immediate); err != nil {
		return nil, err
	}
	err := sleep(ctx, t.outage())
	before := t.pool.Stats()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shockLimit)
	defer cancel()
	if started := t.target.server.Start(ctx); started != nil { // also when interrupted: the schema is still to be dropped
		return nil, errors.Join(err, started)
	}
	back := time.Now()
	result.Away = back.Sub(gone).Seconds()
	if err != nil {
		return nil, err
	}
	answered := crowd.answered.Load()
	if !await(ctx, func() bool { return crowd.answered.Load() > answered }) {
		return nil, errors.New("no caller was answered any more")
	}
	result.Recovered = float64(time.Since(back).Microseconds()) / 1000
	if err := sleep(ctx, calm); err != nil {
		return nil, err
	}
	after := t.pool.Stats()
	if after.UnavailableCount == before.UnavailableCount { // else the circuit opened, and every wait ended
		result.Waited = int64(before.Waiting) - int64(after.TimeoutCount-before.TimeoutCount)
	}
	result.Lost, result.Refused = crowd.lost.Load(), crowd.refused.Load()
	result.Errors, result.first = crowd.errors.Load(), crowd.firstError()
	return result, nil
}

// settleAfter sends the crowd home and reports whether every connection is back.
func (t *demoTrial) settleAfter(ctx context.Context, crowd *crowd) bool {
	crowd.leave()
	return t.awaitIdle(ctx).Status == workload.OK
}

// sleep lets the viewer look.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
