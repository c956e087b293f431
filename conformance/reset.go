package conformance

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/sqlpool"
)

var resetRules = slices.Concat(returnRules, openRules, setUpRules)

// returnRules: what is done between two loans.
var returnRules = []Rule{
	{
		ID:     "RST-01",
		Rule:   "a connection that comes back inside a transaction is not lent in it: what was left open is rolled back",
		Why:    "the next borrower's acknowledged writes would vanish with another caller's rollback",
		Source: "this pool: a connection inside a transaction is never lent",
		needs:  []Need{NeedTextTx, NeedLedger, NeedTxStatus},
		check: func(x *trial) {
			s, l := x.open(Settings{MaxConns: 1}), x.ledger()
			left, next := l.tokenOf("left"), l.tokenOf("next")
			x.leave(s, func(q querier) {
				_, err := q.ExecContext(x.ctx, l.insert, left)
				x.must("an insert in it", err)
			})
			_, err := s.DB.ExecContext(x.ctx, l.insert, next)
			x.must("the next borrower's insert", err)
			if n := l.written(next); n != 1 {
				x.errorf("the next borrower's row, acknowledged, is there %d times", n)
			}
			if n := l.written(left); n != 0 {
				x.errorf("the row of the transaction that was left open is there %d times", n)
			}
		},
	},
	{
		ID:     "RST-02",
		Rule:   "a connection that comes back inside a failed transaction serves the next borrower",
		Why:    "every statement of the next borrower would be refused for another caller's mistake",
		Source: "this pool: a connection inside a transaction is never lent",
		needs:  []Need{NeedTextTx, NeedFail, NeedTxStatus},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1})
			x.leave(s, func(q querier) {
				if _, err := q.ExecContext(x.ctx, x.target.Dialect.Fail); err == nil {
					x.fatalf("%s succeeds", x.target.Dialect.Fail)
				}
			})
			x.use("the next borrower's statement", s.DB)
		},
	},
	{
		ID:     "RST-03",
		Rule:   "a transaction that was left open costs a rollback, not the connection",
		Why:    "sloppy code would turn into a storm of dials",
		Source: "this pool: release.go",
		needs:  []Need{NeedTextTx, NeedTxStatus},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			for range 5 {
				x.leave(s, func(querier) {})
				x.use("the next borrower's statement", s.DB)
			}
			if n := p.opened(); n != 1 {
				x.errorf("5 transactions left open cost %d connections", n-1)
			}
		},
	},
	{
		ID:     "RST-04",
		Rule:   "a context that cancels an idle transaction costs a rollback, not the connection",
		Why:    "requests that end early are common: each would cost a dial",
		Source: "this pool: the driver's BeginTx has a context of its own",
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			const times = 10
			for range times {
				ctx, cancel := context.WithCancel(x.ctx)
				tx, err := s.DB.BeginTx(ctx, nil)
				x.must("Begin", err)
				x.use("a statement in it", tx)
				cancel()
				x.use("the next borrower's statement", s.DB)
			}
			if n := p.opened(); n != 1 {
				x.errorf("%d cancelled transactions cost %d connections", times, n-1)
			}
		},
	},
	{
		ID:     "RST-05",
		Rule:   "with a reset policy, what a borrower SET is gone for the next",
		Why:    "a role, a search path or a time zone of another tenant would stay",
		Source: "this pool: hooks/resetter",
		needs:  []Need{NeedPool, NeedState, NeedReset},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{resetter.Custom(x.target.Dialect.Reset)}})
			set := fmt.Sprintf(x.target.Dialect.Set, "mine")
			for _, way := range x.routes() {
				x.must("setting a variable", way.open(x.ctx, s.DB, set, func(a asker) {
					_, err := a.exec()
					x.must("setting a variable", err)
				}))
				if got := x.shown(s.DB); got != "" {
					x.errorf("a borrower has set a variable (%s), and the next one finds it to be %q", way.name, got)
				}
			}
		},
	},
	{
		ID:     "RST-06",
		Rule:   "a connection whose reset fails is not lent again, and nobody is told an error",
		Why:    "a session in an unknown state would serve the next",
		Source: "this pool: hooks/resetter, Releasing.Defer",
		needs:  []Need{NeedPool, NeedSession},
		check: func(x *trial) {
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{resetter.Func(func(context.Context, *sqlpool.Conn) error { return errHook })}})
			if a, b := x.session(s.DB), x.session(s.DB); a == b {
				x.errorf("session %s could not be reset and was lent again", a)
			}
		},
	},
	{
		ID:     "RST-07",
		Rule:   "a reset leaves prepared statements in place",
		Why:    "each loan would prepare again: two round trips for one",
		Source: "this pool: hooks/resetter, Clean",
		needs:  []Need{NeedPool, NeedProbe, NeedPrepares, NeedReset},
		check: func(x *trial) {
			p := x.probe()
			reset := resetter.Custom(x.target.Dialect.Reset)
			if x.target.Dialect.Name == PostgreSQL.Name {
				reset = resetter.Clean()
			}
			s := x.open(Settings{MaxConns: 1, Hooks: []sqlpool.Hooks{reset}})
			stmt, err := s.DB.PrepareContext(x.ctx, x.target.Dialect.One)
			x.must("Prepare", err)
			defer stmt.Close()
			for range 5 {
				_, err := stmt.ExecContext(x.ctx)
				x.must("executing the statement", err)
			}
			if n, _ := p.preparedOf(x.target.Dialect.One); n != 1 {
				x.errorf("one statement on one connection was prepared %d times", n)
			}
		},
	},
	{
		ID:     "RST-08",
		Rule:   "the driver's ResetSession is asked between two loans, and its refusal is nobody's error",
		Why:    "a driver tells there that a connection is not fit to be used again",
		Source: "database/sql/driver: SessionResetter",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			x.use("a first statement", s.DB)
			p.failFirst(1, OpReset, driver.ErrBadConn)
			x.use("a second statement", s.DB)
			if n := p.opened(); n != 2 {
				x.errorf("a connection that its driver had refused to reset was used again: %d dials", n)
			}
		},
	},
	{
		ID:     "RST-09",
		Rule:   "whatever a connection was used for, its driver is asked to reset it before it is used for another, and can refuse",
		Why:    "what one kind of use leaves behind, such as a transaction's, would be found by the next borrower",
		Source: "database/sql/driver: SessionResetter",
		needs:  []Need{NeedProbe},
		check: func(x *trial) {
			p := x.probe()
			s := x.open(Settings{MaxConns: 1})
			x.use("a first statement", s.DB)
			for _, first := range x.uses() {
				for _, next := range x.uses() {
					first.do(s.DB)
					x.settle(s)
					asked, opened := p.count(OpReset), p.opened()
					next.do(s.DB)
					x.settle(s)
					if p.count(OpReset) == asked && p.opened() == opened {
						x.errorf("after %s the driver was not asked to reset the connection before %s", first.what, next.what)
					}
				}
				opened := p.opened()
				p.failFirst(1, OpReset, driver.ErrBadConn)
				x.use("a statement behind a refused reset", s.DB)
				p.intercept(nil)
				if p.opened() == opened {
					x.errorf("after %s a connection that its driver had refused to reset was used again", first.what)
				}
			}
		},
	},
}

// leave begins a transaction as text, does something in it and gives the
// connection back without ending it.
func (x *trial) leave(s *Subject, do func(querier)) {
	conn, err := s.DB.Conn(x.ctx)
	x.must("Conn", err)
	_, err = conn.ExecContext(x.ctx, x.target.Dialect.Begin)
	x.must("beginning a transaction as text", err)
	do(conn)
	x.must("giving the connection back", conn.Close())
}
