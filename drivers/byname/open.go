package byname

import (
	"database/sql"
	"fmt"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// Config returns what sql.Open would build a pool from: the standard assembly
// with the settings of the connection string and the environment; with pool_replicas, the
// pool of the primary, which knows of no replica. It connects to nothing. Add hooks or change fields, then give it to sqlpool.New. Each call
// makes new hooks: a Config is for one pool.
//
// driverName is PGX or PQ. An error never shows a password.
func Config(driverName, dsn string, opts ...Option) (sqlpool.Config, error) {
	d, err := lookup(driverName)
	if err != nil {
		return sqlpool.Config{}, err
	}
	cfg, err := d.config(dsn, opts...)
	if err != nil {
		return sqlpool.Config{}, err
	}
	return cfg.Config, nil
}

// PoolOf returns the pool behind a *sql.DB that sql.Open made under one of this
// package's names, and whether there is one. If the database has not been used
// yet, its pool starts now.
//
// It asks db.Driver, which database/sql takes from the connector and which is
// different for each such database. So it is false when something that wraps
// drivers stands between, and for a database from sqlpool.OpenDB or Open, whose
// caller has the pool. With pool_replicas it is the primary's; HandleOf has the others.
func PoolOf(db *sql.DB) (*sqlpool.Pool, bool) {
	if d, ok := db.Driver().(interface{ Pool() *sqlpool.Pool }); ok {
		pool := d.Pool()
		return pool, pool != nil
	}
	return nil, false
}

// RouterOf returns the router of a *sql.DB that sql.Open made under one of this
// package's names with pool_replicas, and whether there is one: for its Snapshot, its
// tokens and its middleware. If the database has not been used yet, its pools start now.
// As HandleOf, it is not for OnStart hooks.
func RouterOf(db *sql.DB) (*route.Router, bool) {
	if d, ok := db.Driver().(interface{ Router() *route.Router }); ok {
		router := d.Router()
		return router, router != nil
	}
	return nil, false
}

// AddHooks gives hooks to a *sql.DB that sql.Open made under one of this
// package's names, behind the standard ones: the live page's, for its
// percentiles, or those of metrics. It is an error for any other database, and
// once the pool has started, at the first use of the database or of PoolOf. A
// program that calls drivers.Config can add hooks there.
//
// With pool_replicas the pool of each server has them. Hooks that serve one pool only, as
// those of the live page, of metrics, health and slogger, panic then when the second pool
// starts: use AddHooksOf.
//
// An OnStart hook uses the *Pool that it is given, never the *sql.DB, whose first
// use it delays: a query of its own there fails with its context, or after
// pool_acquire_timeout.
func AddHooks(db *sql.DB, hooks ...sqlpool.Hooks) error {
	return addHooks("AddHooks", db, func(*Handle) []sqlpool.Hooks { return hooks })
}

// AddHooksOf is AddHooks with hooks that f makes for the pool of each server, the primary's
// first. The handle's Pool, DB, Router and Replicas are not there yet; its Name tells the
// pools apart.
func AddHooksOf(db *sql.DB, f func(h *Handle) []sqlpool.Hooks) error {
	return addHooks("AddHooksOf", db, f)
}

func addHooks(name string, db *sql.DB, f func(h *Handle) []sqlpool.Hooks) error {
	d, ok := db.Driver().(interface {
		AddHooksOf(f func(h *Handle) []sqlpool.Hooks) error
	})
	if !ok {
		return fmt.Errorf("drivers: %s: the database is not from sql.Open(%q or %q, …): give the hooks to drivers.Open with WithHooks or WithHooksOf, or to sqlpool.New in Config.Hooks", name, PGX, PQ)
	}
	if err := d.AddHooksOf(f); err != nil {
		return fmt.Errorf("drivers: %s: %w", name, err)
	}
	return nil
}

// HealthOf returns the health monitor of a *sql.DB that sql.Open made under one
// of this package's names, for its Status and its handlers. It judges once the
// database has been used.
func HealthOf(db *sql.DB) (*health.Monitor, bool) {
	if d, ok := db.Driver().(interface{ Monitor() *health.Monitor }); ok {
		return d.Monitor(), true
	}
	return nil, false
}

// LeaksOf returns the leak detector of such a *sql.DB, and false also when
// leaks are not looked for.
func LeaksOf(db *sql.DB) (*leak.Detector, bool) {
	if d, ok := db.Driver().(interface{ Leaks() *leak.Detector }); ok {
		return d.Leaks(), d.Leaks() != nil
	}
	return nil, false
}

// FleetOf returns the membership of such a *sql.DB, and false also without
// pool_fleet_max_conns.
func FleetOf(db *sql.DB) (*fleet.Fleet, bool) {
	if d, ok := db.Driver().(interface{ Fleet() *fleet.Fleet }); ok {
		return d.Fleet(), d.Fleet() != nil
	}
	return nil, false
}
