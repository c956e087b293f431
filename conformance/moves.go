package conformance

import (
	"context"
	"database/sql"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// What callers do, as steps of a check.

// querier is a *sql.DB, *sql.Conn or *sql.Tx.
type querier interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// use executes a statement that must succeed.
func (x *trial) use(what string, q querier) {
	_, err := q.ExecContext(x.ctx, x.target.Dialect.One)
	x.must(what, err)
}

// session is who serves a connection.
func (x *trial) session(q querier) string {
	var id string
	x.must("asking for the session", q.QueryRowContext(x.ctx, x.target.Dialect.Session).Scan(&id))
	return id
}

// hold takes a connection out of the pool.
func (x *trial) hold(db *sql.DB) *sql.Conn {
	conn, err := db.Conn(x.ctx)
	x.must("acquiring a connection", err)
	x.cleanup(func() { _ = conn.Close() })
	x.use("a statement on the connection that is held", conn) // a session that was never used may be revoked
	return conn
}

// holdReady is hold, of a connection that is open already: for pools in which a
// dial may time out.
func (x *trial) holdReady(s *Subject) *sql.Conn {
	x.until("a connection is ready", func() bool { return s.Figures().Idle > 0 })
	return x.hold(s.DB)
}

// holdAll takes that many connections out of the pool.
func (x *trial) holdAll(db *sql.DB, n int) []*sql.Conn {
	conns := make([]*sql.Conn, n)
	for i := range conns {
		conns[i] = x.hold(db)
	}
	return conns
}

// fill opens that many connections and leaves them idle.
func (x *trial) fill(s *Subject, n int) {
	for _, conn := range x.holdAll(s.DB, n) {
		x.must("giving a connection back", conn.Close())
	}
	x.settle(s)
}

// settle returns when nothing is lent any more.
func (x *trial) settle(s *Subject) {
	x.until("every connection is given back", func() bool { return s.Figures().InUse == 0 })
}

// acquire takes a loan of the pool itself.
func (x *trial) acquire(s *Subject) sqlpool.Loan {
	loan, err := s.Pool.Acquire(x.ctx)
	x.must("acquiring a loan", err)
	x.cleanup(func() { _ = loan.Release() })
	return loan
}

// caller is one that waits in the queue, or did.
type caller struct{ done chan error }

// call starts a caller that executes one statement.
func (x *trial) call(ctx context.Context, db *sql.DB) *caller {
	c := &caller{make(chan error, 1)}
	x.spawn(func() {
		_, err := db.ExecContext(ctx, x.target.Dialect.One)
		c.done <- err
	})
	return c
}

// served reports whether the caller's statement succeeds before long: what is
// expected here does not wait for anything.
func (x *trial) served(c *caller) (bool, error) {
	select {
	case err := <-c.done:
		c.done <- err
		return err == nil, err
	case <-time.After(x.target.Limit / 10):
		return false, errNotYet
	}
}

var errNotYet = Lacking("it still waits")

// mustServe fails the check unless the caller is served.
func (x *trial) mustServe(what string, c *caller) {
	if ok, err := x.served(c); !ok {
		x.errorf("%s: %v", what, err)
	}
}

// awaitWaiting returns when so many more callers wait than had waited before. A
// pool that does not tell is asked by its count of waits, where that counts
// those that still wait; of one that counts only waits that have ended nothing can be
// learned, and a moment has to do.
func (x *trial) awaitWaiting(s *Subject, before int64, n int) {
	deadline := time.Now().Add(10 * soon)
	x.until("the callers wait", func() bool {
		f := s.Figures()
		if f.Waiting >= 0 {
			return f.Waiting >= n
		}
		return f.Waited-before >= int64(n) || time.Now().After(deadline)
	})
}

// brief is a context that ends soon: for what must not wait.
func (x *trial) brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.ctx, x.target.Limit/10)
}

// soon is a deadline for what can only end by it.
const soon = 20 * time.Millisecond

// at once is far from every timeout of the checks, and as far from what a busy
// machine takes for a step.
func (x *trial) atOnce() time.Duration { return x.target.Limit / 10 }
