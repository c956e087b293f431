package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// A driver or pool may keep BEGIN until the first statement, which saves a round trip. These rules hold for those and
// for the others alike: what BEGIN says may come later, and what it means must not change.

// beginRules: a transaction that has not begun.
var beginRules = []Rule{
	{
		ID:     "SQL-35",
		Rule:   "a BEGIN that is refused is the error of Begin or of the first statement, no Commit hides it, and nothing of the transaction is written",
		Why:    "statements would run on their own, each committed at once, in a program that believes it can roll them back",
		Source: "database/sql: DB.BeginTx, Tx.Commit",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			p, l := x.probe(), x.ledger()
			db := x.open(Settings{MaxConns: 1}).DB
			x.use("a first statement", db)
			n := 0
			for _, refusal := range []error{stateError("0A000"), stateError("22023"), errors.New("conformance: of the driver")} {
				for _, how := range l.writings() {
					n++
					x.refusedBegin(db, p, l, refusal, how, l.token(n))
				}
			}
		},
	},
	{
		ID:     "SQL-36",
		Rule:   "a transaction without a statement leaves nothing behind, however it ends: what comes next is in no transaction, and stays",
		Why:    "a BEGIN that was kept for a statement that never came would take the next caller's writes with it",
		Source: "database/sql: Tx.Commit, Tx.Rollback",
		needs:  []Need{NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			db := x.open(Settings{MaxConns: 1}).DB
			x.use("a first statement", db)
			for what, end := range map[string]func(*sql.Tx, context.CancelFunc) error{
				"Commit":   func(tx *sql.Tx, _ context.CancelFunc) error { return tx.Commit() },
				"Rollback": func(tx *sql.Tx, _ context.CancelFunc) error { return tx.Rollback() },
				"the end of its context": func(tx *sql.Tx, cancel context.CancelFunc) error {
					cancel()
					if err := tx.Commit(); !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrTxDone) {
						return fmt.Errorf("Commit after the cancel: %v", err)
					}
					return nil
				},
			} {
				ctx, cancel := context.WithCancel(x.ctx)
				tx, err := db.BeginTx(ctx, nil)
				x.must("Begin", err)
				if err := end(tx, cancel); err != nil {
					x.errorf("%s of a transaction without a statement: %v", what, err)
				}
				cancel()
				token := l.tokenOf(strings.ReplaceAll(strings.ToLower(what), " ", "_"))
				x.must("the next insert", l.write(x.ctx, db, "Exec", token))
				if n := l.written(token); n != 1 {
					x.errorf("after %s of a transaction without a statement the next caller's row is there %d times", what, n)
				}
			}
		},
	},
}

// refusedBegin writes in a transaction whose BEGIN is refused.
func (x *trial) refusedBegin(db *sql.DB, p *Probe, l ledger, refusal error, how, token string) {
	p.failing(OpBegin, func(int) error { return refusal })
	tx, err := db.BeginTx(x.ctx, nil)
	begun := err == nil
	if begun {
		if err = l.write(x.ctx, tx, how, token); err == nil {
			x.errorf("BEGIN was refused (%v), and the first statement (%s) succeeded", refusal, how)
		}
		if again := l.write(x.ctx, tx, how, token); again == nil {
			x.errorf("BEGIN was refused (%v), and the second statement (%s) succeeded", refusal, how)
		}
		if tx.Commit() == nil {
			x.errorf("BEGIN was refused (%v), and Commit succeeded", refusal)
		}
	}
	p.intercept(nil)
	if err != nil && !errors.Is(err, refusal) {
		x.errorf("BEGIN was refused (%v), and the caller is told %v", refusal, err)
	}
	if n := l.written(token); n != 0 {
		x.errorf("BEGIN was refused (%v), and the row (%s) is there %d times", refusal, how, n)
	}
	next := token + "_next"
	x.must("the next insert", l.write(x.ctx, db, "Exec", next))
	if n := l.written(next); n != 1 {
		x.errorf("after a BEGIN that was refused (%v) the next caller's row is there %d times", refusal, n)
	}
}

