package libpq

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/drivers/internal/reread"
	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/wire"
)

type connector struct {
	dsn    string
	source *reread.Source[pq.Config]
	silent wire.Silent

	dial         wire.DialFunc
	before       func(context.Context, *pq.Config) error
	notice       func(*pq.Error)
	notification func(*pq.Notification)
	at           *onehost.Host // nil: the hosts of the connection string
	eager        bool
}

// Connector returns a connector for the connection string, as lib/pq reads it,
// PG* variables included. Settings of the pool (pool_max_conns and the like) are
// refused in it: only package drivers reads them. An error says what is wrong
// with it and never shows a password. Its connections wait, when closed, up to
// 500 ms for the server's side to end.
//
// The string is read again before each connect, so that a passfile, a service file or
// a client certificate that has been replaced is used from the next connection on.
// When that fails, takes longer than a second, or the process has changed its PG*
// variables, the last configuration that could be read stays. Of several hosts,
// one that did not answer in time is asked last for half a minute. keepalives,
// keepalives_idle, keepalives_interval, keepalives_count and (on linux)
// tcp_user_timeout are set on the client's socket, as libpq does.
func Connector(dsn string, opts ...Option) (driver.Connector, error) {
	if err := secret.Torn(dsn, false); err != nil {
		return nil, fmt.Errorf("libpq: %w", err)
	}
	c := &connector{dsn: dsn, dial: new(net.Dialer).DialContext}
	for _, opt := range opts {
		opt(c)
	}
	cfg, err := c.parse()
	if err != nil {
		return nil, fmt.Errorf("libpq: %w", err)
	}
	c.source = reread.New(cfg, c.parse)
	return c, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &pq.Driver{} }

// ReadWrite says that the connection string asks for a server that takes writes
// (target_session_attrs), so that one which stops to do so is not the right one
// any more.
func (c *connector) ReadWrite() bool {
	attrs := c.source.Last().TargetSessionAttrs
	return attrs == pq.TargetSessionAttrsReadWrite || attrs == pq.TargetSessionAttrsPrimary
}

// Connect implements driver.Connector. It ends with ctx in every phase, where
// lib/pq alone looks at ctx while it opens the socket and then no more. It never
// returns driver.ErrBadConn, for which database/sql would try again.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, connectError(ctx, err)
	}
	latest, notRead := c.source.Latest(ctx)
	cfg := latest.Clone()
	cfg.Multi = slices.Clone(cfg.Multi)
	if c.before != nil {
		if err := c.before(ctx, &cfg); err != nil {
			return nil, connectError(ctx, fmt.Errorf("BeforeConnect: %w", err))
		}
	}

	// A connector each, so that its dialer knows which connection it dials for.
	dialer := wire.NewDialer(c.dial)
	dialer.OnSilent = c.silent.Note
	var err error
	if dialer.TCP, err = wire.TakeTCP(cfg.Runtime); err != nil {
		return nil, connectError(ctx, err)
	}
	c.order(&cfg)
	inner, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, connectError(ctx, err)
	}
	inner.Dialer(dialer)
	conn := &conn{binary: cfg.BinaryParameters}
	dialer.OnCancel = conn.guard.cancelling
	if _, replicates := cfg.Runtime["replication"]; !c.eager && !replicates { // a server that replicates knows simple queries only
		dialer.Wrap = conn.filter
	}

	stop := context.AfterFunc(ctx, func() { dialer.Interrupt(wire.Interruption(ctx)) })
	pqConn, err := inner.Connect(ctx)
	if !stop() && err == nil {
		err = wire.Interruption(ctx)
	}
	if err == nil {
		err = conn.open(pqConn, dialer, cfg)
	}
	if err != nil {
		dialer.Discard(ctx, err)
		if err = c.harmless(err); notRead != nil {
			err = fmt.Errorf("%w (the files of the connection string are as they were read before: %w)", err, notRead)
		}
		return nil, connectError(ctx, err)
	}
	if c.notice != nil {
		pq.SetNoticeHandler(conn.inner, c.notice)
	}
	if c.notification != nil {
		pq.SetNotificationHandler(conn.inner, c.notification)
	}
	return conn, nil
}

// harmless returns err, or what may be said of it: the server repeats the name of a
// parameter that it does not know, which may be a part of the password, and the system
// that of a file which it does not find, which may be the key itself.
func (c *connector) harmless(err error) error {
	if secret.ShowsKey(err.Error()) {
		if file := new(fs.PathError); errors.As(err, &file) {
			return fmt.Errorf("%s: %w", secret.WithheldKey, file.Err)
		}
		return errors.New(secret.WithheldKey)
	}
	var said *pq.Error
	if errors.As(err, &said) && secret.Shows(c.dsn, err.Error()) {
		return &pq.Error{Severity: said.Severity, Code: said.Code, Message: secret.Withheld}
	}
	return err
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
