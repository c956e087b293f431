package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var dialMutants = []mutant{
	{"DIAL-01", "a dial for every caller", configured(func(cfg *sqlpool.Config) { cfg.MaxDialing = 100 })},
	{"DIAL-02", "a caller waits for its own dial", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		for err == nil && p.Stats().Dialing > 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		return c, err
	})},
	{"DIAL-03", "the dial's error is told in words only", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err != nil && p.Config().MaxConns == sqlpool.DefaultMaxConns && ctx.Err() == nil && !errors.Is(err, driver.ErrBadConn) && errors.Is(err, errDial) {
			return nil, errors.New(err.Error())
		}
		return c, err
	})},
	{"DIAL-04", "a dial that nobody waits for any more is dropped", configured(func(cfg *sqlpool.Config) {
		var pool *sqlpool.Pool
		cfg.Hooks = append(cfg.Hooks, sqlpool.Hooks{
			OnStart: func(p *sqlpool.Pool) { pool = p },
			AfterConnect: func(context.Context, *sqlpool.Conn) error {
				if s := pool.Stats(); s.State == sqlpool.StateStarting && s.Waiting == 0 && pool.Config().MinIdle == 0 {
					return errors.New("mutant: nobody waits")
				}
				return nil
			},
		})
	})},
	{"DIAL-05", "ConnectTimeout has no effect", configured(func(cfg *sqlpool.Config) { cfg.ConnectTimeout = time.Hour })},
	{"DIAL-06", "driver.ErrBadConn of a dial reaches package sql", connectMutant(func(ctx context.Context, _ *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err != nil && strings.Contains(err.Error(), "bad connection") {
			return nil, driver.ErrBadConn
		}
		return c, err
	})},
	{"DIAL-07", "one idle connection is enough", configured(func(cfg *sqlpool.Config) {
		if cfg.MinIdle == 3 {
			cfg.MinIdle = 1
		}
	})},
	{"DIAL-08", "after a failed dial the next hangs", dialing(3, func() func(context.Context, connectCall) (driver.Conn, error) {
		var failed atomic.Bool
		return func(ctx context.Context, connect connectCall) (driver.Conn, error) {
			if failed.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			c, err := connect(ctx)
			failed.Store(errors.Is(err, errDial))
			return c, err
		}
	})},
	{"DIAL-09", "a caller in a dial does not heed its deadline", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		if _, limited := ctx.Deadline(); limited && p.Stats().State == sqlpool.StateStarting {
			ctx = context.WithoutCancel(ctx)
		}
		return connect(ctx)
	})},
	{"DIAL-10", "a panic is an error that says nothing", dialMutant(func() func(context.Context, connectCall) (driver.Conn, error) {
		return func(ctx context.Context, connect connectCall) (c driver.Conn, err error) {
			defer func() {
				if recover() != nil {
					err = errors.New("mutant: something went wrong")
				}
			}()
			return connect(ctx)
		}
	})},
	{"DIAL-11", "a late connection is kept open", dialMutant(func() func(context.Context, connectCall) (driver.Conn, error) {
		return func(ctx context.Context, connect connectCall) (driver.Conn, error) {
			c, err := connect(ctx)
			if err == nil && ctx.Err() != nil {
				return immortalConn{c}, nil
			}
			return c, err
		}
	})},
}

type immortalConn struct{ driver.Conn }

func (immortalConn) Close() error { return nil }

// dialMutant breaks the connector under the pool. Each pool has its own state.
func dialMutant(f func() func(context.Context, connectCall) (driver.Conn, error)) breaking {
	return configured(func(cfg *sqlpool.Config) {
		inner, dial := cfg.Connector, f()
		cfg.Connector = connectFunc{inner, func(ctx context.Context) (driver.Conn, error) { return dial(ctx, inner.Connect) }}
	})
}
