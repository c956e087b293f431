package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// detects says that hooks are a leak detector's.
func detects(h *sqlpool.Hooks) bool { return h.OnOpen != nil && h.OnRelease != nil && h.OnSweep != nil }

// monitors says that hooks are a health monitor's.
func monitors(h *sqlpool.Hooks) bool { return h.OnStart != nil && h.OnSweep != nil && h.OnState != nil }

var leakMutants = []mutant{
	{"LEAK-01", "the stack is taken in another goroutine", hooked(elsewhere)},
	{"LEAK-02", "the end of a loan is not told to the detector", hooked(func(h *sqlpool.Hooks) {
		if detects(h) {
			h.OnRelease = func(sqlpool.Released) {}
		}
	})},
	{"LEAK-03", "the detector has a short limit of its own", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			if len(s.Hooks) > 0 && detects(&s.Hooks[0]) && s.MaxConns == 3 {
				count := s.Hooks[len(s.Hooks)-1].OnSweep
				var n atomic.Int64
				s.Hooks[len(s.Hooks)-1].OnSweep = func(p *sqlpool.Pool) {
					if n.Add(1) == 1 {
						_, _ = p.Acquire(context.Background()) // a loan that never ends
					}
					count(p)
				}
			}
			return OpenPool(s)
		}
	}},
	{"LEAK-04", "the detector never looks", hooked(func(h *sqlpool.Hooks) {
		if detects(h) {
			h.OnSweep = nil
		}
	})},
	{"LEAK-05", "the monitor never looks", hooked(func(h *sqlpool.Hooks) {
		if monitors(h) {
			h.OnSweep = nil
		}
	})},
	{"LEAK-06", "a leak is reported and not reclaimed", hooked(func(h *sqlpool.Hooks) {
		if detects(h) {
			h.OnSweep = nil
		}
	})},
	{"LEAK-07", "the stack is taken in another goroutine", hooked(elsewhere)},
	{"LEAK-08", "the stack is taken in another goroutine", hooked(elsewhere)},
}

// orderlyConn gives its slot back when it is closed.
type orderlyConn struct {
	*conn
	slots chan struct{}
}

func (c orderlyConn) Close() error {
	defer func() { <-c.slots }()
	return c.conn.Close()
}

// elsewhere tells of a loan from where nobody knows its borrower.
func elsewhere(h *sqlpool.Hooks) {
	if tell := h.OnAcquire; tell != nil && detects(h) {
		h.OnAcquire = func(e sqlpool.Acquired) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				tell(e)
			}()
			<-done
		}
	}
}

var overloadMutants = []mutant{
	{"OVL-01", "the queue has no end", configured(func(cfg *sqlpool.Config) {
		if cfg.MaxWaiters > 1 {
			cfg.MaxWaiters = 0
		}
	})},
	{"OVL-02", "refusing one caller drops another", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err == nil && p.Stats().SaturatedCount >= 5 {
			c.Close()
			return nil, errors.New("mutant: dropped")
		}
		return c, err
	})},
	{"OVL-04", "callers who have gone are served all the same", connectMutant(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if errors.Is(err, context.Canceled) && p.Config().MaxConns == 2 && p.Stats().InUse == 2 {
			go func() {
				if c, err := connect(context.Background()); err == nil {
					_ = c.(driver.Pinger).Ping(context.Background())
					time.Sleep(10 * time.Millisecond)
					c.Close()
				}
			}()
		}
		return c, err
	})},
	{"OVL-06", "strictly first in, first out", connecting(func(p *sqlpool.Pool) driver.Connector {
		inner, slots := p.Connector(), make(chan struct{}, p.Config().MaxConns)
		return connectFunc{inner, func(ctx context.Context) (driver.Conn, error) {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Second || p.Config().MaxConns != 2 {
				return inner.Connect(ctx)
			}
			select {
			case slots <- struct{}{}: // in the order in which they came
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			c, err := inner.Connect(ctx)
			if err != nil {
				<-slots
				return nil, err
			}
			return orderlyConn{&conn{session: c.(session)}, slots}, nil
		}}
	}, false)},
	{"OVL-05", "one caller always comes last", connectMutant(func(ctx context.Context, _ *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		if ctx.Value(callerKey{}) == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		return connect(ctx)
	})},
}

var adminMutants = []mutant{
	{"ADM-01", "Shutdown does not wait", asking(func(p Pool) Pool { return hastyPool{p} })},
	{"ADM-02", "Shutdown names nobody", asking(func(p Pool) Pool { return silentPool{p} })},
	{"ADM-03", "Shutdown leaves those who wait for later", asking(func(p Pool) Pool { return latePool{p} })},
	{"ADM-04", "Acquire after Close has an error of its own", asking(func(p Pool) Pool { return vaguePool{p} })},
	{"ADM-05", "the *sql.DB does not close the pool", func(_ *fakedb.DB, t *Target) {
		t.Open = func(s Settings) (*Subject, error) {
			subject, err := OpenPool(s)
			if err != nil {
				return nil, err
			}
			db := sqlOpen(subject.Pool.Connector())
			both := poolSubject(subject.Pool, db)
			both.Close = func() error { return errors.Join(db.Close(), subject.Close()) }
			return both, nil
		}
	}},
	{"ADM-06", "Warm returns at once", asking(func(p Pool) Pool { return coldPool{p} })},
	{"ADM-07", "an idle session keeps its connection", keeping(5)},
	{"ADM-08", "a busy session tells package sql to try another", connectMutantKept(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err == nil && p.Config().MaxConns == 8 {
			return &busyConn{conn: &conn{c.(session)}}, nil
		}
		return c, err
	})},
}

type hastyPool struct{ Pool }

func (p hastyPool) Shutdown(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Pool.Shutdown(ctx)
	return nil
}

type silentPool struct{ Pool }

func (p silentPool) Shutdown(ctx context.Context) error {
	_ = p.Pool.Shutdown(ctx)
	return nil
}

type latePool struct{ Pool }

func (p latePool) Shutdown(ctx context.Context) error {
	for p.Stats().Waiting > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return p.Pool.Shutdown(ctx)
}

type vaguePool struct{ Pool }

func (p vaguePool) Acquire(ctx context.Context) (sqlpool.Loan, error) {
	loan, err := p.Pool.Acquire(ctx)
	if errors.Is(err, sqlpool.ErrClosed) {
		err = errors.New(err.Error())
	}
	return loan, err
}

type coldPool struct{ Pool }

func (coldPool) Warm(context.Context) error { return nil }

// busyConn sends package sql away, three times in a row.
type busyConn struct {
	*conn
}

func (c *busyConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return busyStmt{s.(stmt)}, nil
}

type busyStmt struct{ stmt }

var busy atomic.Int64

func (s busyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if busy.Add(1)%40 < 12 {
		return nil, fmt.Errorf("mutant: busy: %w", driver.ErrBadConn)
	}
	return s.stmt.ExecContext(ctx, args)
}
