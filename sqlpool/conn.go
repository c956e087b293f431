package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/stmts"
)

// Conn is a physical connection as hooks see it. A hook may use the Conn it is
// given only until it returns; the methods marked so may be called from any
// goroutine at any time, the others only by the hook that was given the Conn.
type Conn struct {
	pool     *Pool
	id       uint64
	inner    driver.Conn
	can      abilities
	openedAt int64 // Pool.now at the end of the dial
	took     time.Duration
	backend  Backend

	// Guarded by pool.mu.
	state      connState
	place      int      // index in pool.conns
	loan       uint64   // the number of the present or last loan, from 1: a Loan holds it
	taken      bool     // one release of that loan is under way: a second one comes too late
	acquiredAt int64    // when the present loan began
	waited     int64    // how long its borrower was in the queue
	idleSince  int64    // when the last loan ended
	parkedBy   *session // the session that was granted it and has not used it yet
	outdated   bool     // to be closed when its loan ends, see Pool.Recycle
	waiter     *waiter  // what its borrower waited with, to be reused when the loan ends

	// proven is the pool's generation at the dial or at the last proof of
	// life. Written by whoever holds the connection.
	proven uint64

	// Owned by whoever holds the connection: borrower, settler or sweeper. The
	// hand-over happens under pool.mu.
	fresh    bool                                 // never lent yet
	refused  bool                                 // by a hook, when it was new: it counts as a failed dial
	broken   error                                // why it must not be lent again
	unheard  bool                                 // the server did not answer in time, a caller's or a ping's
	silent   bool                                 // it was a ping's, before a loan
	answered bool                                 // the server's last word of this loan was an answer, as far as the pool can see
	handed   bool                                 // the driver's own connection is in the borrower's hands
	sentAt   uint64                               // what it had sent then
	askAlive bool                                 // a WhileIdle hook wants it pinged
	unborn   *dialFailure                         // it died at the first statement of its life
	ticket   uint64                               // of the pacer, when its dial began
	trial    bool                                 // it was lent unverified while a login proved nothing; Pool.mu protects it
	pinned   int                                  // open statements that cannot outlive the loan
	deferred []func(context.Context, *Conn) error // work asked for by Defer
	stmts    stmts.Cache[*Conn]
	values   []struct{ key, value any } // slots of hooks

	executed statements // by the borrower

	mu       sync.Mutex // protects what diagnostics read while the borrower works
	text     string     // last statement
	failed   error      // of the last statement that failed
	failOf   uint64     // the loan's number at that time
	origin   fmt.Stringer
	from     uint64     // the loan's number when origin was set
	unseen   uint64     // the number of a loan whose end a wrapper hides, if it hides IsValid,
	unseenBy *connector // from the sessions of this one

	// told is the loan whose end the OnRelease hooks have seen. A borrower that
	// releases and a Shutdown that cuts it off may both come to tell them.
	told atomic.Uint64

	inTx atomic.Bool
}

type connState int8

const (
	stateOpening  connState = iota // not handed to the pool yet
	stateInUse                     // on loan, or granted
	stateIdle                      // in the idle stack
	stateChecking                  // idle, but out of the stack while hooks look at it or work on it
	stateClosing                   // retired; the slot is held until the server side is gone
	stateForced                    // cut off, its slot freed; whoever uses it has not let go yet
	stateGone
)

func newConn(p *Pool, inner driver.Conn) *Conn {
	return &Conn{
		pool:    p,
		backend: backendOf(inner),
		id:      p.lastID.Add(1),
		inner:   inner,
		can:     abilitiesOf(inner),
		fresh:   true,
	}
}

// ID numbers the pool's connections from 1 in the order of their dials. Any
// goroutine.
func (c *Conn) ID() uint64 { return c.id }

// Pool returns the name of the pool. Any goroutine.
func (c *Conn) Pool() string { return c.pool.cfg.Name }

// Age is how long the connection has been open. Any goroutine.
func (c *Conn) Age() time.Duration { return time.Duration(c.pool.now() - c.openedAt) }

// IdleTime is how long ago its last loan ended, or its age when it was never
// lent.
func (c *Conn) IdleTime() time.Duration { return time.Duration(c.pool.now() - c.idleSince) }

