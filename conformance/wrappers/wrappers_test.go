package wrappers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"testing"
	"time"

	ocsql "contrib.go.opencensus.io/integrations/ocsql"
	ddsql "github.com/DataDog/dd-trace-go/contrib/database/sql/v2"
	xsam "github.com/XSAM/otelsql"
	"github.com/luna-duclos/instrumentedsql"
	"github.com/newrelic/go-agent/v3/newrelic"
	"github.com/ngrok/sqlmw"
	uptrace "github.com/uptrace/opentelemetry-go-extra/otelsql"
	nhat "go.nhat.io/otelsql"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// driverOf gives wrappers of drivers the connector that they ask a driver for.
type driverOf struct{ connector driver.Connector }

func (d driverOf) Open(string) (driver.Conn, error) { return d.connector.Connect(context.Background()) }

func (d driverOf) OpenConnector(string) (driver.Connector, error) { return d.connector, nil }

// viaDriver opens a database through a wrapped driver.
func viaDriver(wrap func(driver.Driver) driver.Driver) func(driver.Connector) *sql.DB {
	return func(c driver.Connector) *sql.DB {
		connector, err := wrap(driverOf{c}).(driver.DriverContext).OpenConnector("")
		if err != nil {
			panic(err)
		}
		return sql.OpenDB(connector)
	}
}

// wrappers open a database above the pool's connector.
var wrappers = map[string]func(driver.Connector) *sql.DB{
	"none":     func(c driver.Connector) *sql.DB { return sql.OpenDB(c) },
	"dd-trace": func(c driver.Connector) *sql.DB { return ddsql.OpenDB(c) },
	"newrelic": func(c driver.Connector) *sql.DB {
		return sql.OpenDB(newrelic.InstrumentSQLConnector(c, newrelic.SQLDriverSegmentBuilder{}))
	},
	"uptrace":         func(c driver.Connector) *sql.DB { return uptrace.OpenDB(c) },
	"nhat":            viaDriver(func(d driver.Driver) driver.Driver { return nhat.Wrap(d, nhat.TraceQueryWithArgs()) }),
	"ocsql":           viaDriver(func(d driver.Driver) driver.Driver { return ocsql.Wrap(d, ocsql.WithAllTraceOptions()) }),
	"instrumentedsql": viaDriver(func(d driver.Driver) driver.Driver { return instrumentedsql.WrapDriver(d) }),
	"xsam":            func(c driver.Connector) *sql.DB { return xsam.OpenDB(c) },
	"sqlmw":           viaDriver(func(d driver.Driver) driver.Driver { return sqlmw.Driver(d, sqlmw.NullInterceptor{}) }),
}

// lab is a pool of two connections below a wrapper.
type lab struct {
	*sql.DB
	pool  *sqlpool.Pool
	leaks *leak.Detector
}

func forEach(t *testing.T, test func(t *testing.T, l lab)) {
	dsn := pgserver.Database(t)
	for _, name := range []string{drivers.PGX, drivers.PQ} {
		for wrapper, open := range wrappers {
			t.Run(name+"/"+wrapper, func(t *testing.T) {
				cfg, err := drivers.Config(name, dsn)
				if err != nil {
					t.Fatal(err)
				}
				leaks := leak.New(leak.Config{After: time.Millisecond})
				cfg.MaxConns, cfg.MinIdle, cfg.AcquireTimeout, cfg.ShutdownTimeout = 2, 0, 5*time.Second, time.Second
				cfg.Hooks = append(cfg.Hooks, leaks.Hooks())
				pool, err := sqlpool.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				l := lab{open(pool.Connector()), pool, leaks}
				test(t, l)
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if err := pool.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// twenty has twenty callers do something at once.
func twenty(t *testing.T, what string, f func() error) {
	t.Helper()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := f(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	wg.Wait()
}

// Twenty callers are served by two connections, with no dial more, and at rest
// none is in use.
func TestTwentyCallersOnTwoConnections(t *testing.T) {
	ctx := context.Background()
	forEach(t, func(t *testing.T, l lab) {
		twenty(t, "exec", func() error { _, err := l.ExecContext(ctx, "SELECT pg_sleep(0.01)"); return err })
		twenty(t, "query", func() error {
			var n int
			return l.QueryRowContext(ctx, "SELECT $1::int", 7).Scan(&n)
		})
		stmt, err := l.PrepareContext(ctx, "SELECT $1::int")
		if err != nil {
			t.Fatal(err)
		}
		twenty(t, "statement", func() error {
			var n int
			return stmt.QueryRowContext(ctx, 7).Scan(&n)
		})
		if err := stmt.Close(); err != nil {
			t.Error(err)
		}
		twenty(t, "transaction", func() error {
			tx, err := l.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			var first, second int
			if err := tx.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&first); err != nil {
				return err
			}
			if err := tx.QueryRowContext(ctx, "SELECT pg_backend_pid()").Scan(&second); err != nil {
				return err
			}
			if first != second {
				return fmt.Errorf("one transaction on backends %d and %d", first, second)
			}
			return tx.Commit()
		})
		s := l.pool.Stats()
		if s.InUse != 0 || s.AcquireCount != s.ReleaseCount {
			t.Errorf("at rest %d are in use, %d acquired, %d released: %v", s.InUse, s.AcquireCount, s.ReleaseCount, l.pool.Holders())
		}
		if s.DialCount > 2 {
			t.Errorf("%d dials for two connections", s.DialCount)
		}
		if held := l.leaks.Holders(); len(held) > 0 {
			t.Errorf("held at rest: %v", held)
		}
	})
}

// Where there are connections to spare, each loan ends as well: one statement after the
// other is served by one connection, and none is dialed for the next.
func TestOneCallerUsesOneConnection(t *testing.T) {
	ctx := context.Background()
	forEach(t, func(t *testing.T, l lab) {
		if err := l.pool.Resize(20, 0); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			if _, err := l.ExecContext(ctx, "SELECT 1"); err != nil {
				t.Fatal(err)
			}
		}
		if s := l.pool.Stats(); s.DialCount > 1 || s.Open > 1 {
			t.Errorf("%d dials and %d connections for one caller", s.DialCount, s.Open)
		}
	})
}

// A *sql.Conn keeps its session's state while others use the pool.
func TestAConnKeepsItsSession(t *testing.T) {
	ctx := context.Background()
	forEach(t, func(t *testing.T, l lab) {
		conn, err := l.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(ctx, "SET sqlpool.mine = 'yes'"); err != nil {
			t.Fatal(err)
		}
		twenty(t, "exec", func() error { _, err := l.ExecContext(ctx, "SET sqlpool.mine = 'no'"); return err })
		var mine string
		if err := conn.QueryRowContext(ctx, "SELECT current_setting('sqlpool.mine')").Scan(&mine); err != nil || mine != "yes" {
			t.Errorf("%q, %v", mine, err)
		}
		_ = conn.Close()
		twenty(t, "exec", func() error { _, err := l.ExecContext(ctx, "SELECT pg_sleep(0.001)"); return err })
		if s := l.pool.Stats(); s.InUse != 0 {
			t.Errorf("%d in use: %v", s.InUse, l.pool.Holders())
		}
	})
}
