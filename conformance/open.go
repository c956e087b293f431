package conformance

import (
	"database/sql"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/sqlpool"
)

// OpenPool opens sqlpool with its standard hooks: recycling, leak detection and
// health. It is what a Target without Open is tested with.
func OpenPool(s Settings) (*Subject, error) {
	pool, err := sqlpool.New(config(s))
	if err != nil {
		return nil, err
	}
	return poolSubject(pool, sqlpool.OpenDB(pool)), nil
}

// closeWithin is how long a database under test may take to close. A check that
// failed may have left connections out, which would cost the default of 30 s.
const closeWithin = 2 * time.Second

// config is the standard assembly with what a rule asks for.
func config(s Settings) sqlpool.Config {
	lifetime, idleTime := time.Hour, time.Minute
	if s.MaxLifetime > 0 {
		lifetime = s.MaxLifetime
	}
	if s.MaxIdleTime > 0 {
		idleTime = s.MaxIdleTime
	}
	leaks := leak.New(leak.Config{})
	cfg := sqlpool.Config{
		Connector: s.Connector, Name: "conformance", MaxConns: s.MaxConns, MinIdle: s.MinIdle,
		ShutdownTimeout: closeWithin,
		Hooks: []sqlpool.Hooks{
			recycle.MaxLifetime(lifetime), recycle.MaxIdleTime(idleTime), recycle.MaxUses(50_000),
			leaks.Hooks(), health.New(health.Config{Leaks: leaks}).Hooks(),
		},
	}
	cfg.Hooks = append(cfg.Hooks, s.Hooks...)
	if s.Adjust != nil {
		s.Adjust(&cfg)
	}
	return cfg
}

func poolSubject(pool Pool, db *sql.DB) *Subject {
	return &Subject{DB: db, Pool: pool, Close: db.Close, Figures: func() Figures {
		s := pool.Stats()
		return Figures{
			Open: s.Open, InUse: s.InUse, Idle: s.Idle, Waiting: s.Waiting,
			Waited: int64(s.WaitCount), WaitTime: s.WaitTime,
		}
	}}
}

// OpenPlain opens package sql's own pool, with the limits that a rule asks for.
// It keeps as many idle connections as it may open: its default of two is
// a user's first correction.
func OpenPlain(s Settings) (*Subject, error) {
	switch {
	case s.MinIdle > 0:
		return nil, Lacking("package sql keeps no minimum of idle connections")
	case s.Hooks != nil || s.Adjust != nil:
		return nil, Lacking("package sql has no such setting")
	}
	db := sql.OpenDB(s.Connector)
	if s.MaxConns > 0 {
		db.SetMaxOpenConns(s.MaxConns)
		db.SetMaxIdleConns(s.MaxConns)
	}
	db.SetConnMaxLifetime(s.MaxLifetime)
	db.SetConnMaxIdleTime(s.MaxIdleTime)
	return &Subject{DB: db, Close: db.Close, Figures: func() Figures {
		s := db.Stats()
		return Figures{
			Open: s.OpenConnections, InUse: s.InUse, Idle: s.Idle, Waiting: -1,
			Waited: s.WaitCount, WaitTime: s.WaitDuration,
		}
	}}, nil
}
