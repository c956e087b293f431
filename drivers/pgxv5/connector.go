package pgxv5

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/drivers/internal/reread"
	"github.com/sqlpool/go/drivers/internal/secret"
	"github.com/sqlpool/go/drivers/internal/wire"
)

type connector struct {
	dsn    string // what it was made of, for errors; empty when it was not
	source *reread.Source[*pgx.ConnConfig]
	silent wire.Silent

	dial         func(ctx context.Context, network, address string) (net.Conn, error)
	before       func(context.Context, *pgx.ConnConfig) error
	after        func(context.Context, *pgx.Conn) error
	at           *onehost.Host // nil: the hosts of the connection string
	eager        bool
	notice       pgconn.NoticeHandler
	notification pgconn.NotificationHandler
}

// Connector returns a connector for the connection string, as pgx.ParseConfig
// reads it, PG* variables included. Settings of the pool (pool_max_conns and the
// like) are refused in it: only package drivers reads them. An error says what is
// wrong with it and never shows a password. Its connections wait, when closed, up
// to 500 ms for the server's side to end.
//
// The string is read again before each connect, so that a passfile, a service file or
// a client certificate that has been replaced is used from the next connection on.
// When that fails or takes longer than a second, a file that was there is gone, or the process has
// changed its PG* variables, the last configuration that could be read stays. Of several hosts,
// one that did not answer in time is asked last for half a minute. keepalives,
// keepalives_idle, keepalives_interval, keepalives_count and (on linux)
// tcp_user_timeout are set on the client's socket, as libpq does.
func Connector(dsn string, opts ...Option) (driver.Connector, error) {
	if err := secret.Torn(dsn, true); err != nil {
		return nil, fmt.Errorf("pgxv5: %w", err)
	}
	c := newConnector(&connector{dsn: dsn}, opts)
	cfg, err := c.parse()
	if err != nil {
		return nil, fmt.Errorf("pgxv5: %w", err)
	}
	c.source = reread.New(cfg, func() (*pgx.ConnConfig, error) {
		latest, err := c.parse()
		if err == nil {
			err = weaker(cfg, latest)
		}
		return latest, err
	})
	return c, nil
}

// ConnectorConfig returns a connector for a configuration that pgx.ParseConfig
// has made, with whatever the caller has changed in it since: exec mode, tracer,
// statement cache, TLS. It copies the configuration, and panics if pgx.ParseConfig
// has not made it, as pgx does. Files that the configuration came from are not read
// again: a credential that changes is BeforeConnect's to set.
func ConnectorConfig(cfg *pgx.ConnConfig, opts ...Option) driver.Connector {
	fixed := cfg.Copy()
	return newConnector(&connector{source: reread.New(fixed, func() (*pgx.ConnConfig, error) { return fixed, nil })}, opts)
}

func newConnector(c *connector, opts []Option) *connector {
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// ReadWrite says that the connection string asks for a server that takes writes
// (target_session_attrs), so that one which stops to do so is not the right one
// any more. pgx keeps of it only the function that checks a new connection.
func (c *connector) ReadWrite() bool {
	cfg := c.source.Last()
	if cfg.ValidateConnect == nil {
		return false
	}
	check := reflect.ValueOf(cfg.ValidateConnect).Pointer()
	return check == reflect.ValueOf(pgconn.ValidateConnectTargetSessionAttrsReadWrite).Pointer() ||
		check == reflect.ValueOf(pgconn.ValidateConnectTargetSessionAttrsPrimary).Pointer()
}

// Connect implements driver.Connector. It never returns driver.ErrBadConn, for
// which database/sql would try again.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, connectError(ctx, err)
	}
	latest, notRead := c.source.Latest(ctx)
	cfg := *latest
	dialer, err := c.prepare(ctx, &cfg)
	if err != nil {
		return nil, connectError(ctx, err)
	}
	filter := c.filterOf(&cfg)
	inner, err := stdlib.GetConnector(cfg, stdlib.OptionShouldPing(never)).Connect(ctx)
	if err != nil {
		dialer.Discard(ctx, err)
		if err = c.harmless(err); notRead != nil {
			err = fmt.Errorf("%w (the files of the connection string are as they were read before: %w)", err, notRead)
		}
		return nil, connectError(ctx, err)
	}
	conn := &conn{stdConn: inner.(*stdlib.Conn), after: c.after}
	conn.pg = conn.stdConn.Conn().PgConn()
	if conn.wire, err = dialer.Establish(); err != nil {
		_ = conn.stdConn.Close() // err says what is wrong
		return nil, connectError(ctx, err)
	}
	conn.filter = filter()
	conn.asks = asksFirst(&cfg.Config, conn.pg)
	if err := conn.AfterConnect(ctx); err != nil {
		return nil, connectError(ctx, fmt.Errorf("AfterConnect: %w", err))
	}
	return conn, nil
}

// prepare has one connection's configuration changed by the options, its hosts put in
// order and its sockets opened by the dialer that it returns.
func (c *connector) prepare(ctx context.Context, cfg *pgx.ConnConfig) (*wire.Dialer, error) {
	if c.dial != nil {
		cfg.DialFunc = c.dial
	}
	if c.notice != nil {
		cfg.OnNotice = c.notice
	}
	if c.notification != nil {
		cfg.OnNotification = c.notification
	}
	if c.before != nil {
		if err := c.before(ctx, cfg); err != nil {
			return nil, fmt.Errorf("BeforeConnect: %w", err)
		}
	}
	cfg.RuntimeParams = maps.Clone(cfg.RuntimeParams)
	tcp, err := wire.TakeTCP(cfg.RuntimeParams)
	if err != nil {
		return nil, err
	}
	if cfg.DialFunc == nil {
		cfg.DialFunc = new(net.Dialer).DialContext
	}
	dialer := wire.NewDialer(wire.DialFunc(cfg.DialFunc))
	dialer.TCP = tcp
	cfg.DialFunc = dialer.DialContext
	dialer.OnSilent = c.order(cfg)
	return dialer, nil
}

// harmless returns err, or what may be said of it: the server repeats the name of a
// parameter that it does not know, which may be a part of the password.
func (c *connector) harmless(err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) && secret.Shows(c.dsn, err.Error()) {
		return &pgconn.PgError{Severity: said.Severity, SeverityUnlocalized: said.SeverityUnlocalized, Code: said.Code, Message: secret.Withheld}
	}
	return err
}

// AfterConnect calls the option's function, at the connect and again when a reset of
// the session has undone what it did. If it fails the connection is closed.
func (c *conn) AfterConnect(ctx context.Context) error {
	if c.after == nil {
		return nil
	}
	done := false
	defer func() {
		if !done { // an error or a panic
			_ = c.Close() // f has said what is wrong
		}
	}()
	if err := c.after(ctx, c.stdConn.Conn()); err != nil {
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
