package byname

import (
	"database/sql"
	"slices"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// A Handle is a database with all that belongs to it, or one of its replicas. Its fields do not change.
type Handle struct {
	Name   string          // of the pool
	DB     *sql.DB         // closing it closes the pools; nil of a replica
	Pool   *sqlpool.Pool   // for Stats, Warm, Shutdown and the like
	Health *health.Monitor // for a readiness handler
	Leaks  *leak.Detector  // nil when leaks are not looked for
	Fleet  *fleet.Fleet    // nil without pool_fleet_max_conns

	// With pool_replicas, the Pool is the primary's.
	Router   *route.Router // nil without pool_replicas, and of a replica
	Replicas []*Handle     // in the order of pool_replicas

	settings []sqlpool.Setting
}

// Settings returns the settings, all of them in the order of docs/settings.md, each
// with its source: SourceOption, SourceDSN, SourceDatabaseURL, SourceEnvironment with
// the variable's name, or SourceDefault. A wait of an hour or more has a Note that says
// how it was read, and pool_max_conns one while SetMaxOpenConns keeps callers from the
// pool.
func (h *Handle) Settings() []sqlpool.Setting {
	all := slices.Clone(h.settings)
	for i := range all {
		if all[i].Name == "pool_max_conns" && h.DB != nil {
			all[i].Note = overtaken(h.DB.Stats().MaxOpenConnections, all[i].Value, 1+len(h.Replicas))
		}
	}
	return all
}

// Open opens a database under one of this package's names, with the settings of the
// connection string, of the environment and of the options. The pool starts at once,
// without waiting for a connection, and closing the DB closes it.
//
// driverName is PGX or PQ. An error says all that is wrong at once and never shows a
// password.
func Open(driverName, dsn string, opts ...Option) (*Handle, error) {
	d, err := lookup(driverName)
	if err != nil {
		return nil, err
	}
	cfg, err := d.config(dsn, opts...)
	if err != nil {
		return nil, err
	}
	pool, err := sqlpool.New(cfg.Config)
	if err != nil {
		return nil, err
	}
	above, err := cfg.above(pool)
	if err != nil {
		return nil, err
	}
	h := cfg.opened(pool, above)
	if h.Router != nil {
		h.DB = route.OpenDB(h.Router)
	} else {
		h.DB = sqlpool.OpenDB(pool)
	}
	return h, nil
}

// HandleOf returns the handle of a *sql.DB that sql.Open made under one of this
// package's names, and whether there is one. If the database has not been used yet, its
// pool starts now, and AddHooks comes too late. It is false for a database that is
// closed or that something wraps, and for one from Open, whose caller has the handle.
//
// With pool_replicas an OnStart hook must not call it: it would wait for the start that
// waits for the hook, until pool_acquire_timeout, and return false.
func HandleOf(db *sql.DB) (*Handle, bool) {
	d, ok := db.Driver().(interface{ Handle() *Handle })
	if !ok {
		return nil, false
	}
	h := d.Handle()
	if h == nil {
		return nil, false
	}
	h.DB = db
	return h, true
}

func (a *assembled) handle() *Handle {
	return &Handle{Name: a.Name, Health: a.monitor, Leaks: a.leaks, Fleet: a.fleet, settings: a.settings}
}

// opened is the handle with all but the DB.
func (a *assembled) opened(pool *sqlpool.Pool, above routed) *Handle {
	h := a.handle()
	h.Pool, h.Router = pool, above.router
	for i, replica := range above.replicas {
		one := a.replicas[i].handle()
		one.Pool = replica
		h.Replicas = append(h.Replicas, one)
	}
	return h
}

// Handle returns the database's handle, with the pool started and without the DB, or
// nil when the database was closed before it had a pool.
func (o *opened) Handle() *Handle {
	pool, above := o.connector.started()
	if pool == nil {
		return nil
	}
	return o.connector.cfg.opened(pool, above)
}
