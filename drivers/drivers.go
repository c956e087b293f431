package drivers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/sqlpool"
)

// The names registered with package sql.
const (
	PGX = "sqlpool-pgx" // the pool on pgx, see drivers/pgxv5
	PQ  = "sqlpool-pq"  // the pool on lib/pq, see drivers/libpq
)

// registered holds the drivers by name; it never changes after init.
var registered = map[string]*named{
	PGX: {name: PGX, dialect: pgxDialect, asDriver: func(d *opened) driver.Driver { return pgxDatabase{d} }, connector: func(dsn string, o *options) (driver.Connector, error) { return pgxv5.Connector(dsn, o.pgx...) }},
	PQ:  {name: PQ, dialect: pqDialect, asDriver: func(d *opened) driver.Driver { return pqDatabase{d} }, connector: func(dsn string, o *options) (driver.Connector, error) { return libpq.Connector(dsn, o.pq...) }},
}

func init() {
	sql.Register(PGX, pgxDriver{registered[PGX]})
	sql.Register(PQ, pqDriver{registered[PQ]})
}

// Tracers label a database by the type of its driver, so the two names have types
// of their own.
type (
	pgxDriver   struct{ *named }
	pqDriver    struct{ *named }
	pgxDatabase struct{ *opened }
	pqDatabase  struct{ *opened }
)

// named is a driver as package sql knows it.
type named struct {
	name      string
	dialect   dialect // how its connection strings are taken apart
	asDriver  func(*opened) driver.Driver
	connector func(dsn string, o *options) (driver.Connector, error)
}

var _ driver.DriverContext = (*named)(nil)

// OpenConnector implements driver.DriverContext: it is all that sql.Open calls.
func (d *named) OpenConnector(dsn string) (driver.Connector, error) {
	cfg, err := d.config(dsn)
	if err != nil {
		return nil, err
	}
	return newConnector(d, cfg), nil
}

// Open implements driver.Driver for code that calls it directly, as some
// wrappers of drivers do: the connection has a pool of its own, of one
// connection, which ends with it.
func (d *named) Open(dsn string) (driver.Conn, error) {
	cfg, err := d.config(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns, cfg.MinIdle = 1, 0
	pool, err := sqlpool.New(cfg.Config)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Connector().Connect(context.Background())
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &sole{session: conn.(session), pool: pool}, nil
}

// lookup finds a driver for a caller that named it.
func lookup(name string) (*named, error) {
	d, ok := registered[name]
	if !ok {
		return nil, fmt.Errorf("drivers: unknown driver %q: it must be %q or %q", name, PGX, PQ)
	}
	return d, nil
}
