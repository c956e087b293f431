package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sqlpool/go/sqlpool"
)

var inventoryMutants = []mutant{
	{"INV-01", "some ends of loans are not counted", lying(func(s *sqlpool.Stats) { s.ReleaseCount -= s.ReleaseCount / 7 })},
	{"INV-02", "a statement is prepared twice", configured(func(cfg *sqlpool.Config) {
		if cfg.MaxConns == 4 {
			cfg.Connector = wrapped{cfg.Connector, func(c driver.Conn) driver.Conn { return twiceConn{c.(fullConn)} }}
		}
	})},
	{"INV-03", "the closing of statements goes unheard", stmtMutant(func(s stmt) driver.Stmt { return openStmt{s} })},
	{"INV-04", "two slots have the same connection", dialing(6, func() func(context.Context, connectCall) (driver.Conn, error) {
		var mu sync.Mutex
		var last driver.Conn
		return func(ctx context.Context, connect connectCall) (driver.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if last != nil {
				return immortalConn{last}, nil
			}
			c, err := connect(ctx)
			last = c
			return c, err
		}
	})},
	{"INV-05", "misuse is not counted", lying(func(s *sqlpool.Stats) { s.MisuseCount = 0 })},
	{"INV-06", "an idle session keeps its connection", keeping(12)},
	{"INV-07", "Close forgets a connection", dialing(7, func() func(context.Context, connectCall) (driver.Conn, error) {
		var n atomic.Int64
		return func(ctx context.Context, connect connectCall) (driver.Conn, error) {
			c, err := connect(ctx)
			if err == nil && n.Add(1) == 3 {
				return immortalConn{c}, nil
			}
			return c, err
		}
	})},
	{"INV-08", "package sql is told to try again what was sent", execMutantIf("INSERT", func(_ driver.Result, err error) (driver.Result, error) {
		if errors.Is(err, sqlpool.ErrConnLost) {
			return nil, driver.ErrBadConn
		}
		return nil, err
	})},
	{"INV-09", "whatever a driver says, it may have been sent", below(func(c driver.Conn) driver.Conn { return &chattyConn{fullConn: c.(fullConn)} })},
	{"INV-10", "every lost statement is called safe to try again", execMutantIf("INSERT", func(_ driver.Result, err error) (driver.Result, error) {
		var lost *sqlpool.ConnLostError
		if errors.As(err, &lost) {
			lost.Sent = false
		}
		return nil, err
	})},
}

// lying changes the pool's statistics.
func lying(change func(*sqlpool.Stats)) breaking {
	return asking(func(p Pool) Pool { return lyingPool{p, change} })
}

type lyingPool struct {
	Pool
	change func(*sqlpool.Stats)
}

func (p lyingPool) Stats() sqlpool.Stats {
	s := p.Pool.Stats()
	p.change(&s)
	return s
}

// dialing is dialMutant for pools of one size.
func dialing(conns int, f func() func(context.Context, connectCall) (driver.Conn, error)) breaking {
	return configured(func(cfg *sqlpool.Config) {
		if cfg.MaxConns == conns {
			inner, dial := cfg.Connector, f()
			cfg.Connector = connectFunc{inner, func(ctx context.Context) (driver.Conn, error) { return dial(ctx, inner.Connect) }}
		}
	})
}

// keeping has the sessions of pools of one size keep their loans.
func keeping(conns int) breaking {
	return connectMutantKept(func(ctx context.Context, p *sqlpool.Pool, connect connectCall) (driver.Conn, error) {
		c, err := connect(ctx)
		if err == nil && p.Config().MaxConns == conns {
			return keepingConn{&conn{c.(session)}}, nil
		}
		return c, err
	})
}

// keepingConn hides the end of a loan, and on another goroutine even which call it
// was for.
type keepingConn struct{ *conn }

func (keepingConn) IsValid() bool                      { return true }
func (keepingConn) ResetSession(context.Context) error { return nil }

func (c keepingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	aside(func() { res, err = c.conn.ExecContext(ctx, query, args) })
	return res, err
}

func (c keepingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	aside(func() { rows, err = c.conn.QueryContext(ctx, query, args) })
	return rows, err
}

func (c keepingConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	aside(func() { tx, err = c.conn.BeginTx(ctx, opts) })
	return tx, err
}

func (c keepingConn) PrepareContext(ctx context.Context, query string) (st driver.Stmt, err error) {
	aside(func() { st, err = c.conn.PrepareContext(ctx, query) })
	return st, err
}

func aside(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

// twiceConn prepares twice.
type twiceConn struct{ fullConn }

func (c twiceConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if s, err := c.fullConn.PrepareContext(ctx, text); err == nil {
		_ = s.Close()
	}
	return c.fullConn.PrepareContext(ctx, text)
}

// chattyConn sends at every turn once it has had an insert.
type chattyConn struct {
	fullConn
	insert atomic.Bool
	sent   atomic.Uint64
}

func (c *chattyConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.insert.Store(strings.HasPrefix(text, "INSERT"))
	return c.fullConn.ExecContext(ctx, text, args)
}

func (c *chattyConn) Sent() uint64 {
	if c.insert.Load() {
		return c.sent.Add(1)
	}
	return c.sent.Load()
}

// execMutantIf changes failed statements that begin with a word.
func execMutantIf(word string, change func(driver.Result, error) (driver.Result, error)) breaking {
	return above(func(c *conn) driver.Conn { return failedConn{c, word, change} })
}

type failedConn struct {
	*conn
	word   string
	change func(driver.Result, error) (driver.Result, error)
}

func (c failedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.conn.ExecContext(ctx, query, args)
	if err != nil && len(query) >= len(c.word) && query[:len(c.word)] == c.word {
		return c.change(result, err)
	}
	return result, err
}
