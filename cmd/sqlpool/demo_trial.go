package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/hooks/debugui"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/histogram"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/internal/progress"
	"github.com/sqlpool/go/sqlpool"
)

// cleanUp bounds what is still done when the demo has been interrupted.
const cleanUp = 10 * time.Second

// demoTrial is the workload on one driver.
type demoTrial struct {
	*demo
	target  *target
	driver  driverUnderTest
	line    *progress.Line
	seed    uint64
	tamper  tamper
	name    string // of the schema, and the application name of the pool's connections; needs no quotes
	version string // of the server
	page    *demoPage

	replicas []*pgserver.Server

	pool  *sqlpool.Pool
	waits *histogram.Histogram // of acquires
	leaks chan leak.Report     // found
}

// run returns what was found, as far as it came.
func (t *demoTrial) run(ctx context.Context) (found *driverResult, err error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	// The accounts are created, audited and dropped on plain connections, so that the figures are the workload's alone.
	connector, err := t.driver.connector(t.target.dsn, t.name+"_audit")
	if err != nil {
		return nil, err
	}
	plain := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, plain.Close()) }()
	if err := plain.QueryRowContext(ctx, "SHOW server_version").Scan(&t.version); err != nil {
		return nil, fmt.Errorf("connecting to the database: %w", err)
	}
	bank, err := workload.Create(ctx, plain, t.name, accounts)
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		err = errors.Join(err, bank.Drop(ctx, plain))
	}()

	db, err := t.open(ctx, t.target.dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	backends, err := t.countBackends(watching)
	if err != nil {
		return nil, err
	}
	work, err := bank.Start(ctx, db, workload.Load{Goroutines: t.Goroutines, Duration: t.Duration, Seed: t.seed})
	if err != nil {
		return nil, err
	}
	t.watch(work)
	work.Wait()
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	idle := t.awaitIdle(ctx)
	found = t.result(work)
	if found.BackendsPeak, err = backends(ctx); err != nil {
		return nil, err
	}

	if t.tamper != nil {
		if err := t.tamper(ctx, plain, t.name); err != nil {
			return nil, err
		}
	}
	if _, found.Checks, err = work.Audit(ctx, plain); err != nil {
		return nil, err
	}
	if found.Prepares, err = t.countPrepares(ctx); err != nil {
		return nil, err
	}
	if err := t.readReplicas(ctx, plain, found); err != nil {
		return nil, err
	}
	if err := t.breakDown(ctx, db, plain, found); err != nil {
		return nil, err
	}
	found.Checks = append(found.Checks, idle, found.Prepares.check(), found.BackendsPeak.check(t.MaxConns))
	return found, nil
}

// open opens the pool of the trial, as a program would.
func (t *demoTrial) open(ctx context.Context, dsn string) (*sql.DB, error) {
	connector, err := t.driver.connector(dsn, t.name)
	if err != nil {
		return nil, err
	}
	t.leaks = make(chan leak.Report, 64) // more than the crowd: none is missed while nothing reads
	leaks := leak.New(leak.Config{After: time.Second, Report: func(r leak.Report) {
		select {
		case t.leaks <- r:
		default:
		}
	}})
	monitor := health.New(health.Config{Leaks: leaks})
	ui := debugui.New(debugui.Config{Leaks: leaks, Health: monitor, Controls: true})
	t.waits = histogram.New(5) // percentiles within a 32nd
	t.pool, err = sqlpool.New(sqlpool.Config{
		Connector: connector, Name: "demo-" + t.driver.name, MaxConns: t.MaxConns, MinIdle: min(2, t.MaxConns),
		Hooks: []sqlpool.Hooks{
			{OnAcquire: func(e sqlpool.Acquired) { t.waits.Record(e.Waited) }}, leaks.Hooks(), monitor.Hooks(), ui.Hooks(),
		},
	})
	if err != nil {
		return nil, err
	}
	if t.page != nil {
		t.page.show(ui)
	}
	if err := t.pool.Warm(ctx); err != nil {
		return nil, errors.Join(err, t.pool.Close())
	}
	return sqlpool.OpenDB(t.pool), nil
}

// watch shows how the work is getting on until it is done, and then how far it came.
func (t *demoTrial) watch(work *workload.Run) {
	tick := time.NewTicker(t.line.Every())
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-work.Done():
			done = true
		case <-tick.C:
		}
		stats, counts, took := t.pool.Stats(), work.Counts(), work.Took()
		t.line.Show(fmt.Sprintf("%-6s %s %.1f/%v  %s transfers, %s/s  %d/%d in use  %d wait  %d dials",
			t.driver.title, progress.Bar(took.Seconds()/t.Duration.Seconds(), 8), took.Seconds(), t.Duration,
			thousands(counts.Transfers), thousands(int64(float64(counts.Transfers)/took.Seconds())),
			stats.InUse, stats.MaxConns, stats.Waiting, stats.DialCount))
	}
}

// awaitIdle waits until the pool has closed and dialed what the last cancellations left to be done, and checks that every
// connection is back.
func (t *demoTrial) awaitIdle(ctx context.Context) workload.Check {
	config := t.pool.Config()
	ctx, cancel := context.WithTimeout(ctx, config.CloseTimeout+config.ConnectTimeout)
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		s := t.pool.Stats()
		if s.Open == s.Idle || ctx.Err() != nil {
			return workload.Require("settled", "at the end every open connection is idle", s.Open == s.Idle,
				"%d open, %d idle, %d in use, %d dialing, %d closing", s.Open, s.Idle, s.InUse, s.Dialing, s.Closing)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
}
