package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// connect calls the connector. One that ignores its context is given up some
// time after ConnectTimeout: the slot is worth more than the hope, and a
// connection that comes yet is closed. So is one that comes with an error.
func (p *Pool) connect(ctx context.Context) (driver.Conn, error) {
	type connected struct {
		conn driver.Conn
		err  error
	}
	ended := make(chan connected, 1)
	p.work.Go(func() {
		var o connected
		defer func() { ended <- o }()
		defer catch("Connector", &o.err)
		o.conn, o.err = p.cfg.Connector.Connect(ctx)
	})
	select {
	case o := <-ended:
		return checkConnected(ctx, o.conn, o.err)
	case <-ctx.Done():
	}
	grace := time.NewTimer(p.cfg.CloseTimeout)
	defer grace.Stop()
	select {
	case o := <-ended:
		return checkConnected(ctx, o.conn, o.err)
	case <-grace.C:
		go func() {
			if o := <-ended; o.err == nil && o.conn != nil {
				closeQuietly(o.conn)
			}
		}()
		return nil, fmt.Errorf("sqlpool: the connector did not return within ConnectTimeout: %w", ctx.Err())
	}
}

func checkConnected(ctx context.Context, conn driver.Conn, err error) (driver.Conn, error) {
	switch {
	case err != nil:
		// driver.ErrBadConn would have database/sql try three times what the
		// pool tries at its own pace.
		return nil, hideBadConn(err)
	case conn == nil:
		return nil, errors.New("sqlpool: the connector returned neither a connection nor an error")
	case ctx.Err() != nil:
		return conn, ctx.Err()
	}
	return conn, nil
}
