package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sqlpool/go/conformance/outage/workload"
	"github.com/sqlpool/go/internal/pgserver"
)

// countedOperations is the work of the round in which prepares are counted. The server then logs every step of the
// protocol, several lines a statement: too slow for the timed work, and a few hundred operations on each connection
// show as much.
const countedOperations = 1500

// countBackends starts to count the server's backends of the pool and returns the end of it. On a private server the
// count is exact, from its log; elsewhere it is a sample of pg_stat_activity every few milliseconds, if that can be had.
func (t *demoTrial) countBackends(ctx context.Context) (peak func(context.Context) (counted, error), err error) {
	ours := pgserver.Filter{Application: t.name}
	if server := t.target.server; server != nil {
		mark, err := server.Mark(ctx)
		return func(ctx context.Context) (counted, error) {
			n, err := server.PeakBackends(ctx, mark, ours)
			return counted{Count: n, How: "from the server's log"}, err
		}, err
	}
	watcher, err := t.target.Watch(ctx, ours)
	if err != nil {
		why := fmt.Sprintf("pg_stat_activity cannot be watched: %v", err)
		return func(context.Context) (counted, error) { return counted{NotCounted: why}, nil }, nil
	}
	return func(context.Context) (counted, error) {
		n, err := watcher.Stop()
		if err != nil {
			return counted{NotCounted: err.Error()}, nil
		}
		if n == 0 {
			return counted{NotCounted: "pg_stat_activity does not show the pool's application name: is a pooler in between?"}, nil
		}
		return counted{Count: n, How: "sampled from pg_stat_activity"}, nil
	}, nil
}

// countPrepares does a round of the same work in a database that logs each protocol step, and counts.
func (t *demoTrial) countPrepares(ctx context.Context) (prepares, error) {
	if t.target.server == nil {
		return prepares{NotCounted: "that takes the log of a private server"}, nil
	}
	found, err := t.logPrepares(ctx, t.target.server)
	if err != nil {
		err = fmt.Errorf("counting prepares: %w", err)
	}
	return found, err
}

func (t *demoTrial) logPrepares(ctx context.Context, server *pgserver.Server) (found prepares, err error) {
	database := t.name + "_counted"
	if err := server.Exec(ctx, "CREATE DATABASE "+database); err != nil {
		return found, err
	}
	if err := server.LogStatements(ctx, database); err != nil {
		return found, err
	}
	round := &demoTrial{demo: t.demo, driver: t.driver, name: t.name}
	db, err := round.open(ctx, server.DSN(database))
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	bank, err := workload.Create(ctx, db, t.name, accounts)
	if err != nil {
		return found, err
	}
	mark, err := server.Mark(ctx)
	if err != nil {
		return found, err
	}
	work, err := bank.Start(ctx, db, workload.Load{Goroutines: t.Goroutines, Operations: countedOperations, Seed: t.seed})
	if err != nil {
		return found, err
	}
	work.Wait()
	list, err := server.Prepares(ctx, mark, pgserver.Filter{Application: t.name, Database: database})
	if err != nil {
		return found, err
	}
	type place struct {
		pid int
		sql string
	}
	times, conns, texts := map[place]int{}, map[int]bool{}, map[string]bool{}
	for _, p := range list {
		if p.Name == "" {
			continue // a text on its way: nothing stays prepared
		}
		found.Count++
		times[place{p.PID, p.SQL}]++
		conns[p.PID], texts[p.SQL] = true, true
		found.Repeated = max(found.Repeated, times[place{p.PID, p.SQL}])
	}
	found.Connections, found.Texts = len(conns), len(texts)
	found.Executions = work.Counts().Statements
	return found, nil
}
