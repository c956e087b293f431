package conformance

import (
	"database/sql"
	"database/sql/driver"
	"slices"
	"sync"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var acquireRules = slices.Concat(queueRules, patienceRules, holderRules, closingRules)

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

// closingRules: what is being closed is open.
var closingRules = []Rule{
	{
		ID:     "ACQ-09",
		Rule:   "the slot of a connection is free when its Close has ended, and not before",
		Why:    "while a server ends old sessions slowly it would have twice as many as agreed, or refuse the new ones",
		Source: "this pool: Config.MaxConns; database/sql: DB.SetMaxOpenConns",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			for _, end := range x.endings() {
				x.closesSlowly(end.what, end.of)
			}
		},
	},
}

// ending is a way in which a connection that is held comes to its end.
type ending struct {
	what string
	of   func(s *Subject, p *Probe, conn *sql.Conn)
}

func (x *trial) endings() []ending {
	all := []ending{
		{"Raw said driver.ErrBadConn", func(_ *Subject, _ *Probe, conn *sql.Conn) {
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
			_ = conn.Close()
		}},
		{"a statement broke it", func(_ *Subject, p *Probe, conn *sql.Conn) {
			p.loseReply(OpExec, driver.ErrBadConn)
			_, _ = conn.ExecContext(x.ctx, x.target.Dialect.One)
			_ = conn.Close()
		}},
		{"a Commit broke it", func(_ *Subject, p *Probe, conn *sql.Conn) {
			tx, err := conn.BeginTx(x.ctx, nil)
			x.must("Begin", err)
			p.loseReply(OpCommit, driver.ErrBadConn)
			_ = tx.Commit()
			_ = conn.Close()
		}},
	}
	if x.target.lacks(NeedPool) == "" {
		all = append(all, ending{"Recycle ended it", func(s *Subject, _ *Probe, conn *sql.Conn) {
			x.spawn(func() { _ = s.Pool.Recycle(x.ctx, 0) })
			time.Sleep(soon) // it is marked, or will be closed when it is idle
			_ = conn.Close()
		}})
	}
	return all
}

// closesSlowly has a connection come to its end with a Close that waits, and a caller
// for whom there is no room until then.
func (x *trial) closesSlowly(what string, end func(*Subject, *Probe, *sql.Conn)) {
	const limit = 2
	p := newProbe()
	x.watch = p
	settings := Settings{MaxConns: limit}
	if x.target.lacks(NeedPool) == "" {
		settings.Adjust = func(c *sqlpool.Config) { c.CloseTimeout = x.target.Limit }
	}
	s := x.open(settings)
	x.cleanup(p.letGo)
	holds := x.holdAll(s.DB, limit)
	closes := p.gate(OpClose)
	before, dials := s.Figures().Waited, p.count(OpDial)
	x.spawn(func() { end(s, p, holds[0]) })
	closing := time.NewTimer(x.target.Limit / 10)
	defer closing.Stop()
	for closes.waiting.Load() == 0 {
		select {
		case <-closing.C: // that it comes to its end at all is another rule's subject
			closes.all()
			return
		case <-time.After(time.Millisecond):
		}
	}
	p.afterwards(nil)
	waiter := x.call(x.ctx, s.DB)
	x.awaitWaiting(s, before, 1)
	time.Sleep(soon) // nothing may happen, so there is no event to wait for
	if now, _ := p.openNow(); now > limit || p.count(OpDial) > dials {
		x.errorf("%s: while its Close was under way, %d connections were open or being dialed, and MaxConns is %d",
			what, now+p.count(OpDial)-dials, limit)
	}
	closes.all()
	x.mustServe("the caller, when the Close has ended", waiter)
	if _, most := p.openNow(); most > limit {
		x.errorf("%s: %d connections were open at once, and MaxConns is %d", what, most, limit)
	}
	x.must("giving the other back", holds[1].Close())
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
