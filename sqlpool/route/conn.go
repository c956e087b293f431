package route

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool"
	"github.com/sqlpool/go/sqlpool/internal/pgerror"
	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// pooled is a pool's session.
type pooled interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	Raw() driver.Conn
}

// held is a pool's session with the number of statements that are open on it.
type held struct {
	pooled
	stmts int
}

// conn is what database/sql takes for a connection: a session of each pool that it has used.
//
// From its being handed out to its being handed back, a lend, it is on one server, which the first operation chooses.
// Database/sql calls its methods one at a time.
type conn struct {
	router   *Router
	from     *connector
	sessions []held // by server

	// How it was handed out. With SetMaxOpenConns a new one is opened for whichever caller is next, so the first
	// operation may say otherwise.
	replica bool
	session *session // nil for none; the router's unclaimed while it is not known

	at       *server // nil before the first operation of the lend
	counted  bool    // the lend is in at's load
	fresh    bool    // nothing has been done there in this lend
	tx       driver.Tx
	readOnly bool       // tx is
	wrote    []*session // whose writes may have gone to the primary in this lend

	pinned   bool  // while IsValid is unseen: a *sql.Conn's operation has run
	prepared *stmt // while IsValid is unseen: for an operation of a *sql.DB, which may be yet to execute it
	unfit    bool  // a session is not fit for another lend: a statement may have ended on it

	// live counts the statements whose Close may want the driverConn's lock; of these, closed have been closed since the
	// lend began (as in sqlpool's session).
	live, closed int
}

var (
	_ pooled                   = (*conn)(nil)
	_ driver.NamedValueChecker = (*conn)(nil)
)

// ResetSession is called when database/sql hands out a conn that was used before. The first operation takes a connection, so
// that a read-only transaction need not wait for the primary. But with live statements no wait may happen under the
// driverConn's lock, which the first operation holds (see sqlpool's decision 1), so it is taken here, and
// driver.ErrBadConn leaves where that would take long.
func (c *conn) ResetSession(ctx context.Context) error {
	if !c.from.resets.Load() {
		c.from.resets.Store(true)
	}
	c.handBack()
	m := markOf(ctx)
	c.replica, c.session = m.to == toReplica, m.session
	if c.live == 0 {
		return nil
	}
	err := c.pick(ctx, true, 0, nil)
	if err == driver.ErrBadConn {
		return err
	}
	if err != nil {
		c.leave() // the first operation meets it again, or goes elsewhere
	}
	return nil
}

// IsValid is called when database/sql gets a conn back.
func (c *conn) IsValid() bool {
	if !c.from.validates.Load() {
		c.from.validates.Store(true)
	}
	c.handBack()
	return !c.unfit && c.router.life.Err() == nil
}

func (c *conn) handBack() {
	c.leave()
	c.live -= c.closed
	c.closed, c.session, c.replica = 0, &c.router.unclaimed, false
}

// leave ends the use of the server that the conn is on. While no IsValid has been seen the pool's session ends its loans by
// itself. But that of a *sql.Conn, or one whose operation goes on elsewhere, only a Close ends.
func (c *conn) leave() {
	at := c.at
	if at == nil {
		return
	}
	s := &c.sessions[at.index]
	switch {
	case s.pooled == nil:
	case c.from.validates.Load():
		c.unfit = !s.IsValid() || c.unfit
	case c.pinned, c.prepared != nil, c.fresh:
		_ = s.pooled.Close() // the lend has ended: no caller could be told
		*s = held{}
	}
	if c.counted {
		at.load.Add(-1)
	}
	for _, session := range c.wrote {
		session.ended(c.router)
	}
	clear(c.wrote)
	c.at, c.tx, c.counted, c.fresh, c.pinned, c.prepared, c.wrote = nil, nil, false, false, false, nil, c.wrote[:0]
}

// Close is called when database/sql discards the conn. Where a wrapper hides IsValid it may hide the connector's Close
// too: closing the *sql.DB closes its idle conns, and with them the router.
func (c *conn) Close() error {
	if !c.from.validates.Load() {
		if caller, method := sqlstack.Caller(); caller == sqlstack.DB && method == "Close" {
			go func() { _ = c.router.Close() }() // not waited for: database/sql closes the conns one by one
		}
	}
	var errs []error
	for i, s := range c.sessions {
		if s.pooled != nil {
			errs = append(errs, s.pooled.Close())
			c.sessions[i] = held{}
		}
	}
	c.leave()
	return errors.Join(errs...)
}

