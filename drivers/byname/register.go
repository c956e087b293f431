package byname

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/sqlpool/go/drivers/internal/onehost"
	"github.com/sqlpool/go/sqlpool"
)

// The names registered with database/sql, each by the package of its driver.
const (
	PGX = "sqlpool-pgx" // the pool on pgx, see drivers/pgxv5
	PQ  = "sqlpool-pq"  // the pool on lib/pq, see drivers/libpq
)

// registered holds the drivers that the program links, by name; it never changes after
// init.
var registered = map[string]*named{}

// Register registers a driver with database/sql, under PGX or PQ. Packages pgxv5 and
// libpq call it when they are imported; a program does not. connect makes a connector
// of the connection string without the pool's settings. eager is its option that
// has BEGIN sent when the transaction begins, and at one that has the connector lead to a
// server that the string need not name, whose port is the string's if it is 0.
func Register[O any](driverName string, connect func(dsn string, opts ...O) (driver.Connector, error), eager O, at func(host string, port uint16) O) {
	d := &named{name: driverName, connector: func(dsn string, other *onehost.Host, o *options) (driver.Connector, error) {
		opts := optionsFor[O](o, driverName)
		if o.eager {
			opts = append(opts, eager)
		}
		if other != nil {
			opts = append(opts, at(other.Name, other.Port))
		}
		return connect(dsn, opts...)
	}}
	switch driverName {
	case PGX:
		d.dialect, d.asDriver = pgxDialect, func(o *opened) driver.Driver { return pgxDatabase{o} }
		sql.Register(driverName, pgxDriver{d})
	case PQ:
		d.dialect, d.asDriver = pqDialect, func(o *opened) driver.Driver { return pqDatabase{o} }
		sql.Register(driverName, pqDriver{d})
	default:
		panic(fmt.Sprintf("drivers: Register(%q): the name must be %q or %q", driverName, PGX, PQ))
	}
	registered[driverName] = d
}

// Tracers label a database by the type of its driver, so the two names have types
// of their own.
type (
	pgxDriver   struct{ *named }
	pqDriver    struct{ *named }
	pgxDatabase struct{ *opened }
	pqDatabase  struct{ *opened }
)

// named is a driver as database/sql knows it.
type named struct {
	name      string
	dialect   dialect // how its connection strings are taken apart
	asDriver  func(*opened) driver.Driver
	connector func(dsn string, other *onehost.Host, o *options) (driver.Connector, error)
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
// connection, which ends with it. It is refused with replicas: a router for each connection
// would ask the servers for all of them.
func (d *named) Open(dsn string) (driver.Conn, error) {
	cfg, err := d.config(dsn)
	if err != nil {
		return nil, err
	}
	if err := cfg.refuseReplicas(); err != nil {
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
	if d, ok := registered[name]; ok {
		return d, nil
	}
	folder, ok := map[string]string{PGX: "pgxv5", PQ: "libpq"}[name]
	if !ok {
		return nil, fmt.Errorf("drivers: unknown driver %q: it must be %q or %q", name, PGX, PQ)
	}
	return nil, fmt.Errorf("drivers: the program does not link the driver %q: add import _ \"github.com/sqlpool/go/drivers/%s\"", name, folder)
}
