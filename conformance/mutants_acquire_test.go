package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var acquireMutants = []mutant{
	{"ACQ-01", "every second waiter goes to the end of the queue", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		waits := p.Stats().Waiting > 7 && everySecond.Add(1)%2 == 0
		c, err := connect(ctx)
		if err == nil && waits {
			_ = c.Close()
			return connect(ctx)
		}
		return c, err
	})},
	{"ACQ-02", "one connection more than asked for", configured(func(cfg *sqlpool.Config) {
		if cfg.MaxConns == 3 {
			cfg.MaxConns++
		}
	})},
	{"ACQ-03", "a waiter does not heed its context", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		if s := p.Stats(); s.InUse == 1 && s.MaxConns == 1 {
			ctx = context.WithoutCancel(ctx)
		}
		return connect(ctx)
	})},
	{"ACQ-04", "AcquireTimeout is something else", configured(func(cfg *sqlpool.Config) { cfg.AcquireTimeout = 25 * time.Second })},
	{"ACQ-05", "the error does not know the holders", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		var acquire *sqlpool.AcquireError
		if errors.As(err, &acquire) && p.Config().MinIdle == 1 {
			acquire.Holders = nil
		}
		return c, err
	})},
	{"ACQ-06", "a connection granted to a caller who has gone is lost", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		if s := p.Stats(); s.InUse < s.MaxConns || s.MaxConns > 1 {
			return connect(ctx)
		}
		c, err := connect(context.WithoutCancel(ctx))
		if err == nil && ctx.Err() != nil {
			_ = c.(driver.Pinger).Ping(context.Background()) // its loan is not revocable any more
			return nil, ctx.Err()
		}
		return c, err
	})},
	{"ACQ-07", "Acquire does not look at its context", asking(func(p Pool) Pool { return heedlessPool{p} })},
	{"ACQ-08", "a session waits under package sql's lock", above(func(c *conn) driver.Conn { return patientConn{c} })},
}

var everySecond atomic.Int64

type connectCall func(context.Context) (driver.Conn, error)

// connectMutant breaks the opening of sessions.
func connectMutant(f func(context.Context, *sqlpool.Pool, connectCall) (driver.Conn, error)) breaking {
	return connecting(func(p *sqlpool.Pool) driver.Connector {
		inner := p.Connector()
		return connectFunc{inner, func(ctx context.Context) (driver.Conn, error) { return f(ctx, p, inner.Connect) }}
	}, false)
}

// connectMutantKept is connectMutant for a package sql that keeps sessions.
func connectMutantKept(f func(context.Context, *sqlpool.Pool, connectCall) (driver.Conn, error)) breaking {
	return connecting(func(p *sqlpool.Pool) driver.Connector {
		inner := p.Connector()
		return connectFunc{inner, func(ctx context.Context) (driver.Conn, error) { return f(ctx, p, inner.Connect) }}
	}, true)
}

type heedlessPool struct{ Pool }

func (p heedlessPool) Acquire(ctx context.Context) (sqlpool.Loan, error) {
	return p.Pool.Acquire(context.WithoutCancel(ctx))
}

// patientConn is kept although its connection went to somebody else, and waits
// for the next as long as it takes.
type patientConn struct{ *conn }

func (c patientConn) ResetSession(ctx context.Context) error {
	for {
		if err := c.conn.ResetSession(ctx); err != driver.ErrBadConn {
			return err
		}
	}
}