// enter sees to it that the conn is on a server and has a session there. Operations of a *sql.Conn leave it where it is;
// one of a *sql.DB is the first of its lend, as far as the server matters.
func (c *conn) enter(ctx context.Context, op operation, tried uint64, last error) error {
	if c.tx != nil {
		return nil
	}
	// While IsValid is unseen, nothing but the stack tells where a lend ends.
	if unseen := !c.from.validates.Load(); unseen || op.replica != c.replica && (c.at == nil || c.fresh) {
		switch alone := alone(op.st); {
		case alone && op.st != nil && op.st == c.prepared && op.st.once && op.replica == c.replica: // the same lend
			c.prepared = nil
		case alone && (unseen && !c.fresh || op.replica != c.replica) && tried == 0:
			c.leave()
			c.replica = op.replica
		case unseen && !alone:
			// Without ResetSession nothing tells it from another *sql.Conn, which was not marked: both are on the primary.
			if !c.pinned && !c.from.resets.Load() {
				c.leave()
				c.replica = false
			}
			c.pinned = true
		}
	}
	if c.at != nil {
		return nil
	}
	return c.pick(ctx, c.live > 0 && alone(op.st), tried, last)
}

// alone reports whether an operation, of st if that is not nil, is one of a *sql.DB. One whose caller is not found, because a
// wrapper runs it on another goroutine, counts as one of a *sql.Conn.
func alone(st *stmt) bool {
	caller, _ := sqlstack.Caller()
	return caller == sqlstack.DB || caller == sqlstack.Stmt && (st == nil || st.ofDB)
}

// pick chooses a server and takes a connection there. With mayDiscard it returns driver.ErrBadConn rather than wait for
// long while there are live statements.
func (c *conn) pick(ctx context.Context, mayDiscard bool, tried uint64, last error) (err error) {
	c.at = c.router.primary()
	if c.replica {
		if c.at, err = c.router.choose(markOf(ctx), tried, last); err != nil {
			return err
		}
	}
	c.fresh = true
	if c.counted = c.from.validates.Load(); c.counted {
		c.at.load.Add(1)
	}
	c.at.lends.Add(1)
	v := c.at.verdict.Load()
	if !c.at.isPrimary() && v.until != nil {
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(v.until, cancel)()
		ctx = waiting
	}
	if err = c.open(ctx, mayDiscard && c.live > 0); err == driver.ErrBadConn {
		c.leave()
	}
	return err
}

// patience is how long a session with live statements may wait for a connection under the driverConn's lock, before it is
// discarded.
const patience = 5 * time.Millisecond

// open begins a loan in the session of the server. One without statements of its own does not know that there are some
// on the conn; its wait for a connection is that of a new session then, which can be ended.
func (c *conn) open(ctx context.Context, impatient bool) error {
	s := &c.sessions[c.at.index]
	if s.pooled != nil && (!impatient || s.stmts > 0) {
		if err := s.ResetSession(ctx); err != driver.ErrBadConn || impatient {
			return err
		}
	}
	connect := ctx
	if impatient {
		var cancel context.CancelFunc
		connect, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	in, err := c.from.pools[c.at.index].Connect(connect)
	if err != nil && impatient && connect.Err() != nil && ctx.Err() == nil {
		if !sqlstack.OnLastTry() {
			return driver.ErrBadConn
		}
		in, err = c.from.pools[c.at.index].Connect(ctx)
	}
	if err != nil {
		return err
	}
	if s.pooled != nil {
		_ = s.pooled.Close() // it has no loan; its statements are prepared again
	}
	*s = held{pooled: in.(pooled)}
	return nil
}

// recoveryConflict is the SQLSTATE of a statement that a replica has cancelled because it stood in the way of its replay.
// A replica has no other reason for it: nothing is serializable there.
const recoveryConflict = "40001"

// elsewhere reports whether an operation that failed may go to another server: it was to be a read on a replica, and
// had no connection, because the replica is down or became unfit meanwhile; or nothing of it was answered before replay
// cancelled it, and it was no part of a transaction.
func (c *conn) elsewhere(ctx context.Context, err error) bool {
	if c.at == nil || c.at.isPrimary() || c.tx != nil || ctx.Err() != nil {
		return false
	}
	if failed := (*sqlpool.AcquireError)(nil); errors.As(err, &failed) {
		return failed.Kind == sqlpool.ErrUnavailable || failed.Kind == sqlpool.ErrClosed || errors.Is(failed.Cause, context.Canceled)
	}
	lost := (*sqlpool.ConnLostError)(nil)
	return errors.As(err, &lost) && lost.SafeToRetry() || pgerror.State(err) == recoveryConflict
}
