package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/stray"
	"github.com/sqlpool/go/drivers/internal/wire"
)

type connector struct {
	cfg    pq.Config
	dial   wire.DialFunc
	before func(context.Context, *pq.Config) error
	cache  bool
}

// Connector returns a connector for the connection string, as lib/pq reads it,
// PG* variables included. Settings of the pool (pool_max_conns and the like) are
// refused in it: only package drivers reads them. An error says what is wrong
// with it and never shows a password. Its connections wait, when closed, up to
// 500 ms for the server's side to end.
func Connector(dsn string, opts ...Option) (driver.Connector, error) {
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("libpq: %w", secret.Scrub(dsn, err))
	}
	if err := stray.Settings("sqlpool-pq", cfg.Runtime); err != nil {
		return nil, fmt.Errorf("libpq: %w", err)
	}
	c := &connector{cfg: cfg, dial: new(net.Dialer).DialContext, cache: true}
	for _, opt := range opts {
		opt(c)
	}
	return c, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// ReadWrite says that the connection string asks for a server that takes writes
// (target_session_attrs), so that one which stops to do so is not the right one
// any more.
func (c *connector) ReadWrite() bool {
	attrs := c.cfg.TargetSessionAttrs
	return attrs == pq.TargetSessionAttrsReadWrite || attrs == pq.TargetSessionAttrsPrimary
}

// Connect implements driver.Connector. It ends with ctx in every phase, where
// lib/pq alone looks at ctx while it opens the socket and then no more. It never
// returns driver.ErrBadConn, for which database/sql would try again.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, connectError(ctx, err)
	}
	cfg := c.cfg.Clone()
	cfg.Multi = slices.Clone(cfg.Multi)
	if c.before != nil {
		if err := c.before(ctx, &cfg); err != nil {
			return nil, connectError(ctx, fmt.Errorf("BeforeConnect: %w", err))
		}
	}
	inner, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, connectError(ctx, err)
	}

	// A connector each, so that its dialer knows which connection it dials for.
	dialer := wire.NewDialer(c.dial)
	inner.Dialer(dialer)
	conn := &conn{cache: c.cache && !cfg.BinaryParameters, binary: cfg.BinaryParameters}
	dialer.OnCancel = conn.guard.cancelling

	stop := context.AfterFunc(ctx, func() { dialer.Interrupt(wire.Interruption(ctx)) })
	pqConn, err := inner.Connect(ctx)
	if !stop() && err == nil {
		err = wire.Interruption(ctx)
	}
	if err == nil {
		err = conn.open(pqConn, dialer, cfg)
	}
	if err != nil {
		dialer.Discard()
		return nil, connectError(ctx, err)
	}
	return conn, nil
}

// connectError names the phase, and the context's end where that is the reason.
func connectError(ctx context.Context, err error) error {
	if end := ctx.Err(); end != nil {
		if errors.Is(err, end) && errors.Is(err, context.Cause(ctx)) {
			return fmt.Errorf("libpq: connect: %w", unlikeBadConn(err))
		}
		return fmt.Errorf("libpq: connect: %w (%w)", wire.Interruption(ctx), unlikeBadConn(err))
	}
	return fmt.Errorf("libpq: connect: %w", unlikeBadConn(err))
}

// unlikeBadConn keeps driver.ErrBadConn, which lib/pq makes of a connection that
// breaks while target_session_attrs is checked, from leaving Connect.
func unlikeBadConn(err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		return errors.New(strings.ReplaceAll(err.Error(), driver.ErrBadConn.Error(), "the server closed the connection before it was ready"))
	}
	return err
}
