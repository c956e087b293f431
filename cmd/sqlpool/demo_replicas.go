package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// replicasResult is what readers saw of a primary and its replicas, of which the first was away for a while.
type replicasResult struct {
	Reads      []int64 `json:"reads"`       // on the primary, and on each replica
	InSessions int64   `json:"in_sessions"` // of these, those of sessions that write too
	Stale      int64   `json:"stale"`       // of these, those that did not see what their session had written
	Lost       int64   `json:"lost"`        // under way on the replica when it was taken away
	Errors     int64   `json:"errors"`
	Back       float64 `json:"back_ms"` // from the replica's start to its first read; 0 if there was none

	first string // of the other errors
}

func (r *replicasResult) checks() []workload.Check {
	return []workload.Check{
		workload.Require("sessions", "every session has read what it had written", r.Stale == 0 && r.InSessions > 0,
			"%d of %d reads were older", r.Stale, r.InSessions),
		workload.Require("replicas", "reads went on without one replica, and with it when it was back", r.Errors == 0 && r.Back > 0,
			"%d errors, the first: %s; first read on it after %.0f ms", r.Errors, r.first, r.Back),
	}
}

// startReplicas gives the private server its replicas; stop ends them.
func (d *demo) startReplicas(ctx context.Context, primary *pgserver.Server) (replicas []*pgserver.Server, stop func() error, err error) {
	stop = func() (err error) {
		for _, r := range replicas {
			err = errors.Join(err, r.Close())
		}
		return err
	}
	for range d.Replicas {
		replica, err := primary.StartStandby(ctx)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("starting a replica: %w", err), stop())
		}
		replicas = append(replicas, replica)
	}
	return replicas, stop, nil
}

// readReplicas is the act between the work and the outage: half of the callers read from the replicas, the others in sessions
// that write too, and the first replica is taken away for a moment.
func (t *demoTrial) readReplicas(ctx context.Context, plain *sql.DB, found *driverResult) (err error) {
	if len(t.replicas) == 0 {
		return nil
	}
	t.line.Show(fmt.Sprintf("%-6s %d replicas are read from", t.driver.title, len(t.replicas)))
	for _, statement := range []string{
		"CREATE TABLE %q.notes (id int PRIMARY KEY, n bigint NOT NULL)",
		fmt.Sprintf("INSERT INTO %%q.notes SELECT id, 0 FROM generate_series(1, %d) AS id", t.Goroutines),
	} {
		if _, err := plain.ExecContext(ctx, fmt.Sprintf(statement, t.name)); err != nil {
			return fmt.Errorf("preparing for the replicas: %w", err)
		}
	}
	router, err := t.openRouter()
	if err != nil {
		return err
	}
	db := route.OpenDB(router)
	defer func() { err = errors.Join(err, db.Close()) }()
	if !await(ctx, func() bool { return fit(router) == len(t.replicas) }) {
		return fmt.Errorf("the replicas cannot be read from: %+v", router.Snapshot().Replicas)
	}
	readers := t.sendReaders(ctx, db)
	defer readers.leave()
	if err := sleep(ctx, calm); err != nil {
		return err
	}
	back, err := t.takeReplicaAway(ctx, readers)
	if err != nil {
		return fmt.Errorf("without one replica: %w", err)
	}
	readers.leave()
	found.Replicas = &replicasResult{
		InSessions: readers.inSessions.Load(), Stale: readers.stale.Load(), Lost: readers.lost.Load(),
		Errors: readers.errors.Load() + readers.refused.Load(), first: readers.firstError(),
		Back: float64(back.Microseconds()) / 1000,
	}
	for i := range readers.on {
		found.Replicas.Reads = append(found.Replicas.Reads, readers.on[i].Load())
	}
	found.Checks = append(found.Checks, found.Replicas.checks()...)
	return nil
}

// openRouter opens a pool for each server, as a program would.
func (t *demoTrial) openRouter() (router *route.Router, err error) {
	var pools []*sqlpool.Pool
	defer func() {
		if err != nil {
			for _, p := range pools {
				err = errors.Join(err, p.Close())
			}
		}
	}()
	for i, server := range append([]*pgserver.Server{t.target.server}, t.replicas...) {
		connector, err := t.driver.connector(server.DSN("postgres"), t.name)
		if err != nil {
			return nil, err
		}
		pool, err := sqlpool.New(sqlpool.Config{Connector: connector, Name: fmt.Sprintf("demo-%s-%d", t.driver.name, i), MaxConns: t.MaxConns})
		if err != nil {
			return nil, err
		}
		pools = append(pools, pool)
	}
	return route.New(route.Config{Primary: pools[0], Replicas: pools[1:]})
}

// fit is how many replicas may be read from.
func fit(router *route.Router) (n int) {
	for _, r := range router.Snapshot().Replicas {
		if r.Fit {
			n++
		}
	}
	return n
}

// takeReplicaAway ends the first replica at once, brings it back and returns how long it then took to be read from.
func (t *demoTrial) takeReplicaAway(ctx context.Context, readers *readers) (back time.Duration, err error) {
	t.line.Show(fmt.Sprintf("%-6s a replica is taken away", t.driver.title))
	if err := t.replicas[0].Stop(ctx, pgserver.Immediate); err != nil {
		return 0, err
	}
	err = sleep(ctx, calm)
	before := readers.on[1].Load()
	if started := t.replicas[0].Start(context.WithoutCancel(ctx)); started != nil {
		return 0, errors.Join(err, started)
	}
	began := time.Now()
	if err != nil || !await(ctx, func() bool { return readers.on[1].Load() > before }) {
		return 0, err
	}
	return time.Since(began), sleep(ctx, calm)
}

// await waits for what comes about by itself, and reports whether it did.
func await(ctx context.Context, cond func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, shockLimit)
	defer cancel()
	for !cond() {
		if sleep(ctx, time.Millisecond) != nil {
			return false
		}
	}
	return true
}
