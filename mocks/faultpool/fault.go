package faultpool

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"runtime"
	"time"

	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// fault is what is wrong, from a time on: one of a pool that cannot lend, a
// connection that breaks, a server that refuses writes.
type fault struct {
	stand    *standIn
	breaks   bool
	readOnly bool
	cause    error // of readOnly, or nil for the server's own

	begins   time.Time
	acquires int  // how often it still refuses; 0: any number
	claimed  int  // refusals that are under way
	spent    bool // there is no further one
}

func (f *fault) end() {
	if f != nil && f.stand != nil {
		f.stand.end()
	}
}

// standIn is a real pool that cannot lend. Hooks are not its own: they see what
// happens to the connections of the mock.
type standIn struct {
	pool *sqlpool.Pool
	held []sqlpool.Loan

	// life ends with the fault, and with it the acquires in the queue.
	life    context.Context
	endLife context.CancelFunc
}

// starve returns a pool whose connections are all in use.
func starve(t sqlmockpool.T, cfg sqlpool.Config) *standIn {
	t.Helper()
	cfg.AcquireTimeout = cmp.Or(cfg.AcquireTimeout, 10*time.Millisecond)
	s := begin(t, cfg, server{})
	s.hold(t)
	return s
}

// crowd returns a pool whose connections are all in use, and whose queue is full.
func crowd(t sqlmockpool.T, cfg sqlpool.Config) *standIn {
	t.Helper()
	cfg.MaxWaiters, cfg.AcquireTimeout = cmp.Or(cfg.MaxWaiters, 1), 24*time.Hour
	s := begin(t, cfg, server{})
	s.hold(t)
	for range cfg.MaxWaiters {
		go func() {
			if loan, err := s.pool.Acquire(s.life); err == nil {
				_ = loan.Release()
			}
		}()
	}
	for s.pool.Stats().Waiting < cfg.MaxWaiters && s.life.Err() == nil {
		runtime.Gosched()
	}
	return s
}

// darken returns a pool without a server.
func darken(t sqlmockpool.T, cfg sqlpool.Config, cause error) *standIn {
	t.Helper()
	return begin(t, cfg, server{cause})
}

// begin opens a pool with what shows of a configuration in its refusals.
func begin(t sqlmockpool.T, cfg sqlpool.Config, server server) *standIn {
	t.Helper()
	s := &standIn{}
	s.life, s.endLife = context.WithCancel(context.Background())
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: server, Name: cmp.Or(cfg.Name, t.Name()), MaxConns: cmp.Or(cfg.MaxConns, 1),
		AcquireTimeout: cfg.AcquireTimeout, MaxWaiters: cfg.MaxWaiters, Classify: cfg.Classify,
	})
	if err != nil {
		t.Errorf("faultpool: %v", err) // New has accepted these settings
	}
	s.pool = pool
	return s
}

// hold takes every connection. It waits for the dials, which take no time,
// however short AcquireTimeout is.
func (s *standIn) hold(t sqlmockpool.T) {
	t.Helper()
	conns := s.pool.Stats().MaxConns
	var err error
	for tries := 0; len(s.held) < conns && tries < 1000*conns; tries++ {
		var loan sqlpool.Loan
		if loan, err = s.pool.Acquire(s.life); err == nil {
			s.held = append(s.held, loan)
		}
	}
	if len(s.held) < conns {
		t.Errorf("faultpool: %v", err)
	}
}

func (s *standIn) end() {
	s.endLife()
	for _, loan := range s.held {
		_ = loan.Release()
	}
	_ = s.pool.Close()
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