// Took is how long its dial took. Any goroutine.
func (c *Conn) Took() time.Duration { return c.took }

// Loans is how many loans it has had, the present one included.
func (c *Conn) Loans() uint64 { return c.loan }

// Generation is the pool's generation when it was last known to be alive.
func (c *Conn) Generation() uint64 { return c.proven }

// Lending reports the present loan: its number, and how long it has been out.
// ok is false when nobody has borrowed the connection. Any goroutine.
func (c *Conn) Lending() (loan uint64, held time.Duration, ok bool) {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.lentLocked() {
		return 0, 0, false
	}
	return c.loan, time.Duration(p.now() - c.acquiredAt), true
}

// Value returns what SetValue stored under key, or nil. Keys are compared like
// map keys; a hook uses a key of its own type.
func (c *Conn) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == key {
			return c.values[i].value
		}
	}
	return nil
}

// SetValue stores a value for a hook until the connection closes.
func (c *Conn) SetValue(key, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == key {
			c.values[i].value = value
			return
		}
	}
	c.values = append(c.values, struct{ key, value any }{key, value})
}

// Defer has f run in the background after the present loan and before the
// next one, under RollbackTimeout. An error retires the connection. Only
// AfterRelease hooks may call it.
func (c *Conn) Defer(f func(context.Context, *Conn) error) {
	c.deferred = append(c.deferred, f)
}

// Raw returns the driver's own connection.
func (c *Conn) Raw() driver.Conn { return driverx.Unwrap(c.inner) }

// Ping asks the server for a sign of life; without a driver.Pinger it
// succeeds.
func (c *Conn) Ping(ctx context.Context) error {
	if p, ok := c.inner.(driver.Pinger); ok {
		return hideBadConn(p.Ping(ctx))
	}
	return nil
}

// Exec executes a statement without arguments on the connection, as a hook
// does for SET or ROLLBACK. It does not count as a use.
func (c *Conn) Exec(ctx context.Context, query string) error {
	_, err := driverx.Exec(ctx, c.inner, query, nil)
	if errors.Is(err, driver.ErrSkip) {
		var stmt driver.Stmt
		if stmt, err = driverx.Prepare(ctx, c.inner, query); err == nil {
			_, err = driverx.StmtExec(ctx, stmt, nil)
			_ = stmt.Close() // err says what matters
		}
	}
	return hideBadConn(err)
}

// Query executes a statement without arguments on the connection and returns its
// rows, with text as string. It is Exec for a hook that needs the answer.
func (c *Conn) Query(ctx context.Context, query string) ([][]driver.Value, error) {
	rows, err := driverx.Query(ctx, c.inner, query, nil)
	if errors.Is(err, driver.ErrSkip) {
		var stmt driver.Stmt
		if stmt, err = driverx.Prepare(ctx, c.inner, query); err == nil {
			defer func() { _ = stmt.Close() }() // err says what matters
			rows, err = driverx.StmtQuery(ctx, stmt, nil)
		}
	}
	if err != nil {
		return nil, hideBadConn(err)
	}
	defer func() { _ = rows.Close() }() // Next has told what is wrong
	var all [][]driver.Value
	for {
		row := make([]driver.Value, len(rows.Columns()))
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, hideBadConn(err)
		}
		for i, v := range row {
			if text, ok := v.([]byte); ok { // the driver's, until the next row
				row[i] = string(text)
			}
		}
		all = append(all, row)
	}
}

// KeepAlive has the pool ping the connection after the WhileIdle hooks have
// returned and before it is lent again, side by side with the pings of other
// connections and for PingTimeout at most. One that does not answer is retired,
// and the other idle ones are pinged too. Only WhileIdle hooks may call it.
func (c *Conn) KeepAlive() { c.askAlive = true }

// String names the connection in logs.
func (c *Conn) String() string { return fmt.Sprintf("connection %d of pool %q", c.id, c.pool.cfg.Name) }

// abort cuts the connection if its driver can.
func (c *Conn) abort() {
	var err error
	defer catch("Abort", &err)
	if c.can.abort != nil {
		_ = c.can.abort()
	}
}
