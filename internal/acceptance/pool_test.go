package acceptance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// watchdog bounds what must not hang. It is no expectation: everything here
// takes milliseconds.
const watchdog = 30 * time.Second

// adapter opens connectors of one driver.
type adapter struct {
	name string
	open func(dsn string) (driver.Connector, error)
}

var adapters = adaptersOf(false)

// adaptersOf are the adapters, which have BEGIN wait for the first statement, or not.
func adaptersOf(eager bool) []adapter {
	var pgx []pgxv5.Option
	var pq []libpq.Option
	if eager {
		pgx, pq = append(pgx, pgxv5.EagerBegin()), append(pq, libpq.EagerBegin())
	}
	return []adapter{
		{"pgx", func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn, pgx...) }},
		{"pq", func(dsn string) (driver.Connector, error) { return libpq.Connector(dsn, pq...) }},
	}
}

// app is a program's side: a database on the shared server, seen under an
// application name of its own.
type app struct {
	*testing.T
	server   *pgserver.Server
	database string
	name     string // of the application, and so of the pool's sessions on the server
	dsn      string
	adapter  adapter
}

// onEach runs a test through each driver.
func onEach(t *testing.T, test func(a *app)) { onAll(t, adapters, test) }

func onAll(t *testing.T, adapters []adapter, test func(a *app)) {
	for _, ad := range adapters {
		t.Run(ad.name, func(t *testing.T) {
			server := pgserver.Shared(t)
			database := server.NewDatabase(t)
			test(newApp(t, server, database, ad))
		})
	}
}

var apps atomic.Int64

// newApp gives a test an application name of its own: the sessions of another
// test's pool may still be ending.
func newApp(t *testing.T, server *pgserver.Server, database string, ad adapter) *app {
	name := fmt.Sprintf("app_%s_%d", ad.name, apps.Add(1))
	dsn := server.TCP().With("application_name", name).URL(database)
	return &app{T: t, server: server, database: database, name: name, dsn: dsn, adapter: ad}
}

func (a *app) connector() driver.Connector {
	a.Helper()
	c, err := a.adapter.open(a.dsn)
	if err != nil {
		a.Fatal(err)
	}
	return c
}

// pool opens a pool and a *sql.DB on it, both closed at the end.
func (a *app) pool(cfg sqlpool.Config) (*sqlpool.Pool, *sql.DB) {
	a.Helper()
	cfg.Connector = a.connector()
	pool, err := sqlpool.New(cfg)
	if err != nil {
		a.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	a.Cleanup(func() {
		if err := db.Close(); err != nil {
			a.Errorf("closing the pool: %v", err)
		}
	})
	return pool, db
}

// plain opens the same driver behind database/sql's own pool.
func (a *app) plain() *sql.DB {
	a.Helper()
	db := sql.OpenDB(a.connector())
	a.Cleanup(func() { db.Close() })
	return db
}

func (a *app) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	a.Cleanup(cancel)
	return ctx
}

func (a *app) mark() pgserver.Mark {
	a.Helper()
	m, err := a.server.Mark(a.ctx())
	if err != nil {
		a.Fatal(err)
	}
	return m
}

// peak is the most sessions of the application that the server has had at
// once since the mark.
func (a *app) peak(since pgserver.Mark) int {
	a.Helper()
	n, err := a.server.PeakBackends(a.ctx(), since, pgserver.Filter{Application: a.name})
	if err != nil {
		a.Fatal(err)
	}
	return n
}

// terminate ends the application's sessions and returns when the server has none of them any more.
func (a *app) terminate() {
	a.Helper()
	mine := pgserver.Filter{Application: a.name}
	n, err := a.server.Terminate(a.ctx(), mine)
	a.must(err)
	for ctx := a.ctx(); n > 0; {
		left, err := a.server.Activity(ctx, mine)
		a.must(err)
		n = len(left)
	}
}

func (a *app) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *app) exec(db *sql.DB, query string, args ...any) {
	a.Helper()
	if _, err := db.ExecContext(a.ctx(), query, args...); err != nil {
		a.Fatalf("%s: %v", query, err)
	}
}

// atRest checks that a pool has come to rest: what was lent is back.
func (a *app) atRest(pool *sqlpool.Pool) {
	a.Helper()
	s := pool.Stats()
	for s.InUse > 0 {
		if a.ctx().Err() != nil {
			break
		}
		s = pool.Stats()
	}
	if s.InUse != 0 || s.Waiting != 0 || s.AcquireCount != s.ReleaseCount || s.MisuseCount != 0 {
		a.Errorf("the pool has not come to rest: %+v", s)
	}
}
