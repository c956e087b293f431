package byname

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/route"
)

// connector starts its pool at the first Connect: database/sql calls
// OpenConnector in sql.Open, where no dial is expected, and a *sql.DB that is
// never used has nothing to end.
type connector struct {
	cfg    *assembled    // but for its Hooks and those of its replicas, never changed
	driver driver.Driver // of a type of its own for each name

	// mu protects what follows and the Hooks. No hook runs while it is held: an
	// OnStart hook that asked the *sql.DB for its pool would wait for itself.
	mu       sync.Mutex
	pool     *sqlpool.Pool // set as soon as it exists; the primary's
	routed   routed        // set when the start is over
	starting chan struct{} // closed when the start that is under way is over; nil when none is
	closed   bool

	connecting sync.Once // sets connects
	connects   driver.Connector
}

var _ interface {
	driver.Connector
	io.Closer
} = (*connector)(nil)

func newConnector(d *named, cfg *assembled) *connector {
	c := &connector{cfg: cfg}
	c.driver = d.asDriver(&opened{named: d, connector: c})
	return c
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	for {
		pool, starting, err := c.start()
		if err != nil {
			return nil, err
		}
		if starting == nil {
			return c.sessions(pool).Connect(ctx)
		}
		if err := c.await(ctx, starting); err != nil {
			return nil, err
		}
	}
}

// sessions returns the one connector of the pool's that the database has: it
// learns whether a wrapper hides driver.Validator.
func (c *connector) sessions(pool *sqlpool.Pool) driver.Connector {
	c.connecting.Do(func() {
		if router := c.routed.router; router != nil { // the start is over
			c.connects = router.Connector()
		} else {
			c.connects = pool.Connector()
		}
	})
	return c.connects
}

// await waits until a start is over. AcquireTimeout bounds it: the wait of an
// OnStart hook that uses the database would never end.
func (c *connector) await(ctx context.Context, starting <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.AcquireTimeout)
	defer cancel()
	select {
	case <-starting:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drivers: the pool is still starting: its OnStart hooks have not returned, and must not use the *sql.DB: %w", context.Cause(ctx))
	}
}

// Driver implements driver.Connector. It is what db.Driver returns.
func (c *connector) Driver() driver.Driver { return c.driver }

// Close implements io.Closer; db.Close calls it. A pool that is starting is
// closed by the call that starts it: Close may be called by one of its hooks.
func (c *connector) Close() error {
	c.mu.Lock()
	c.closed = true
	pool, routed, starting := c.pool, c.routed, c.starting
	c.mu.Unlock()
	if pool == nil || starting != nil {
		return nil
	}
	return closeAll(pool, routed)
}

func closeAll(pool *sqlpool.Pool, routed routed) error {
	if routed.router != nil {
		return routed.router.Close()
	}
	return pool.Close()
}

// started returns the pool and what is above it, when the start is over, or no pool.
func (c *connector) started() (*sqlpool.Pool, routed) {
	for {
		pool, starting, err := c.start()
		if err != nil {
			return nil, routed{}
		}
		if starting == nil || len(c.cfg.replicas) == 0 { // to a hook of the start there is no more than the pool either
			c.mu.Lock()
			defer c.mu.Unlock()
			return pool, c.routed
		}
		if c.await(context.Background(), starting) != nil {
			return nil, routed{}
		}
	}
}

// start returns the pool, started if it was not yet. While another call starts
// it, the channel says when that is over.
func (c *connector) start() (pool *sqlpool.Pool, starting <-chan struct{}, err error) {
	c.mu.Lock()
	switch {
	case c.pool == nil && c.closed:
		err = &sqlpool.AcquireError{Pool: c.cfg.Name, Kind: sqlpool.ErrClosed}
	case c.pool == nil:
		pool, err = c.startLocked()
		return pool, nil, err
	}
	defer c.mu.Unlock()
	return c.pool, c.starting, err
}

// startLocked starts the pool and releases mu once it exists, before the first
// hook that is not ours, and then those of the replicas.
func (c *connector) startLocked() (pool *sqlpool.Pool, err error) {
	c.starting = make(chan struct{})
	locked := true
	cfg := c.cfg.Config
	cfg.Hooks = slices.Concat([]sqlpool.Hooks{{OnStart: func(p *sqlpool.Pool) {
		c.pool, locked = p, false
		c.mu.Unlock()
	}}}, cfg.Hooks)
	var above routed
	defer func() {
		if !locked {
			c.mu.Lock()
		}
		c.pool, c.routed = pool, above // none after an error, or a panic of a hook
		close(c.starting)
		c.starting = nil
		closed := c.closed
		c.mu.Unlock()
		if closed && pool != nil {
			err = closeAll(pool, above)
		}
	}()
	primary, err := sqlpool.New(cfg)
	if err != nil {
		return nil, err
	}
	if above, err = c.cfg.above(primary); err != nil {
		return nil, err
	}
	return primary, nil
}

// add gives the pools that will start more hooks.
func (c *connector) add(f func(*Handle) []sqlpool.Hooks) error {
	servers := c.cfg.servers()
	hooks := make([][]sqlpool.Hooks, len(servers))
	for i, server := range servers {
		hooks[i] = f(server.handle())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return errors.New("the database is closed")
	case c.pool != nil: // or starts
		return errors.New("the pool has started, and the hooks of a running pool do not change; " +
			"call it between sql.Open and the first use of the database, of which PoolOf is one")
	}
	for i, server := range servers {
		server.Hooks = append(server.Hooks, hooks[i]...)
	}
	return nil
}

// opened is the driver of one database: the named one, and the way from a
// *sql.DB to its pool.
type opened struct {
	*named
	connector *connector
}

// Pool returns the database's pool, started if it was not yet, or nil when the
// database was closed before it had one. To an OnStart hook it returns the pool
// that the hook was given.
func (o *opened) Pool() *sqlpool.Pool {
	pool, _, err := o.connector.start()
	if err != nil {
		return nil
	}
	return pool
}

// Router returns the database's router, started if it was not yet, or nil without
// pool_replicas.
func (o *opened) Router() *route.Router {
	if len(o.connector.cfg.replicas) == 0 {
		return nil
	}
	_, above := o.connector.started()
	return above.router
}

// Servers returns how many servers have a pool.
func (o *opened) Servers() int { return len(o.connector.cfg.servers()) }

// AddHooksOf adds hooks to those that the database's pools will start with.
func (o *opened) AddHooksOf(f func(h *Handle) []sqlpool.Hooks) error { return o.connector.add(f) }

// Monitor returns the database's health monitor.
func (o *opened) Monitor() *health.Monitor { return o.connector.cfg.monitor }

// Settings returns the database's settings.
func (o *opened) Settings() []sqlpool.Setting { return slices.Clone(o.connector.cfg.settings) }

// Leaks returns the database's leak detector, or nil when leaks are not looked
// for.
func (o *opened) Leaks() *leak.Detector { return o.connector.cfg.leaks }

// Fleet returns the database's membership, or nil for a pool with a limit of its own.
func (o *opened) Fleet() *fleet.Fleet { return o.connector.cfg.fleet }
