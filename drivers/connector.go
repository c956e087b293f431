package drivers

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

// connector starts its pool at the first Connect: package sql calls
// OpenConnector in sql.Open, where nobody expects a dial, and a *sql.DB that is
// never used has nothing to end.
type connector struct {
	cfg    *assembled // but for cfg.Hooks, never changed
	driver *opened

	mu     sync.Mutex // protects what follows and cfg.Hooks; held while the pool starts, which does not wait for anything
	pool   *sqlpool.Pool
	closed bool
}

var _ interface {
	driver.Connector
	io.Closer
} = (*connector)(nil)

func newConnector(d *named, cfg *assembled) *connector {
	c := &connector{cfg: cfg}
	c.driver = &opened{named: d, connector: c}
	return c
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	pool, err := c.start()
	if err != nil {
		return nil, err
	}
	return pool.Connector().Connect(ctx)
}

// Driver implements driver.Connector. It is what db.Driver returns.
func (c *connector) Driver() driver.Driver { return c.driver }

// Close implements io.Closer; db.Close calls it.
func (c *connector) Close() error {
	c.mu.Lock()
	c.closed = true
	pool := c.pool
	c.mu.Unlock()
	if pool == nil {
		return nil
	}
	return pool.Close()
}

func (c *connector) start() (*sqlpool.Pool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pool == nil {
		if c.closed {
			return nil, &sqlpool.AcquireError{Pool: c.cfg.Name, Kind: sqlpool.ErrClosed}
		}
		pool, err := sqlpool.New(c.cfg.Config)
		if err != nil {
			return nil, err
		}
		c.pool = pool
	}
	return c.pool, nil
}

// add gives the pool that will start more hooks.
func (c *connector) add(hooks []sqlpool.Hooks) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return errors.New("drivers: AddHooks: the database is closed")
	case c.pool != nil:
		return errors.New("drivers: AddHooks: the pool has started, and the hooks of a running pool do not change; " +
			"call it between sql.Open and the first use of the database, of which PoolOf is one")
	}
	c.cfg.Hooks = append(c.cfg.Hooks, hooks...)
	return nil
}

// opened is the driver of one database: the named one, and the way from a
// *sql.DB to its pool.
type opened struct {
	*named
	connector *connector
}

// Pool returns the database's pool, started if it was not yet, or nil when the
// database was closed before it had one.
func (o *opened) Pool() *sqlpool.Pool {
	pool, err := o.connector.start()
	if err != nil {
		return nil
	}
	return pool
}

// AddHooks adds hooks to those that the database's pool will start with.
func (o *opened) AddHooks(hooks ...sqlpool.Hooks) error { return o.connector.add(hooks) }

// Monitor returns the database's health monitor.
func (o *opened) Monitor() *health.Monitor { return o.connector.cfg.monitor }

// Settings returns the database's settings.
func (o *opened) Settings() []sqlpool.Setting { return slices.Clone(o.connector.cfg.settings) }

// Leaks returns the database's leak detector, or nil when leaks are not looked
// for.
func (o *opened) Leaks() *leak.Detector { return o.connector.cfg.leaks }
