//go:build unix

package outage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// MaxConns is every contender's limit.
const MaxConns = 10

// A Contender is a pool on a driver, set up as its documentation says, with the
// same limit of connections as the others and otherwise its defaults.
type Contender struct {
	Pool   string // sqlpool, plain or pgxpool
	Driver string
	open   func(dsn string, password func() string) (*Client, error)
}

// A Client is a contender that is connected to something.
type Client struct {
	DB    *sql.DB
	Pool  *sqlpool.Pool // nil unless the contender is sqlpool
	close func()
}

// Close closes the client. It may take long: some pools wait for what will not
// come.
func (c *Client) Close() { c.close() }

// Contenders are all of them, sqlpool first.
func Contenders() []Contender {
	return []Contender{
		{"sqlpool", "pgx", func(dsn string, password func() string) (*Client, error) {
			c, err := AdapterPgx(dsn, password)
			return behindPool(c, err)
		}},
		{"database/sql", "pgx", func(dsn string, password func() string) (*Client, error) {
			cfg, err := pgx.ParseConfig(dsn)
			if err != nil {
				return nil, err
			}
			return plain(stdlib.GetConnector(*cfg, stdlib.OptionBeforeConnect(givePgx(password)))), nil
		}},
		{"pgxpool", "pgx", openPgxpool},
		{"sqlpool", "libpq", func(dsn string, password func() string) (*Client, error) {
			c, err := AdapterPQ(dsn, password)
			return behindPool(c, err)
		}},
		{"database/sql", "libpq", func(dsn string, password func() string) (*Client, error) {
			cfg, err := pq.NewConfig(dsn)
			return plain(&pqConnector{cfg, password}), err
		}},
	}
}

// AdapterPgx is sqlpool's adapter of pgx. password, which may be nil, is asked
// before each dial.
func AdapterPgx(dsn string, password func() string) (driver.Connector, error) {
	return pgxv5.Connector(dsn, pgxv5.BeforeConnect(givePgx(password)))
}

// AdapterPQ is sqlpool's adapter of lib/pq, as AdapterPgx.
func AdapterPQ(dsn string, password func() string) (driver.Connector, error) {
	return libpq.Connector(dsn, libpq.BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
		if password != nil {
			cfg.Password = password()
		}
		return nil
	}))
}

func givePgx(password func() string) func(context.Context, *pgx.ConnConfig) error {
	return func(_ context.Context, cfg *pgx.ConnConfig) error {
		if password != nil {
			cfg.Password = password()
		}
		return nil
	}
}

func behindPool(c driver.Connector, err error) (*Client, error) {
	if err != nil {
		return nil, err
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: c, MaxConns: MaxConns})
	if err != nil {
		return nil, fmt.Errorf("outage: %w", err)
	}
	db := sqlpool.OpenDB(pool)
	return &Client{DB: db, Pool: pool, close: func() { _ = db.Close() }}, nil
}

func plain(c driver.Connector) *Client {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(MaxConns)
	db.SetMaxIdleConns(MaxConns)
	return &Client{DB: db, close: func() { _ = db.Close() }}
}

func openPgxpool(dsn string, password func() string) (*Client, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = MaxConns
	cfg.BeforeConnect = givePgx(password)
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	return &Client{DB: db, close: func() { _ = db.Close(); pool.Close() }}, nil
}

// pqConnector is lib/pq's own connector with a password for each dial.
type pqConnector struct {
	cfg      pq.Config
	password func() string
}

// Driver implements driver.Connector.
func (c *pqConnector) Driver() driver.Driver { return &pq.Driver{} }

// Connect implements driver.Connector.
func (c *pqConnector) Connect(ctx context.Context) (driver.Conn, error) {
	cfg := c.cfg.Clone()
	if c.password != nil {
		cfg.Password = c.password()
	}
	inner, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	return inner.Connect(ctx)
}
