package conformance

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/sqlpool"
)

// setUpRules: what AfterConnect has set, loan after loan.
var setUpRules = []Rule{
	{
		ID:     "RST-12",
		Rule:   "what AfterConnect has set is there for every borrower: no use of the connection takes it away, and after a reset that does it is set again",
		Why:    "from its second loan on, a connection would serve with another search path, role or time limit than the program has set",
		Source: "this pool: Hooks.AfterConnect, Conn.SetUp; hooks/resetter, Clean",
		needs:  []Need{NeedPool, NeedState, NeedReset},
		check: func(x *trial) {
			d := &x.target.Dialect
			hook, missing := x.setUp()
			look := func(db *sql.DB, after string) {
				if err := missing(db); err != nil {
					x.errorf("after %s: %v", after, err)
				}
			}
			for what, hooks := range map[string][]sqlpool.Hooks{"": {hook}, " and a reset": {x.clean(), hook}} {
				db := x.open(Settings{MaxConns: 1, Hooks: hooks}).DB
				if err := missing(db); err != nil { // which is another rule's subject
					x.skipf("the first borrower does not have what AfterConnect sets: %v", err)
				}
				for _, use := range x.uses() {
					use.do(db)
					look(db, use.what+what)
				}
				if what == "" {
					continue // what a borrower sets stays: no reset takes it back
				}
				for _, theirs := range []string{fmt.Sprintf(d.Set, "theirs"), d.Reset} {
					for _, way := range x.routes() {
						x.must(theirs, way.open(x.ctx, db, theirs, func(a asker) {
							_, err := a.exec()
							x.must(theirs, err)
						}))
						look(db, theirs+" ("+way.name+")"+what)
					}
				}
				conn := x.hold(db)
				for _, theirs := range []string{d.Reset, d.Discard} {
					if theirs != "" {
						_, err := conn.ExecContext(x.ctx, theirs)
						x.must(theirs, err)
					}
				}
				x.must("giving the connection back", conn.Close())
				look(db, "a borrower who has dropped all that a session has,"+what)
			}
		},
	},
}

// setUp is a hook that sets a session up, and a borrower who says what of it is missing.
func (x *trial) setUp() (hook sqlpool.Hooks, missing func(*sql.DB) error) {
	d := &x.target.Dialect
	statements, table := []string{fmt.Sprintf(d.Set, "ours")}, ""
	if d.Temporary != "" {
		table = x.name()
		statements = append(statements, fmt.Sprintf(d.Temporary, table))
	}
	hook.AfterConnect = func(ctx context.Context, c *sqlpool.Conn) error {
		for _, s := range statements {
			if err := c.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	own := "" // the texts of earlier looks may have been dropped with the session's statements
	return hook, func(db *sql.DB) error {
		own += " "
		var got string
		if err := db.QueryRowContext(x.ctx, d.Show+own).Scan(&got); err != nil || got != "ours" {
			return fmt.Errorf("the variable that AfterConnect has set is %q, %v", got, err)
		}
		if table == "" {
			return nil
		}
		if _, err := db.ExecContext(x.ctx, "SELECT * FROM "+table+own); err != nil {
			return fmt.Errorf("the temporary table that AfterConnect has made: %w", err)
		}
		return nil
	}
}

// clean is a reset that takes away what AfterConnect has set, and sets it again.
func (x *trial) clean() sqlpool.Hooks {
	if x.target.Dialect.Name == PostgreSQL.Name {
		return resetter.Clean()
	}
	return resetter.Func(func(ctx context.Context, c *sqlpool.Conn) error {
		if err := c.Exec(ctx, x.target.Dialect.Reset); err != nil {
			return err
		}
		return c.SetUp(ctx)
	})
}
