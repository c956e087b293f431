//go:build unix

package outage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// MaxConns is every contender's limit, but for a shortage that has its own.
const MaxConns = 10

// A Contender is a pool on a driver, set up as its documentation says, with the
// same limit of connections as the others and otherwise its defaults.
type Contender struct {
	Pool   string // sqlpool, plain or pgxpool
	Driver string

	// open opens it with that limit of connections. It calls login before each
	// dial, for the password; "" leaves that of the connection string.
	open func(dsn string, conns int, login func() string) (*Client, error)
}

// A Client is a contender that is connected to something.
type Client struct {
	DB    *sql.DB
	dials *atomic.Int64 // begun, whatever became of them
	close func()
}

// connect opens the contender on a scene.
func (c Contender) connect(s *Scene, conns int) (*Client, error) {
	return c.connectTo(s.DSN(), s.LogIn, conns)
}

func (c Contender) connectTo(dsn string, login func() string, conns int) (*Client, error) {
	dials := new(atomic.Int64)
	client, err := c.open(dsn, conns, func() string {
		dials.Add(1)
		return login()
	})
	if err != nil {
		return nil, err
	}
	client.dials = dials
	return client, nil
}

// Dials is how many dials the client has begun, whatever became of them. One that
// tries several hosts is one.
func (c *Client) Dials() int { return int(c.dials.Load()) }

// Close closes the client. It may take long: some pools wait for what will not
// come.
func (c *Client) Close() { c.close() }

// Contenders are all of them, sqlpool first.
func Contenders() []Contender {
	return []Contender{
		{"sqlpool", "pgx", func(dsn string, conns int, login func() string) (*Client, error) {
			c, err := AdapterPgx(dsn, login)
			return behindPool(c, conns, err)
		}},
		{"database/sql", "pgx", func(dsn string, conns int, login func() string) (*Client, error) {
			cfg, err := pgx.ParseConfig(dsn)
			if err != nil {
				return nil, err
			}
			return plain(stdlib.GetConnector(*cfg, stdlib.OptionBeforeConnect(givePgx(login))), conns), nil
		}},
		{"pgxpool", "pgx", openPgxpool},
		{"sqlpool", "libpq", func(dsn string, conns int, login func() string) (*Client, error) {
			c, err := AdapterPQ(dsn, login)
			return behindPool(c, conns, err)
		}},
		{"database/sql", "libpq", func(dsn string, conns int, login func() string) (*Client, error) {
			cfg, err := pq.NewConfig(dsn)
			return plain(&pqConnector{cfg, login}, conns), err
		}},
	}
}

// AdapterPgx is sqlpool's adapter of pgx. login is called before each dial, for
// the password; "" leaves that of the connection string.
func AdapterPgx(dsn string, login func() string) (driver.Connector, error) {
	return pgxv5.Connector(dsn, pgxv5.BeforeConnect(givePgx(login)))
}

// AdapterPQ is sqlpool's adapter of lib/pq, as AdapterPgx.
func AdapterPQ(dsn string, login func() string) (driver.Connector, error) {
	return libpq.Connector(dsn, libpq.BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
		if password := login(); password != "" {
			cfg.Password = password
		}
		return nil
	}))
}

func givePgx(login func() string) func(context.Context, *pgx.ConnConfig) error {
	return func(_ context.Context, cfg *pgx.ConnConfig) error {
		if password := login(); password != "" {
			cfg.Password = password
		}
		return nil
	}
}

func behindPool(c driver.Connector, conns int, err error) (*Client, error) {
	if err != nil {
		return nil, err
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: c, MaxConns: conns})
	if err != nil {
		return nil, fmt.Errorf("outage: %w", err)
	}
	db := sqlpool.OpenDB(pool)
	return &Client{DB: db, close: func() { _ = db.Close() }}, nil
}

func plain(c driver.Connector, conns int) *Client {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return &Client{DB: db, close: func() { _ = db.Close() }}
}

func openPgxpool(dsn string, conns int, login func() string) (*Client, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(conns)
	cfg.BeforeConnect = givePgx(login)
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	return &Client{DB: db, close: func() { _ = db.Close(); pool.Close() }}, nil
}

// pqConnector is lib/pq's own connector with a password for each dial.
type pqConnector struct {
	cfg   pq.Config
	login func() string
}

// Driver implements driver.Connector.
func (c *pqConnector) Driver() driver.Driver { return &pq.Driver{} }

// Connect implements driver.Connector.
func (c *pqConnector) Connect(ctx context.Context) (driver.Conn, error) {
	cfg := c.cfg.Clone()
	if password := c.login(); password != "" {
		cfg.Password = password
	}
	inner, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	return inner.Connect(ctx)
}
