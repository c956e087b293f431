package mockpool

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

// acquireTimeout is that of a Config without one: a test should hear of a
// starved pool before its patience ends.
const acquireTimeout = 5 * time.Second

// Options is what Open is told beyond the pool's configuration.
type Options struct {
	// Package names the caller in messages.
	Package string

	// Gate, if set, is asked before each acquire on behalf of package sql. Its
	// error is what the code under test gets instead of a connection.
	Gate func(context.Context) error
}

// mockDB is one mock database, from Open to the end of its test.
type mockDB struct {
	t      testing.TB
	opts   Options
	mock   sqlmock.Sqlmock
	pinned *sql.DB // go-sqlmock's own; its one connection keeps the mock registered
	pool   *sqlpool.Pool
	leaks  *leak.Detector
	loans  *loans
	came   came

	// life ends when the test is judged. A shutdown that waits for loans waits
	// no longer than this.
	life    context.Context
	endLife context.CancelFunc
}

// Open puts a pool over the mock that open makes, and judges the test at its
// end: see verdict.go.
func Open(t testing.TB, cfg sqlpool.Config, opts Options, open func() (*sql.DB, sqlmock.Sqlmock, error)) (*sqlpool.Pool, *sql.DB, sqlmock.Sqlmock) {
	t.Helper()
	if cfg.Connector != nil {
		t.Fatalf("%s: Config.Connector is set, but the connections are go-sqlmock's: leave it nil", opts.Package)
	}
	pinned, mock, err := open()
	if err != nil {
		if pinned != nil {
			_ = pinned.Close()
		}
		t.Fatalf("%s: %v", opts.Package, err)
	}
	m := &mockDB{t: t, opts: opts, mock: mock, pinned: pinned, leaks: leak.New(leak.Config{})}
	m.life, m.endLife = context.WithCancel(context.Background())
	m.loans = newLoans(m)
	if m.pool, err = sqlpool.New(m.configure(cfg)); err != nil {
		_ = pinned.Close()
		t.Fatalf("%s: %v", opts.Package, err)
	}
	// As with sqlmock.New, a connection is open: a context that is to end during
	// a delayed answer must not end during the dial. Whether a hook refuses it is
	// the test's business.
	_ = m.pool.Warm(t.Context())
	// The limits stay package sql's own, as with sqlmock.New: they decide when it
	// prepares a *sql.Stmt on another connection, which the mock counts.
	db := sql.OpenDB(&frontConnector{m})
	t.Cleanup(func() {
		t.Helper()
		m.verdict(db)
	})
	return m.pool, db, mock
}

// configure replaces what a mock cannot bear. The rest is the caller's.
func (m *mockDB) configure(cfg sqlpool.Config) sqlpool.Config {
	cfg.Connector = &backConnector{m}
	cfg.StatementCacheSize = -1 // the mock counts each *sql.Stmt
	cfg.MinIdle = max(cfg.MinIdle, 1)
	if cfg.Name == "" {
		cfg.Name = m.t.Name()
	}
	if cfg.AcquireTimeout == 0 {
		cfg.AcquireTimeout = acquireTimeout
	}
	// Lending comes first: for the other hooks a connection is lent already.
	cfg.Hooks = append([]sqlpool.Hooks{m.loans.hooks(), m.leaks.Hooks()}, cfg.Hooks...)
	return cfg
}

// gate asks Options.Gate.
func (m *mockDB) gate(ctx context.Context) error {
	if m.opts.Gate == nil {
		return nil
	}
	return m.opts.Gate(ctx)
}

// close is db.Close. As with sqlmock.New, it closes the mock's connection, and
// its error is the mock's; but whatever the pool had open, it is one Close.
// Like plain package sql, it does not wait for what is in use.
func (m *mockDB) close() error {
	if m.loans.count() > 0 {
		go func() { _ = m.pool.Shutdown(m.life) }()
	} else {
		ctx, cancel := context.WithTimeout(m.life, grace)
		defer cancel()
		if err := m.pool.Shutdown(ctx); err != nil {
			return fmt.Errorf("%s: %w", m.opts.Package, err)
		}
	}
	return m.pinned.Close()
}
