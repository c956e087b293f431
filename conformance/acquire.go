package conformance

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"time"
)

var acquireRules = []Rule{
	{
		ID:     "ACQ-01",
		Rule:   "callers are served in the order in which they came",
		Why:    "out of order the unlucky wait many times the average: that is the p99",
		Source: "this pool: first in, first out (design, Acquire)",
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			const callers = 12
			var served []int
			for range 3 { // a caller that is not scheduled for some time may lose its turn
				if served = x.serve(s, callers); slices.IsSorted(served) {
					return
				}
			}
			x.errorf("callers who came as 0 to %d were served as %v", callers-1, served)
		},
	},
	{
		ID:     "ACQ-02",
		Rule:   "there are never more connections than MaxConns, closing ones included",
		Why:    "the server's max_connections is shared: one pool over its limit refuses another service",
		Source: "this pool: Config.MaxConns",
		check: func(x *trial) {
			p := x.probe()
			const limit = 3
			p.intercept(func(_ context.Context, c Call) error {
				if c.Op == OpExec {
					time.Sleep(time.Millisecond) // so that callers meet
				}
				return nil
			})
			s := x.open(Settings{MaxConns: limit})
			for range 24 {
				x.spawn(func() {
					for range 8 {
						_, err := s.DB.ExecContext(x.ctx, x.target.Dialect.One)
						x.must("a statement", err)
					}
				})
			}
			x.work.Wait()
			if _, most := p.openNow(); most > limit {
				x.errorf("%d connections were open at once, and MaxConns is %d", most, limit)
			}
		},
	},
}

// serve has callers come one by one and returns the order in which they were
// served.
func (x *trial) serve(s *Subject, callers int) (served []int) {
	hold := x.hold(s.DB)
	before := s.Figures().Waited
	var mu sync.Mutex
	for i := range callers {
		x.queue(s, before, i, func(*sql.Conn) {
			mu.Lock()
			defer mu.Unlock()
			served = append(served, i)
		})
	}
	hold.Close()
	x.work.Wait()
	return served
}

// hold takes a connection out of the pool.
func (x *trial) hold(db *sql.DB) *sql.Conn {
	conn, err := db.Conn(x.ctx)
	x.must("acquiring a connection", err)
	x.cleanup(func() { conn.Close() })
	_, err = conn.ExecContext(x.ctx, x.target.Dialect.One) // a session that was never used may be revoked
	x.must("a statement on the connection that is held", err)
	return conn
}

// queue starts a caller and returns when it waits: the n-th behind whoever
// holds the connections.
func (x *trial) queue(s *Subject, before int64, n int, served func(*sql.Conn)) {
	about := make(chan struct{})
	x.spawn(func() {
		close(about)
		conn, err := s.DB.Conn(x.ctx)
		if err != nil {
			x.errorf("caller %d: %v", n, err)
			return
		}
		defer conn.Close()
		served(conn)
	})
	<-about
	x.awaitQueue(s, before, n+1)
}

// awaitQueue returns when so many callers wait. A pool that does not tell is
// asked by its count of waits, where that counts those that still wait.
func (x *trial) awaitQueue(s *Subject, before int64, n int) {
	x.until("the callers wait", func() bool {
		f := s.Figures()
		if f.Waiting >= 0 {
			return f.Waiting >= n
		}
		return f.Waited-before >= int64(n)
	})
}

// brief is a context that ends soon: for what must not wait.
func (x *trial) brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(x.ctx, x.target.Limit/10)
}
