package fakedb

import (
	"context"
	"database/sql/driver"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Conn is one connection. Like any driver.Conn it is for one goroutine at a time; only ID, Abort, Kill, Raw, Sent,
// TxStatus and CacheQueries may be called from any. What breaks that rule is recorded in [DB.Violations].
type Conn struct {
	db      *DB
	id      int64
	busy    atomic.Uint32 // 1 + the Point that runs, 0 between calls
	state   atomic.Uint32 // isOpen, isClosing, isClosed
	death   atomic.Pointer[Death]
	noticed atomic.Bool // an operation has returned the death: the driver now knows
	cut     chan struct{}
	cutOnce sync.Once
	aborted chan struct{} // closed by Abort only; a hanging Close heeds nothing else
	abort   sync.Once

	sent        atomic.Uint64
	status      atomic.Uint32 // 'I', 'T', 'E'
	stmts, rows atomic.Int64  // open ones
	dropped     atomic.Int64  // how often the server forgot this session's statements
	calls       [points]atomic.Int64

	mu      sync.Mutex // guards what follows, for an instant only
	vars    map[string]string
	pending []string // tokens of the open transaction
}

const (
	isOpen = iota
	isClosing
	isClosed
)

// one is returned by nearly every statement, so that an unscripted Exec allocates nothing.
var one driver.Result = driver.RowsAffected(1)

// resultOf is what the server says of a statement that it has executed.
func resultOf(text string) driver.Result {
	rest, asks := strings.CutPrefix(text, "AFFECT ")
	if !asks {
		return one
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
	return affected(n)
}

// affected is a result with an id, as MySQL's.
type affected int64

// LastInsertId implements driver.Result: a number of its own for each count.
func (n affected) LastInsertId() (int64, error) { return 1<<53 + int64(n), nil }

// RowsAffected implements driver.Result.
func (n affected) RowsAffected() (int64, error) { return int64(n), nil }

// ID is the connection's number: 1 for the DB's first, increasing.
func (c *Conn) ID() int64 { return c.id }

// Ping implements driver.Pinger.
func (c *Conn) Ping(ctx context.Context) error {
	return c.do(ctx, Ping, "", nil, func() error { return nil })
}

// Prepare implements driver.Conn.
func (c *Conn) Prepare(text string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), text)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *Conn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err // not a nil *Stmt in a non-nil interface
	}
	return s, nil
}

// ExecContext implements driver.ExecerContext.
func (c *Conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.do(ctx, Exec, text, args, func() error { return c.exec(ctx, text, args) }); err != nil {
		return nil, err
	}
	return resultOf(text), nil
}

// QueryContext implements driver.QueryerContext.
func (c *Conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return c.queryAt(ctx, Query, text, args, nil)
}

// Begin implements driver.Conn.
func (c *Conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx starts a transaction. As with pgx, its context also rules Commit and Rollback: their Delay and Hang end
// when it is done, and the transaction is then still open.
func (c *Conn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	if err := c.do(ctx, BeginTx, "BEGIN", nil, c.begin); err != nil {
		return nil, err
	}
	return &tx{c, ctx}, nil
}

// ResetSession fails when the driver knows that the connection is dead; it does no I/O, so it does not find out.
func (c *Conn) ResetSession(ctx context.Context) error {
	if n := c.rows.Load(); n > 0 && c.state.Load() == isOpen {
		c.db.violation("conn %d: ResetSession with %d open Rows", c.id, n)
	}
	return c.do(ctx, ResetSession, "", nil, func() error {
		if c.noticed.Load() {
			return driver.ErrBadConn
		}
		return nil
	})
}

// IsValid is false when the driver knows that the connection is dead.
func (c *Conn) IsValid() bool {
	err := c.do(context.Background(), IsValid, "", nil, func() error { return nil })
	return err == nil && !c.noticed.Load()
}

// CheckNamedValue takes a [Remove] away and leaves every other argument to the default rules.
func (c *Conn) CheckNamedValue(v *driver.NamedValue) error {
	return c.do(context.Background(), CheckNamedValue, "", nil, func() error {
		if _, ok := v.Value.(Remove); ok {
			return driver.ErrRemoveArgument
		}
		return driver.ErrSkip
	})
}

// Close closes the connection. It may be called again; only the first call does anything. The connection stays live
// until that call returns, and calls that are blocked return at once.
func (c *Conn) Close() error {
	c.db.closes.Add(1)
	if !c.state.CompareAndSwap(isOpen, isClosing) {
		c.db.doubleCloses.Add(1)
		return nil
	}
	defer c.leave(c.enter(Close))
	defer c.depart() // also when a script panics
	h := c.db.strike(Call{Ctx: context.Background(), Point: Close, Conn: c.id})
	c.disconnect()
	if h == nil {
		return nil
	}
	var cut chan struct{}
	if h.Hang != NoHang { // nothing hurries a server that only takes its time
		cut = c.aborted
	}
	if err := h.wait(context.Background(), cut); err != nil {
		return ErrAborted
	}
	return h.finish()
}

// depart takes the connection off the server.
func (c *Conn) depart() {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	c.state.Store(isClosed)
	delete(c.db.live, c.id)
	for p := range c.calls {
		c.db.gone[p] += c.calls[p].Load()
	}
}
