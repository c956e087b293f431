package conformance

import (
	"context"
	"database/sql/driver"
	"sync"
	"time"

	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

var recycleMutants = []mutant{
	{"REC-01", "connections have no lifetime", asked(func(s *Settings) { s.MaxLifetime = 0 })},
	{"REC-02", "old connections are cut at the sweep", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			if s.MaxLifetime > 0 {
				s.Hooks = append(s.Hooks, cutter(s.MaxLifetime))
				s.Adjust = func(c *sqlpool.Config) { c.SweepInterval = time.Millisecond }
			}
			return OpenPool(s)
		}
	}},
	{"REC-03", "idle connections are kept", asked(func(s *Settings) { s.MaxIdleTime = 0 })},
	{"REC-04", "idle connections are closed below MinIdle", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			if idle := s.MaxIdleTime; idle > 0 {
				s.Hooks = append(s.Hooks, sqlpool.Hooks{WhileIdle: func(_ context.Context, c sqlpool.IdleConn) error {
					if c.IdleTime() > idle {
						return errHook
					}
					return nil
				}})
				s.Adjust = func(c *sqlpool.Config) { c.SweepInterval = time.Millisecond }
			}
			return OpenPool(s)
		}
	}},
	{"REC-05", "loans are counted for statements", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			for i, h := range s.Hooks {
				if h.AfterRelease != nil && h.OnClose == nil && s.MaxConns == 2 {
					s.Hooks[i] = recycle.MaxUses(5)
				}
			}
			return OpenPool(s)
		}
	}},
	{"REC-06", "Recycle does nothing", asking(func(p Pool) Pool { return lazyPool{p} })},
	{"REC-07", "Recycle cuts what is in use", func(db *fakedb.DB, t *Target) {
		asking(func(p Pool) Pool { return rudePool{p, db} })(db, t)
	}},
	{"REC-08", "a statement is prepared at each use of a new connection", configured(func(cfg *sqlpool.Config) {
		if cfg.MaxConns == 1 { // with more, a statement of INV-02 may come to a connection that is not the first
			cfg.Connector = wrapped{cfg.Connector, func(c driver.Conn) driver.Conn { return &secondConn{fullConn: c.(fullConn)} }}
		}
	})},
	{"REC-09", "a lifetime without jitter", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			for i, h := range s.Hooks {
				if h.AfterConnect != nil && h.AfterRelease != nil && h.WhileIdle != nil {
					s.Hooks[i] = recycle.MaxLifetime(60*soon, 0)
				}
			}
			return OpenPool(s)
		}
	}},
}

// asked changes what a rule asks for.
func asked(change func(*Settings)) breaking {
	return func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			change(&s)
			return OpenPool(s)
		}
	}
}

// cutter kills connections in use that are older than a limit.
func cutter(limit time.Duration) sqlpool.Hooks {
	var mu sync.Mutex
	held := map[uint64]*sqlpool.Conn{}
	return sqlpool.Hooks{
		BeforeAcquire: func(_ context.Context, c *sqlpool.Conn) error { mu.Lock(); held[c.ID()] = c; mu.Unlock(); return nil },
		OnRelease:     func(e sqlpool.Released) { mu.Lock(); delete(held, e.Conn.ID()); mu.Unlock() },
		OnSweep: func(*sqlpool.Pool) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range held {
				if c.Age() > limit {
					c.Raw().(*fakedb.Conn).Kill(fakedb.Death{})
				}
			}
		},
	}
}

type lazyPool struct{ Pool }

func (lazyPool) Recycle(context.Context, time.Duration) error { return nil }

type rudePool struct {
	Pool
	db *fakedb.DB
}

func (p rudePool) Recycle(ctx context.Context, over time.Duration) error {
	if over > 0 {
		p.db.KillAllWith(fakedb.Death{Sent: true, Err: errHook})
	}
	return p.Pool.Recycle(ctx, over)
}

// secondConn does not know a statement any more when its connection is not the
// driver's first.
type secondConn struct{ fullConn }

func (c *secondConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(ctx, text)
	if p, ok := c.fullConn.(*probedConn); ok && err == nil && p.id > 1 && text == "SELECT 1" {
		_ = s.Close()
		return c.fullConn.PrepareContext(ctx, text)
	}
	return s, err
}
