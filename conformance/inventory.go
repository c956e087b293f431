package conformance

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"

	"github.com/sqlpool/go/sqlpool"
)

var inventoryRules = []Rule{
	{
		ID:     "INV-01",
		Rule:   "after any mix of use the books balance: as many loans ended as began, and nothing is open that is not counted",
		Why:    "a slot lost now and then is a pool that stops one night",
		Source: "this pool: Stats",
		needs:  []Need{NeedPool, NeedProbe, NeedFail},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 3})
			for range 6 {
				x.spawn(func() {
					for range 4 {
						x.everyUse(s)
						ctx, cancel := context.WithCancel(x.ctx)
						go cancel()
						_, _ = s.DB.ExecContext(ctx, x.target.Dialect.One)
						cancel()
					}
				})
			}
			x.work.Wait()
			x.settle(s)
			x.until("what is closing is closed", func() bool { st := s.Pool.Stats(); return st.Closing+st.Dialing == 0 })
			st := s.Pool.Stats()
			if st.AcquireCount != st.ReleaseCount || st.Waiting != 0 || st.MisuseCount != 0 || st.Open != st.Idle {
				x.errorf("%d loans began and %d ended; %d wait; %d of %d connections are idle; %d misuses",
					st.AcquireCount, st.ReleaseCount, st.Waiting, st.Idle, st.Open, st.MisuseCount)
			}
			if now, _ := p.openNow(); now != st.Open {
				x.errorf("the pool counts %d open connections, and the driver %d", st.Open, now)
			}
		},
	},
	{
		ID:     "INV-02",
		Rule:   "one *sql.Stmt is prepared at most once on each connection",
		Why:    "each execution would cost a second round trip, and the server a parse and a plan",
		Source: "database/sql: Stmt; this pool: the statement cache of a connection",
		needs:  []Need{NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 4})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			defer stmt.Close()
			for range 4 {
				x.spawn(func() {
					for range 50 {
						_, err := stmt.ExecContext(x.ctx)
						x.must("executing it", err)
					}
				})
			}
			x.work.Wait()
			if total, most := p.preparedOf(x.target.Dialect.One); most > 1 {
				x.errorf("200 executions on %d connections prepared it %d times, %d times on one of them", p.opened(), total, most)
			}
		},
	},
	{
		ID:     "INV-03",
		Rule:   "prepared statements do not pile up on a connection: those that fall out of the cache are closed",
		Why:    "a program that builds its queries would fill the server's memory",
		Source: "this pool: Config.StatementCacheSize",
		needs:  []Need{NeedPool, NeedProbe, NeedPrepares},
		check: func(x *trial) {
			p := x.probe()
			const kept = 5
			s := x.open(Settings{MaxConns: 1, Adjust: func(c *sqlpool.Config) { c.StatementCacheSize = kept }})
			for i := range 40 {
				stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One+strings.Repeat(" ", i))
				x.must("Prepare", err)
				_, err = stmt.ExecContext(x.ctx)
				x.must("executing it", err)
				x.must("closing it", stmt.Close())
			}
			x.settle(s)
			if open := p.count(OpPrepare) - p.count(OpUnstmt); open > kept {
				x.errorf("%d statements are open on a connection that may keep %d", open, kept)
			}
		},
	},
	{
		ID:     "INV-04",
		Rule:   "no two callers use one connection at the same time",
		Why:    "answers go to the wrong caller: the worst bug that a pool can have",
		Source: "database/sql/driver: Conn is used by one goroutine at a time",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			p.slow()
			s := x.open(Settings{MaxConns: 6})
			for range 18 {
				x.spawn(func() {
					for range 10 {
						x.use("a statement", s.DB)
					}
				})
			}
			x.work.Wait()
			if n := p.overlaps(); n > 0 {
				x.errorf("%d calls of the driver met another one on the same connection", n)
			}
		},
	},
	{
		ID:     "INV-05",
		Rule:   "a loan released twice is refused and counted, and the next borrower keeps its connection",
		Why:    "the connection would have two borrowers",
		Source: "this pool: Loan is a value with a generation",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			first := x.acquire(s)
			x.must("Release", first.Release())
			second := x.acquire(s)
			if err := first.Release(); !errors.Is(err, sqlpool.ErrNotHeld) {
				x.errorf("the second Release says %v", err)
			}
			if second.Conn() == nil || s.Figures().InUse != 1 {
				x.errorf("the next borrower has lost its connection")
			}
			if n := s.Pool.Stats().MisuseCount; n != 1 {
				x.errorf("%d misuses are counted, not 1", n)
			}
			x.must("the next borrower's Release", second.Release())
		},
	},
	{
		ID:     "INV-06",
		Rule:   "what package sql keeps idle holds no connection, however much it keeps",
		Why:    "SetMaxIdleConns, which most programs call, would starve everybody else on the pool",
		Source: "this pool: a session is not a connection",
		needs:  []Need{NeedPool},
		check: func(x *trial) {
			const conns = 12
			s := x.open(Settings{MaxConns: conns})
			s.DB.SetMaxIdleConns(100)
			x.fill(s, conns)
			ctx, cancel := x.brief()
			defer cancel()
			for i := range conns {
				loan, err := s.Pool.Acquire(ctx)
				if err != nil {
					x.fatalf("with %d of %d connections lent, and none in use: %v", i, conns, err)
				}
				defer loan.Release()
			}
		},
	},
	{
		ID:     "INV-07",
		Rule:   "when Close returns, every connection is closed",
		Why:    "tests and restarts would leave sessions on the server, until it is full",
		Source: "database/sql: DB.Close",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 7})
			x.fill(s, 7)
			x.must("Close", s.Close())
			if now, most := p.openNow(); now != 0 || most != 7 {
				x.errorf("%d of %d connections are open after Close", now, most)
			}
		},
	},
	{
		ID:     "INV-08",
		Rule:   "a statement whose answer was lost is not executed again: one row and one error",
		Why:    "a payment is made twice and nobody is told",
		Source: "database/sql/driver: ErrBadConn, at most once",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			for name, lost := range map[string]error{"driver.ErrBadConn": driver.ErrBadConn, "io.ErrUnexpectedEOF": io.ErrUnexpectedEOF} {
				token, err := x.insertLosing(name, lost, true)
				if n := token(); n != 1 || err == nil || errors.Is(err, driver.ErrBadConn) {
					x.errorf("the driver says %s after the row was written: it is there %d times, and the caller is told: %v", name, n, err)
				}
			}
		},
	},
	{
		ID:     "INV-09",
		Rule:   "a statement of which nothing was sent is tried on another connection, and the caller does not notice",
		Why:    "each connection that dies idle would be somebody's error",
		Source: "database/sql/driver: ErrBadConn",
		needs:  []Need{NeedProbe, NeedLedger, NeedSent},
		check: func(x *trial) {
			if token, err := x.insertLosing("before", driver.ErrBadConn, false); err != nil || token() != 1 {
				x.errorf("the row is there %d times, and the caller is told: %v", token(), err)
			}
		},
	},
	{
		ID:     "INV-10",
		Rule:   "the error of a lost connection says whether the statement may have taken effect",
		Why:    "the caller can retry safely, or must look first: it is the only one who knows the statement",
		Source: "this pool: ConnLostError.SafeToRetry",
		needs:  []Need{NeedPool, NeedProbe, NeedLedger, NeedSent},
		check: func(x *trial) {
			_, err := x.insertLosing("after", driver.ErrBadConn, true)
			var lost *sqlpool.ConnLostError
			if !errors.As(err, &lost) || !errors.Is(err, sqlpool.ErrConnLost) || lost.SafeToRetry() {
				x.errorf("after the statement was sent the error is %v", err)
			}
			err = x.inTxLosing(driver.ErrBadConn)
			if !errors.As(err, &lost) || !lost.SafeToRetry() {
				x.errorf("before the statement was sent, in a transaction, the error is %v", err)
			}
		},
	},
}

