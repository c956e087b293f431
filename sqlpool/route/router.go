package route

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// Router sends work to a primary and its replicas. All methods may be called from any goroutine.
type Router struct {
	cfg     Config
	servers []*server // the primary, then the replicas

	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup // the watchers

	turn atomic.Uint64 // which replicas are compared next

	// unclaimed is in the place of a session that is not known: what is written under it counts for every session.
	unclaimed session

	// asked counts the questions to the primary for its position. A position answers for all that had ended when
	// its question's number was drawn.
	asked atomic.Uint64

	// mu protects the positions and each server's verdict. Nothing slow happens while it is held.
	mu        sync.Mutex
	positions positions
	origin    answer        // the last of the positions
	earlier   time.Time     // since when an earlier primary has answered in the primary's place; zero when none has
	changed   chan struct{} // closed and replaced at each answer
}

// server is one pool with what is known of its server.
type server struct {
	index int
	pool  *sqlpool.Pool
	soon  chan struct{} // asks for a question before its time

	load  atomic.Int64  // lends that are out, of those whose end is seen
	lends atomic.Uint64 // lends begun

	verdict atomic.Pointer[verdict]
	seen    atomic.Pointer[answer] // its last; on the primary, its last as a primary
	reached atomic.Uint64          // of a replica: the latest question to the primary whose answer it has replayed
	lacks   position               // of a replica, under mu: the oldest known that it has not replayed; zero for none
}

// New checks cfg and returns a router that asks its servers in the background. Until a replica has answered, reads go to the
// primary, or fail by Config.WithoutReplica. The error is that of Config.Validate.
func New(cfg Config) (*Router, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.MaxLag == 0 {
		cfg.MaxLag = DefaultMaxLag
	}
	r := &Router{cfg: cfg, changed: make(chan struct{}), unclaimed: session{wrote: map[*Router]writes{}}}
	r.life, r.end = context.WithCancel(context.Background())
	for i, pool := range append([]*sqlpool.Pool{cfg.Primary}, cfg.Replicas...) {
		s := &server{index: i, pool: pool, soon: make(chan struct{}, 1)}
		s.verdict.Store(unfitBecause("it has not been asked yet"))
		s.seen.Store(&answer{})
		r.servers = append(r.servers, s)
	}
	for _, s := range r.servers {
		r.work.Go(func() { r.watch(s) })
	}
	return r, nil
}

func (r *Router) primary() *server { return r.servers[0] }

func (r *Router) replicas() []*server { return r.servers[1:] }

// Warm waits until every server has answered once, replicas that are not fit included, or until ctx ends. Replicas that
// are down stay away: give ctx a deadline.
func (r *Router) Warm(ctx context.Context) error {
	return r.await(ctx, func() bool {
		for _, s := range r.servers {
			if s.seen.Load().lsn == 0 {
				return false
			}
		}
		return true
	})
}

// await waits for an answer after which done is true. done is called under mu.
func (r *Router) await(ctx context.Context, done func() bool) error {
	for {
		r.mu.Lock()
		ok, changed := done(), r.changed
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.life.Done():
			return errClosed
		}
	}
}

var errClosed = errors.New("route: the router is closed")

// sessionsKept is how many idle connections a *sql.DB from OpenDB keeps at least: they are sessions, as in
// sqlpool.OpenDB.
const sessionsKept = 128

// OpenDB returns a *sql.DB on the router. Closing it closes the router and its pools. As with sqlpool.OpenDB, the limits
// of the *sql.DB count sessions, and SetMaxOpenConns is better left alone.
func OpenDB(r *Router) *sql.DB {
	c := newConnector(r)
	c.validates.Store(true) // there is no wrapper
	db := sql.OpenDB(c)
	conns := 0
	for _, s := range r.servers {
		conns += s.pool.Config().MaxConns
	}
	db.SetMaxIdleConns(max(sessionsKept, 2*conns))
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db
}

// Connector returns the driver.Connector behind OpenDB, for sql.OpenDB and for wrappers that instrument one. Each *sql.DB has
// one of its own. Wrappers should pass on driver.SessionResetter and driver.Validator (see sqlpool.Pool.Connector). Closing it is
// Close. Its Driver is that of the primary's pool.
func (r *Router) Connector() interface {
	driver.Connector
	io.Closer
} {
	return newConnector(r)
}

type connector struct {
	*Router
	pools []driver.Connector // of the servers: they too learn what a wrapper hides

	// What its connections have seen, so that no wrapper hides it: IsValid, and ResetSession.
	validates, resets atomic.Bool
}

func newConnector(r *Router) *connector {
	c := &connector{Router: r}
	for _, s := range r.servers {
		c.pools = append(c.pools, s.pool.Connector())
	}
	return c
}

// Connect implements driver.Connector. It takes no connection of a pool: the first operation says which it needs.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.life.Err() != nil {
		return nil, errClosed
	}
	m := markOf(ctx)
	session := m.session
	if caller, _ := sqlstack.Caller(); session == nil && caller == sqlstack.Unknown { // database/sql's opener, for any caller
		session = &c.unclaimed
	}
	return &conn{router: c.Router, from: c, sessions: make([]held, len(c.servers)), replica: m.to == toReplica, session: session}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.pools[0].Driver() }

// Close ends the watchers and closes all pools, side by side, as sqlpool.Pool.Close does.
func (r *Router) Close() error {
	r.end()
	errs := make([]error, len(r.servers))
	var closing sync.WaitGroup
	for i, s := range r.servers {
		closing.Go(func() { errs[i] = s.pool.Close() })
	}
	closing.Wait()
	r.work.Wait()
	return errors.Join(errs...)
}
