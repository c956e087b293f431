//go:build unix

package drivers

import (
	"context"
	"database/sql/driver"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// hidden counts what is written to a socket, and hides it, as a tunnel does.
type hidden struct {
	net.Conn
	writes *atomic.Int64
}

func (h hidden) Write(b []byte) (int, error) {
	h.writes.Add(1)
	return h.Conn.Write(b)
}

type tunnel struct{ writes *atomic.Int64 }

func (d tunnel) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return hidden{c, d.writes}, err
}

func (d tunnel) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d tunnel) DialTimeout(network, address string, _ time.Duration) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// A dialer whose connections hide their socket costs no ping for each statement, nor
// one a second for each idle connection.
func TestAHiddenSocketCostsNoPings(t *testing.T) {
	dsn := pgserver.Database(t)
	for name, open := range map[string]func(tunnel) (driver.Connector, error){
		"pgx": func(d tunnel) (driver.Connector, error) {
			return pgxv5.Connector(dsn, pgxv5.WithDialFunc(d.DialContext))
		},
		"pq": func(d tunnel) (driver.Connector, error) { return libpq.Connector(dsn, libpq.WithDialer(d)) },
	} {
		t.Run(name, func(t *testing.T) {
			through := tunnel{new(atomic.Int64)}
			connector, err := open(through)
			must(t, err)
			sweeps := make(chan struct{})
			pool, err := sqlpool.New(sqlpool.Config{
				Connector: connector, MaxConns: 3, MinIdle: 3, SweepInterval: 10 * time.Millisecond, PingAfter: time.Minute,
				Hooks: []sqlpool.Hooks{{OnSweep: func(*sqlpool.Pool) {
					select {
					case sweeps <- struct{}{}:
					default:
					}
				}}},
			})
			must(t, err)
			defer pool.Close()
			must(t, pool.Warm(t.Context()))
			for pool.Stats().Idle < 3 {
				<-sweeps
			}
			db := sqlpool.OpenDB(pool)
			before := through.writes.Load()
			for range 50 {
				time.Sleep(2 * time.Millisecond) // idle for longer than a look at the socket is saved
				_, err := db.ExecContext(t.Context(), "SELECT 1")
				must(t, err)
			}
			for range 20 {
				<-sweeps
			}
			if n := through.writes.Load() - before; n != 50 {
				t.Errorf("%d writes for 50 statements and 20 sweeps over 3 idle connections", n)
			}
		})
	}
}