// insertLosing writes a row on a connection that breaks, before the statement
// is sent or after it took effect. It returns how to count the row.
func (x *trial) insertLosing(word string, how error, after bool) (written func() int, err error) {
	p, l := x.probe(), x.ledger()
	token := l.tokenOf(strings.ReplaceAll(word, ".", "_"))
	s := x.open(Settings{MaxConns: 2})
	x.use("a first statement", s.DB)
	broken := 0 // the connection; 0 before
	fails := func(c Call) bool {
		first := c.Op == OpExec || c.Op == OpPrepare && !after // some drivers prepare first
		if first && c.Text == l.insert && broken == 0 {
			broken = c.Conn
			return true
		}
		return false
	}
	if after {
		p.afterwards(func(_ context.Context, c Call, err error) error {
			if err == nil && fails(c) {
				return how
			}
			return err
		})
	} else {
		p.intercept(func(_ context.Context, c Call) error {
			if fails(c) {
				return how
			}
			return nil
		})
	}
	_, err = s.DB.ExecContext(x.ctx, l.insert, token)
	return func() int { return l.written(token) }, err
}

// inTxLosing is the error of a statement in a transaction whose connection
// breaks before it is sent.
func (x *trial) inTxLosing(how error) error {
	p := x.probe()
	s := x.open(Settings{MaxConns: 1})
	tx, err := s.DB.BeginTx(x.ctx, nil)
	x.must("Begin", err)
	defer tx.Rollback()
	x.use("a first statement", tx)
	p.afterwards(nil)
	p.failing(OpExec, func(int) error { return how })
	_, err = tx.ExecContext(x.ctx, x.target.Dialect.One)
	return err
}
