package faultpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// fault is a pool that cannot lend.
type fault struct {
	pool *sqlpool.Pool
	held sqlpool.Loan // of its one connection, if it has one

	// life ends with the fault, and with it whoever waits in the queue.
	life    context.Context
	endLife context.CancelFunc
}

// starve returns a pool whose one connection is in use.
func starve(t testing.TB) *fault {
	t.Helper()
	f := begin(t, sqlpool.Config{Connector: server{}, AcquireTimeout: 10 * time.Millisecond})
	f.hold(t)
	return f
}

// crowd returns a pool whose one connection is in use and whose one place in
// the queue is taken.
func crowd(t testing.TB) *fault {
	t.Helper()
	f := begin(t, sqlpool.Config{Connector: server{}, MaxWaiters: 1, AcquireTimeout: 24 * time.Hour})
	f.hold(t)
	go func() {
		if loan, err := f.pool.Acquire(f.life); err == nil {
			_ = loan.Release()
		}
	}()
	for f.pool.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	return f
}

// darken returns a pool without a server.
func darken(t testing.TB, cause error) *fault {
	t.Helper()
	return begin(t, sqlpool.Config{Connector: server{cause}})
}

func begin(t testing.TB, cfg sqlpool.Config) *fault {
	t.Helper()
	cfg.Name, cfg.MaxConns = t.Name(), 1
	pool, err := sqlpool.New(cfg)
	if err != nil {
		t.Fatalf("faultpool: %v", err)
	}
	f := &fault{pool: pool}
	f.life, f.endLife = context.WithCancel(context.Background())
	return f
}

// hold takes the one connection. It waits for the dial, which takes no time,
// however short AcquireTimeout is.
func (f *fault) hold(t testing.TB) {
	t.Helper()
	var err error
	for range 1000 {
		if f.held, err = f.pool.Acquire(f.life); err == nil {
			return
		}
	}
	t.Fatalf("faultpool: %v", err)
}

func (f *fault) end() {
	f.endLife()
	_ = f.held.Release()
	_ = f.pool.Close()
}

// server is the connector of the faulty pools, and their connections: nothing
// is ever executed on one.
type server struct{ down error }

var errIdle = errors.New("faultpool: a connection that is only held")

// Connect implements driver.Connector.
func (s server) Connect(context.Context) (driver.Conn, error) {
	if s.down != nil {
		return nil, s.down
	}
	return s, nil
}

// Driver implements driver.Connector.
func (s server) Driver() driver.Driver { return nil }

// Prepare implements driver.Conn.
func (s server) Prepare(string) (driver.Stmt, error) { return nil, errIdle }

// Begin implements driver.Conn.
func (s server) Begin() (driver.Tx, error) { return nil, errIdle }

// Close implements driver.Conn.
func (s server) Close() error { return nil }
