package sqlpool

import (
	"context"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
)

// SetUp runs the AfterConnect hooks again, and before them what the driver's
// connector does after a connect (pgxv5.AfterConnect), for a hook that has taken
// away what they had set: a reset of the session. Only a hook that was given the
// Conn may call it, and not from AfterConnect. An error is the first hook's that
// refuses: the connection is then to be retired.
func (c *Conn) SetUp(ctx context.Context) error {
	if again, ok := driverx.Find[interface{ AfterConnect(context.Context) error }](c.inner); ok {
		if err := again.AfterConnect(ctx); err != nil {
			return hideBadConn(err)
		}
	}
	return decideAside(ctx, "AfterConnect", c.pool.hooks.afterConnect, c)
}
