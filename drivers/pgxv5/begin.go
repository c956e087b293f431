package pgxv5

import (
	"context"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sqlpool/go/drivers/internal/lazybegin"
)

// filterOf has the connection that is made with cfg read and write through a filter
// that can hold a BEGIN back, which is between pgx's reader of messages and its
// socket, TLS included: so pgx's socket is the one that it would have, for its
// deadlines, its reading in the background and the binding of a password to TLS. The function
// returned tells the filter of the last socket that was opened, or nil when there is none.
func (c *connector) filterOf(cfg *pgx.ConnConfig) func() *lazybegin.Filter {
	// A server that replicates knows simple queries only, and what is between may: the
	// mode simple_protocol says so.
	if _, replicates := cfg.RuntimeParams["replication"]; c.eager || replicates || cfg.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return func() *lazybegin.Filter { return nil }
	}
	var last *lazybegin.Filter
	build := cfg.BuildFrontend
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		last = lazybegin.New(r, w)
		return build(last, last)
	}
	return func() *lazybegin.Filter { return last }
}

// HoldBegin has BEGIN travel with the first statement of its transaction from now on. A
// pool that can deal with a transaction which has not begun asks for it, and gets progress,
// which tells how far the transaction that was begun last has come: begun when the
// server has begun it, sent when a statement of it may have left. It is nil where
// BEGIN is sent at once: with EagerBegin, in the mode simple_protocol, and through a socket that
// cannot be looked at, where a dead connection would cost a statement and not a BEGIN.
func (c *conn) HoldBegin() (progress func() (begun, sent bool)) {
	if c.filter == nil || errors.Is(c.wire.Alive(), errors.ErrUnsupported) {
		return nil
	}
	c.lazy = c.filter
	c.lazy.Clean = func() bool { return c.wire.Alive() == nil && c.wire.Answered(lazybegin.Fresh) }
	c.lazy.Guard = c.wire.Guard
	return c.lazy.Progress
}

// arm has the BEGIN that follows held back, until disarm.
func (c *conn) arm(ctx context.Context) (disarm func()) {
	if c.lazy == nil || c.TxStatus() != 'I' || !c.wire.Answered(lazybegin.Fresh) {
		return func() {}
	}
	c.beginCtx = ctx
	return c.lazy.Arm()
}

// sendBegin sends a BEGIN that is held: what is given out from here on may write past the filter.
func (c *conn) sendBegin() {
	if c.lazy == nil || !c.lazy.Held() {
		return
	}
	c.lazy.Show(func(text string) {
		_ = c.pg.Exec(c.beginCtx, text).Close() // what follows meets a transaction that has failed, or a closed connection
	})
}