// beginLossRules: a transaction whose connection breaks, at each of its calls.
var beginLossRules = []Rule{
	{
		ID:     "INV-13",
		Rule:   "whichever call of a transaction is lost, its writes are there all or none, and none without a Commit",
		Why:    "half of a transfer would be booked",
		Source: "database/sql: Tx; this pool: nothing of a transaction runs outside of it",
		needs:  []Need{NeedProbe, NeedLedger},
		check: func(x *trial) {
			p, l := x.probe(), x.ledger()
			db := x.open(Settings{MaxConns: 2}).DB
			n := 0
			for what, lost := range losses() {
				if _, answer := lost.(stateError); answer || what == "an error of no known class" {
					continue // the connection goes on, and the program's Rollback is another rule's
				}
				for _, at := range []struct {
					op  string
					nth int
				}{{OpBegin, 1}, {OpExec, 1}, {OpExec, 2}, {OpCommit, 1}} {
					for _, done := range []bool{false, true} {
						if at.op == OpCommit && !done {
							continue // no driver says so of a connection that is in the transaction still
						}
						n++
						when := fmt.Sprintf("the driver said %s at %s number %d (which it had done: %v)", what, at.op, at.nth, done)
						x.use("a statement before", db)
						p.lose(at.op, at.nth, lost, done)
						committed := x.transfer(db, l, l.token(n))
						p.intercept(nil)
						p.afterwards(nil)
						first, second := l.written(l.token(n)+"_1"), l.written(l.token(n)+"_2")
						switch {
						case first != second || first > 1:
							x.errorf("%s: the rows are there %d and %d times", when, first, second)
						case !committed && first != 0:
							x.errorf("%s: without a Commit, the rows are there", when)
						}
					}
				}
			}
		},
	},
}

// transfer writes two rows in a transaction, as a program does: it ends at the first
// error. committed reports whether it called Commit.
func (x *trial) transfer(db *sql.DB, l ledger, token string) (committed bool) {
	tx, err := db.BeginTx(x.ctx, nil)
	if err != nil {
		return false
	}
	defer tx.Rollback()
	for _, row := range []string{"_1", "_2"} {
		if _, err := tx.ExecContext(x.ctx, l.insert, token+row); err != nil {
			return false
		}
	}
	_ = tx.Commit() // what its error means is another rule's
	return true
}

// lose has the nth call of an operation from now on fail, before the driver is called or
// when it has done it.
func (p *Probe) lose(op string, nth int, how error, done bool) {
	n := 0
	hit := func(c Call) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if c.Op != op {
			return false
		}
		n++
		return n == nth
	}
	if !done {
		p.intercept(func(_ context.Context, c Call) error {
			if hit(c) {
				return how
			}
			return nil
		})
		return
	}
	p.afterwards(func(_ context.Context, c Call, err error) error {
		if hit(c) && err == nil {
			return how
		}
		return err
	})
}

// beginDeathRules: a session that ends between Begin and the first statement.
var beginDeathRules = []Rule{
	{
		ID:     "OUT-13",
		Rule:   "a session that ends between Begin and the first statement costs an error, or nothing: what the transaction writes is there once after Commit, or not at all, and not before",
		Why:    "the statement would run on another session, outside of its transaction, and stay when that is rolled back",
		Source: "database/sql: Tx; this pool: a transaction of which nothing was sent begins on another connection, or fails",
		needs:  []Need{NeedKill, NeedSession, NeedLedger},
		check: func(x *trial) {
			l := x.ledger()
			for n, how := range l.writings() {
				db := x.open(Settings{MaxConns: 1}).DB
				x.bereaved(db, l, how, l.token(n))
				x.use("the next borrower's statement", db)
			}
		},
	},
}

// bereaved writes in a transaction whose session has ended.
func (x *trial) bereaved(db *sql.DB, l ledger, how, token string) {
	session := x.session(db)
	tx, err := db.BeginTx(x.ctx, nil)
	x.must("Begin", err)
	defer tx.Rollback()
	x.kill(session)
	err = l.write(x.ctx, tx, how, token)
	if n := l.written(token); n != 0 {
		x.errorf("%s, whose session had ended: the row is there %d times before Commit (the statement: %v)", how, n, err)
	}
	ended := tx.Commit()
	most := 1
	if err != nil {
		most = 0
	}
	if err != nil && ended == nil {
		x.errorf("%s, whose session had ended: the statement said %v, and Commit succeeded", how, err)
	}
	if n := l.written(token); n > most {
		x.errorf("%s, whose session had ended (the statement: %v; Commit: %v): the row is there %d times", how, err, ended, n)
	}
}
