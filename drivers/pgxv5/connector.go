package pgxv5

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/stray"
	"github.com/sqlpool/go/drivers/internal/wire"
)

type connector struct {
	cfg    pgx.ConnConfig
	before func(context.Context, *pgx.ConnConfig) error
	after  func(context.Context, *pgx.Conn) error
}

// Connector returns a connector for the connection string, as pgx.ParseConfig
// reads it, PG* variables included. Settings of the pool (pool_max_conns and the
// like) are refused in it: only package drivers reads them. An error says what is
// wrong with it and never shows a password. Its connections wait, when closed, up
// to 500 ms for the server's side to end.
func Connector(dsn string, opts ...Option) (driver.Connector, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgxv5: %w", secret.Scrub(dsn, err))
	}
	if err := stray.Settings("sqlpool-pgx", cfg.RuntimeParams); err != nil {
		return nil, fmt.Errorf("pgxv5: %w", err)
	}
	return ConnectorConfig(cfg, opts...), nil
}

// ConnectorConfig returns a connector for a configuration that pgx.ParseConfig
// has made, with whatever the caller has changed in it since: exec mode, tracer,
// statement cache, TLS. It copies the configuration, and panics if pgx.ParseConfig
// has not made it, as pgx does.
func ConnectorConfig(cfg *pgx.ConnConfig, opts ...Option) driver.Connector {
	c := &connector{cfg: *cfg.Copy()}
	for _, opt := range opts {
		opt(c)
	}
	if c.cfg.DialFunc == nil {
		c.cfg.DialFunc = new(net.Dialer).DialContext
	}
	return c
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// ReadWrite says that the connection string asks for a server that takes writes
// (target_session_attrs), so that one which stops to do so is not the right one
// any more. pgx keeps of it only the function that checks a new connection.
func (c *connector) ReadWrite() bool {
	if c.cfg.ValidateConnect == nil {
		return false
	}
	check := reflect.ValueOf(c.cfg.ValidateConnect).Pointer()
	return check == reflect.ValueOf(pgconn.ValidateConnectTargetSessionAttrsReadWrite).Pointer() ||
		check == reflect.ValueOf(pgconn.ValidateConnectTargetSessionAttrsPrimary).Pointer()
}

// Connect implements driver.Connector. It never returns driver.ErrBadConn, for
// which database/sql would try again.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, connectError(ctx, err)
	}
	cfg := c.cfg
	if c.before != nil {
		if err := c.before(ctx, &cfg); err != nil {
			return nil, connectError(ctx, fmt.Errorf("BeforeConnect: %w", err))
		}
	}
	dialer := wire.NewDialer(wire.DialFunc(cfg.DialFunc))
	cfg.DialFunc = dialer.DialContext
	cancel := install(&cfg)

	inner, err := stdlib.GetConnector(cfg, stdlib.OptionShouldPing(never)).Connect(ctx)
	if err != nil {
		dialer.Discard()
		return nil, connectError(ctx, err)
	}
	conn := &conn{stdConn: inner.(*stdlib.Conn)}
	conn.pg = conn.Conn().PgConn()
	if conn.wire, err = dialer.Establish(); err != nil {
		_ = conn.stdConn.Close() // err says what is wrong
		return nil, connectError(ctx, err)
	}
	if cancel != nil {
		cancel.grace = conn.wire.Grace()
		conn.cancel = cancel
	}
	if c.after != nil {
		if err := conn.afterConnect(ctx, c.after); err != nil {
			return nil, connectError(ctx, fmt.Errorf("AfterConnect: %w", err))
		}
	}
	return conn, nil
}

func (c *conn) afterConnect(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	done := false
	defer func() {
		if !done { // an error or a panic
			_ = c.Close() // f has said what is wrong
		}
	}()
	if err := f(ctx, c.Conn()); err != nil {
		return err
	}
	done = true
	return nil
}

func never(context.Context, stdlib.ShouldPingParams) bool { return false }

// connectError names the phase, and the context's cause where that is the reason.
func connectError(ctx context.Context, err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		err = errors.New("the connection was lost")
	}
	if end := ctx.Err(); end != nil && !(errors.Is(err, end) && errors.Is(err, context.Cause(ctx))) {
		return fmt.Errorf("pgxv5: connect: %w: %w (%w)", end, context.Cause(ctx), err)
	}
	return fmt.Errorf("pgxv5: connect: %w", err)
}
