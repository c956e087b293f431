package wrappers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/ngrok/sqlmw"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// A wrapper below the pool that hides what the adapter can tell is an unknown driver to
// the pool. Ten idle connections die: each is found by the statement that uses it, whose
// caller is told that the connection was lost, and that it may have been sent; none is
// told driver.ErrBadConn, with which database/sql would execute the statement again.
func TestIdleDeathsBelowAWrapper(t *testing.T) {
	const conns = 10
	server := pgserver.Shared(t)
	for _, name := range []string{drivers.PGX, drivers.PQ} {
		t.Run(name, func(t *testing.T) {
			dsn := server.TCP().With("application_name", "idle_deaths").URL(server.NewDatabase(t))
			cfg, err := drivers.Config(name, dsn)
			if err != nil {
				t.Fatal(err)
			}
			wrapped := sqlmw.Driver(driverOf{cfg.Connector}, sqlmw.NullInterceptor{})
			if cfg.Connector, err = wrapped.(driver.DriverContext).OpenConnector(dsn); err != nil {
				t.Fatal(err)
			}
			cfg.MaxConns, cfg.MinIdle = conns, 0
			pool, err := sqlpool.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			db := sqlpool.OpenDB(pool)
			defer db.Close()
			ctx := context.Background()
			var held []*sql.Conn
			for range conns {
				conn, err := db.Conn(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := conn.PingContext(ctx); err != nil {
					t.Fatal(err)
				}
				held = append(held, conn)
			}
			for _, conn := range held {
				if err := conn.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := server.Terminate(ctx, pgserver.Filter{Application: "idle_deaths"}); err != nil {
				t.Fatal(err)
			}
			failed := 0
			for range 2 * conns {
				var n int
				err := db.QueryRowContext(ctx, "SELECT $1::int", 7).Scan(&n)
				if err == nil {
					continue
				}
				failed++
				if errors.Is(err, driver.ErrBadConn) {
					t.Errorf("a caller is told %v", err)
				}
			}
			t.Logf("%d of %d callers met a dead connection", failed, 2*conns)
			if failed > conns {
				t.Errorf("%d callers failed for %d connections that had died", failed, conns)
			}
		})
	}
}
