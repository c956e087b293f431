package pgxv5

import (
	"context"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sqlpool/go/drivers/internal/lazybegin"
)

// filter has the connection that is made with cfg read and write through a filter
// that can hold a BEGIN back, which is between pgx's reader of messages and its
// socket, TLS included: so pgx's socket is the one that it would have, for its
// deadlines, its reading in the background and the binding of a password to TLS. The function
// returned tells the filter of the last socket that was opened, or nil when there is none.
func (c *connector) filter(cfg *pgx.ConnConfig) func() *lazybegin.Filter {
	// A server that replicates knows simple queries only.
	if _, replicates := cfg.RuntimeParams["replication"]; !c.lazy || replicates {
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

// holdBegin has f hold back BEGINs. Through a socket that cannot be looked at a dead
// connection would cost a statement where BEGIN finds it: there BEGIN is sent at once.
func (c *conn) holdBegin(f *lazybegin.Filter) {
	if f == nil || errors.Is(c.wire.Alive(), errors.ErrUnsupported) {
		return
	}
	c.lazy = f
	f.Clean = func() bool { return c.wire.Alive() == nil }
	f.Guard = c.wire.Guard
}

// arm has the BEGIN that follows held back, until disarm.
func (c *conn) arm(ctx context.Context) (disarm func()) {
	if c.lazy == nil || c.TxStatus() != 'I' {
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

// TxProgress tells how far the transaction that was begun last has come: begun when
// the server has begun it, sent when a statement of it may have left.
func (c *conn) TxProgress() (begun, sent bool) {
	if c.lazy == nil {
		return true, true
	}
	return c.lazy.Progress()
}
