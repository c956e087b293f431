package mockpool

import (
	"context"
	"database/sql"
	"fmt"
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

	// Gate, if set, is asked before each acquire on behalf of database/sql. Its
	// error is what the code under test gets instead of a connection.
	Gate func(context.Context) error

	// Call, if set, is asked before each call of the code under test on a
	// connection, with the text of a statement. Its error is what the server would
	// have said, and the mock is not asked.
	Call func(query string) error

	// DSN is the data source name of go-sqlmock's database, if it was given one:
	// sql.Open(DriverName, DSN) then opens this database too.
	DSN string
}

// mockDB is one mock database, from Open to the end of its test.
type mockDB struct {
	t      T
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

// DB is one mock database.
type DB struct {
	Pool *sqlpool.Pool   // the pool behind SQL
	SQL  *sql.DB         // what the code under test gets
	Mock sqlmock.Sqlmock // what the test expects with

	// Break ends every connection that is in use, with a cause.
	Break func(cause error)
}

// Open puts a pool over the mock that open makes, and judges the test at its
// end: see verdict.go. With an error of go-sqlmock's come its database and mock,
// as it returned them: suites close what they got.
func Open(t T, cfg sqlpool.Config, opts Options, open func() (*sql.DB, sqlmock.Sqlmock, error)) (*DB, error) {
	t.Helper()
	if cfg.Connector != nil {
		return &DB{}, fmt.Errorf("%s: Config.Connector is set, but the connections are go-sqlmock's: leave it nil", opts.Package)
	}
	pinned, mock, err := open()
	if err != nil {
		return &DB{SQL: pinned, Mock: mock}, err
	}
	m := &mockDB{t: t, opts: opts, mock: mock, pinned: pinned, leaks: leak.New(leak.Config{})}
	m.life, m.endLife = context.WithCancel(context.Background())
	m.loans = newLoans(m)
	if m.pool, err = sqlpool.New(m.configure(cfg)); err != nil {
		_ = pinned.Close()
		return &DB{}, fmt.Errorf("%s: %w", opts.Package, err)
	}
	// As with sqlmock.New, a connection is open: a context that is to end during
	// a delayed answer must not end during the dial. Whether a hook refuses it is
	// the test's business.
	_ = m.pool.Warm(t.Context())
	// The limits stay database/sql's own, as with sqlmock.New: they decide when it
	// prepares a *sql.Stmt on another connection, which the mock counts.
	db := sql.OpenDB(&frontConnector{m})
	ofMock.Store(mock, m)
	if opts.DSN != "" {
		named.Store(opts.DSN, m)
	}
	t.Cleanup(func() {
		t.Helper()
		m.verdict(db)
	})
	return &DB{Pool: m.pool, SQL: db, Mock: mock, Break: m.breakAll}, nil
}

// configure replaces what a mock cannot bear. The rest is the caller's.
func (m *mockDB) configure(cfg sqlpool.Config) sqlpool.Config {
	cfg.Connector = &backConnector{m}
	cfg.CacheQueries = false // the mock counts each Prepare
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
// Like plain database/sql, it does not wait for what is in use.
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
