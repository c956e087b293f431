package pgxv5

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// A canceller ends a call whose context has ended. pgx itself cuts the
// connection, and the next caller pays for a dial: under overload that is most
// of what a cut statement costs. So while a statement is executed, the server is
// asked to cancel it, and has one grace to answer; the connection is cut when it
// does not. Elsewhere (rows, BEGIN, COMMIT, Ping, Prepare) pgx's way stays.
//
// It is pgx's [ctxwatch.Handler] of one connection. pgconn's own
// CancelRequestContextWatcherHandler sleeps 100 ms after each request instead of
// waiting for the server to have dealt with it.
type canceller struct {
	pg    *pgconn.PgConn
	grace time.Duration

	phase atomic.Int32
	asked chan struct{} // closed when the request has been dealt with, or given up
}

const (
	apart     int32 = iota // pgx's way
	executing              // a statement is executed
	ended                  // its context has ended, and the server has been asked
)

// defaultHandler is what pgx has in a configuration that says nothing of it.
var defaultHandler = sync.OnceValue(func() uintptr {
	cfg, err := pgconn.ParseConfig("host=/")
	if err != nil {
		return 0
	}
	return reflect.ValueOf(cfg.BuildContextWatcherHandler).Pointer()
})

// install puts a canceller in place of pgx's own handler. It is nil where the
// configuration has one of the user's.
func install(cfg *pgx.ConnConfig) *canceller {
	build := cfg.BuildContextWatcherHandler
	if build == nil || reflect.ValueOf(build).Pointer() != defaultHandler() {
		return nil
	}
	c := &canceller{}
	cfg.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		c.pg = pg
		return c
	}
	return c
}

// HandleCancel implements [ctxwatch.Handler].
func (c *canceller) HandleCancel(context.Context) {
	if !c.phase.CompareAndSwap(executing, ended) {
		_ = c.pg.Conn().SetDeadline(time.Now()) // as pgconn.DeadlineContextWatcherHandler
		return
	}
	deadline := time.Now().Add(c.grace)
	_ = c.pg.Conn().SetDeadline(deadline)
	asked := make(chan struct{})
	c.asked = asked
	go func() {
		defer close(asked)
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		_ = c.pg.CancelRequest(ctx) // whether it was heard shows on the connection itself
	}()
}

// HandleUnwatchAfterCancel implements [ctxwatch.Handler].
func (c *canceller) HandleUnwatchAfterCancel() {
	if c.asked != nil {
		<-c.asked
		c.asked = nil
	}
	_ = c.pg.Conn().SetDeadline(time.Time{})
}

// begin precedes the execution of a statement.
func (c *conn) begin() {
	if c.cancel != nil {
		c.cancel.phase.Store(executing)
	}
}

// end follows it, with what pgx says. It returns the error that pgx would have
// returned if it had cut the connection.
func (c *conn) end(ctx context.Context, err error) (out error) {
	if c.cancel == nil || c.cancel.phase.Swap(apart) != ended {
		return settle(ctx, err)
	}
	var answer *pgconn.PgError
	switch {
	case c.pg.IsClosed() || err == driver.ErrBadConn:
		return settle(ctx, err)
	case !c.wire.Settled():
		// The request may still arrive, and would hit the next statement, of the same
		// transaction too.
		c.wire.Stop(ctx.Err())
		return endOf(ctx)
	case err == nil && c.pg.TxStatus() == 'T':
		return nil // it was too late to cancel, and the transaction goes on
	case errors.As(err, &answer) && answer.Code != "57014":
		return err
	}
	// It was cancelled, or it was not: of an INSERT that waits for a synchronous
	// standby, PostgreSQL cancels the wait and reports success.
	return endOf(ctx)
}

// endOf is what pgx says of a context that has ended.
func endOf(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return errTimeout()
	}
	return ctx.Err()
}

// errTimeout is pgx's error for a deadline, for which pgconn.Timeout is true. pgx
// makes it and does not share its type.
var errTimeout = sync.OnceValue(func() error {
	err := error(context.DeadlineExceeded)
	cfg, parsed := pgconn.ParseConfig("host=127.0.0.1 sslmode=disable")
	if parsed != nil {
		return err
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return nil, os.ErrDeadlineExceeded }
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	_, failed := pgconn.ConnectConfig(lateContext{context.Background()}, cfg)
	return timeoutIn(failed, err)
})

// timeoutIn returns the innermost error in the chain for which pgconn.Timeout is
// true.
func timeoutIn(err, otherwise error) error {
	if err == nil || !pgconn.Timeout(err) {
		return otherwise
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return timeoutIn(wrapper.Unwrap(), err)
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if found := timeoutIn(inner, nil); found != nil {
				return found
			}
		}
	}
	return err
}

// lateContext says that its deadline has passed, and does not end.
type lateContext struct{ context.Context }

// Err implements context.Context.
func (lateContext) Err() error { return context.DeadlineExceeded }
