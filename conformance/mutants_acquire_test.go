package conformance

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"github.com/sqlpool/go/sqlpool"
)

var acquireMutants = []mutant{
	{"ACQ-01", "every second waiter goes to the end of the queue", connecting(func(p *sqlpool.Pool) driver.Connector {
		var n atomic.Int64
		inner := p.Connector()
		return connectFunc{inner, func(ctx context.Context) (driver.Conn, error) {
			waits := p.Stats().Waiting > 0 && n.Add(1)%2 == 0
			c, err := inner.Connect(ctx)
			if err == nil && waits {
				_ = c.Close()
				return inner.Connect(ctx)
			}
			return c, err
		}}
	})},
	{"ACQ-02", "one connection more than asked for", configured(func(cfg *sqlpool.Config) { cfg.MaxConns++ })},
}
