package conformance

import (
	"database/sql"
	"slices"
	"sync"
	"time"
)

var acquireRules = slices.Concat(queueRules, patienceRules, holderRules)

// queueRules: in which order, and how many.
var queueRules = []Rule{
	{
		ID:     "ACQ-01",
		Rule:   "callers who are all served in time are served in the order in which they came",
		Why:    "out of order the unlucky wait many times the average: that is the p99",
		Source: "this pool: first in, first out, until a caller's time runs out",
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
			p.slow()
			s := x.open(Settings{MaxConns: limit})
			for range 24 {
				x.spawn(func() {
					for range 8 {
						x.use("a statement", s.DB)
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

// holderRules: who holds the last connection.
var holderRules = []Rule{
	{
		ID:     "ACQ-08",
		Rule:   "who holds the last connection can close a statement at once, whoever waits with it",
		Why:    "package sql closes statements under the lock of the sessions that used them: a session that waits there waits for itself",
		Source: "database/sql: Stmt.Close; this pool: a session with live statements does not wait under that lock",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			_, err = stmt.ExecContext(x.ctx)
			x.must("using the statement", err)
			loan := x.acquire(s)
			waiter := x.call(x.ctx, s.DB)
			x.awaitWaiting(s, 0, 1)
			closed := make(chan error, 1)
			go func() { closed <- stmt.Close() }()
			select {
			case err := <-closed:
				x.must("closing the statement", err)
			case <-time.After(x.target.Limit / 10):
				x.errorf("Stmt.Close waits for the connection that its caller holds")
			}
			x.must("releasing the loan", loan.Release())
			x.mustServe("the waiter", waiter)
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
		x.spawn(func() {
			var conn *sql.Conn
			conn, err := s.DB.Conn(x.ctx)
			x.must("waiting", err)
			defer conn.Close()
			mu.Lock()
			defer mu.Unlock()
			served = append(served, i)
		})
		x.awaitWaiting(s, before, i+1)
	}
	_ = hold.Close()
	x.work.Wait()
	return served
}
