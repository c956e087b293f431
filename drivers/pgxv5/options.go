package pgxv5

import (
	"context"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// An Option changes what [Connector] and [ConnectorConfig] return.
type Option func(*connector)

// WithDialFunc opens sockets with dial, in place of the configuration's
// DialFunc. Cancel requests go through it too.
func WithDialFunc(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return func(c *connector) { c.dial = dial }
}

// EagerBegin has BEGIN sent when the transaction begins, as by pgx. Without it a pool may
// have it travel with the transaction's first statement, which saves a round trip.
func EagerBegin() Option {
	return func(c *connector) { c.eager = true }
}

// BeforeConnect calls f before each connect with a copy of the configuration,
// which f may change: the place for a password that expires. The copy is
// shallow: replace what its fields point to, do not change it. The error is the
// connect's. It is called from several goroutines.
func BeforeConnect(f func(ctx context.Context, cfg *pgx.ConnConfig) error) Option {
	return func(c *connector) { c.before = f }
}

// WithNoticeHandler calls f with each notice of the server, such as a RAISE NOTICE, in
// place of the configuration's OnNotice. It is called while a call waits for its
// answer, on that call's goroutine, and must not use the connection.
func WithNoticeHandler(f pgconn.NoticeHandler) Option {
	return func(c *connector) { c.notice = f }
}

// WithNotificationHandler calls f with each notification that a connection receives
// after a LISTEN, in place of the configuration's OnNotification. It is called as a
// notice handler is. A connection that is idle in the pool reads nothing: for
// notifications as they come use a connection of their own.
func WithNotificationHandler(f pgconn.NotificationHandler) Option {
	return func(c *connector) { c.notification = f }
}

// AfterConnect calls f with each new connection, for instance to register types.
// On an error the connection is closed, and the error is the connect's. A pool that
// cleans its sessions (resetter.Clean, pool_reset=clean) calls f again after each
// loan.
func AfterConnect(f func(ctx context.Context, conn *pgx.Conn) error) Option {
	return func(c *connector) { c.after = f }
}
