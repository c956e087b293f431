package libpq

import (
	"context"

	"github.com/lib/pq"
)

// An Option changes what [Connector] returns.
type Option func(*connector)

// WithDialer opens sockets with d, for instance a *net.Dialer or a tunnel. The
// default is a zero net.Dialer. Cancel requests go through it too. It replaces
// pq.Connector.Dialer, which the adapter needs for itself.
func WithDialer(d pq.DialerContext) Option {
	return func(c *connector) { c.dial = d.DialContext }
}

// EagerBegin has BEGIN sent when the transaction begins, as by lib/pq. Without it a pool may
// have it travel with the transaction's first statement, which saves a round trip, on a
// connection without TLS: lib/pq has TLS above the adapter's socket.
func EagerBegin() Option {
	return func(c *connector) { c.eager = true }
}

// BeforeConnect calls f before each connect with a copy of the configuration,
// which f may change: the place for a password that expires. Its error is the
// connect's. It is called from several goroutines.
func BeforeConnect(f func(ctx context.Context, cfg *pq.Config) error) Option {
	return func(c *connector) { c.before = f }
}

// WithNoticeHandler calls f with each notice of the server, such as a RAISE NOTICE. It
// is called on the goroutine of the call that waits for an answer, and must not use the
// connection. It replaces pq.ConnectorWithNoticeHandler, which takes only lib/pq's own
// connector.
func WithNoticeHandler(f func(*pq.Error)) Option {
	return func(c *connector) { c.notice = f }
}

// WithNotificationHandler calls f with each notification that a connection receives
// after a LISTEN, as a notice handler is called. It replaces
// pq.ConnectorWithNotificationHandler. A connection that is idle in the pool reads
// nothing: for notifications as they come use pq.Listener.
func WithNotificationHandler(f func(*pq.Notification)) Option {
	return func(c *connector) { c.notification = f }
}
