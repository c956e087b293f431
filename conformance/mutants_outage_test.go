package conformance

import (
	"context"
	"database/sql/driver"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

var outageMutants = []mutant{
	{"OUT-01", "nobody looks whether a connection lives", func(db *fakedb.DB, t *Target) {
		t.Server = rudeServer{db}
		below(func(c driver.Conn) driver.Conn { return livelyConn{c.(fullConn)} })(db, t)
	}},
	{"OUT-02", "a lost statement is reported as done", connectMutantKept(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err != nil || p.Config().MaxConns != 13 {
			return c, err
		}
		return failedConn{&conn{c.(session)}, "SELECT 1", func(driver.Result, error) (driver.Result, error) {
			return driver.RowsAffected(1), nil
		}}, nil
	})},
	{"OUT-03", "the first failed dial is final", configured(func(cfg *sqlpool.Config) {
		if cfg.FailFastAfter == 0 {
			cfg.Classify = as(errDial.Error(), sqlpool.ClassPermanent)
		}
	})},
	{"OUT-04", "callers wait for an outage as long as it takes", configured(func(cfg *sqlpool.Config) {
		if cfg.FailFastAfter > 0 && cfg.MaxConns == 2 {
			cfg.FailFastAfter = time.Hour
		}
	})},
	{"OUT-05", "only a caller wakes the pool", configured(func(cfg *sqlpool.Config) {
		var pool *sqlpool.Pool
		inner := cfg.Connector
		cfg.Hooks = append(cfg.Hooks, sqlpool.Hooks{OnStart: func(p *sqlpool.Pool) { pool = p }})
		cfg.Connector = connectFunc{inner, func(ctx context.Context) (driver.Conn, error) {
			if s := pool.Stats(); s.State == sqlpool.StateDown && s.Waiting == 0 && pool.Config().MinIdle > 0 {
				return nil, errDial
			}
			return inner.Connect(ctx)
		}}
	})},
	{"OUT-06", "after a failed dial there are two", dialMutant(func() func(context.Context, connectCall) (driver.Conn, error) {
		var failed atomic.Bool
		return func(ctx context.Context, connect connectCall) (driver.Conn, error) {
			if failed.Load() {
				go func() {
					if c, err := connect(ctx); err == nil {
						c.Close()
					}
				}()
			}
			c, err := connect(ctx)
			failed.Store(err == errDial)
			return c, err
		}
	})},
	{"OUT-07", "a refused password is an outage", classing("28P01", sqlpool.ClassFatal)},
	{"OUT-08", "a server that starts up is final", classing("57P03", sqlpool.ClassPermanent)},
	{"OUT-09", "a cancelled statement costs all connections", connectMutantKept(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return nervousConn{&conn{c.(session)}, p}, nil
	})},
	{"OUT-10", "a slot is held until its connection is closed", configured(func(cfg *sqlpool.Config) {
		if cfg.CloseTimeout == 0 {
			cfg.CloseTimeout = time.Hour
		}
	})},
}

// partialMutants are of rules about new connections that are refused.
var partialMutants = []mutant{
	{"OUT-11", "dials alone say whether the database is there", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		if s := p.Stats(); s.State == sqlpool.StateRetrying && s.Idle+s.InUse > 1 {
			return nil, sqlpool.ErrUnavailable
		}
		return connect(ctx)
	})},
}

// classing takes an error for another class.
func classing(word string, class sqlpool.Class) breaking {
	return configured(func(cfg *sqlpool.Config) { cfg.Classify = as(word, class) })
}

func as(word string, class sqlpool.Class) func(error) sqlpool.Class {
	return func(err error) sqlpool.Class {
		if strings.Contains(err.Error(), word) {
			return class
		}
		return sqlpool.ClassUnknown
	}
}

// rudeServer ends sessions without a word to their drivers.
type rudeServer struct{ db *fakedb.DB }

func (s rudeServer) Kill(ctx context.Context, session string) error {
	return fakeServer(s).killWith(session, fakedb.Death{Sent: true, Err: io.ErrUnexpectedEOF})
}

// livelyConn always lives.
type livelyConn struct{ fullConn }

func (livelyConn) Alive() error { return nil }

// nervousConn has the pool replaced when a caller gives up.
type nervousConn struct {
	*conn
	pool *sqlpool.Pool
}

func (c nervousConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, query, args)
	if ctx.Err() != nil && strings.HasPrefix(query, "SLEEP") {
		_ = c.pool.Recycle(context.Background(), 0)
	}
	return result, err
}
