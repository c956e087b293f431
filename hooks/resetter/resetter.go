// Package resetter has the policies for session state: what the next borrower may see
// of the state that a borrower leaves.
//
// The pool itself never lends a connection inside a transaction: an open transaction is
// rolled back, or the connection is retired. That is the policy Rollback, and it costs
// nothing when no transaction was left open. Clean and Custom also undo what the end of
// a transaction does not undo. They run in the background between two loans, one round
// trip each time, so that no caller waits for them unless every connection is busy.
package resetter

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/sqlpool"
)

// CodeReset is the reason code of a connection whose reset failed.
const CodeReset = "reset_failed"

// cleanPostgreSQL is what DISCARD ALL does, less DISCARD PLANS, with RESET ROLE,
// which RESET ALL leaves out (PostgreSQL manual, DISCARD and RESET), and with less
// than DEALLOCATE ALL: the statements that were prepared in SQL go, whose names the
// next borrower would collide with, and those that the driver and the pool have
// prepared through the protocol stay. Sent as one simple query it is one round trip.
const cleanPostgreSQL = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; " +
	"SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; " +
	"DO LANGUAGE plpgsql $$DECLARE s pg_catalog.text; BEGIN FOR s IN SELECT p.name FROM pg_catalog.pg_prepared_statements p WHERE p.from_sql " +
	"LOOP EXECUTE pg_catalog.format('DEALLOCATE %I', s); END LOOP; END$$"

// Rollback is the default: transactions end with the loan, everything else a
// borrower SETs stays until it is set again. It needs no hooks.
func Rollback() sqlpool.Hooks { return sqlpool.Hooks{} }

// Clean removes all session state of the borrower on PostgreSQL: no SET, no role, no
// temporary table, no advisory lock, no LISTEN and no cursor remains, and no statement
// but those that the driver and the pool have prepared. The settings of the connection
// string hold again, and so do those of AfterConnect: the AfterConnect hooks, and
// pgxv5.AfterConnect, run again after each loan, in the background, one round trip for
// each of their statements. It needs the language plpgsql, which every database has
// unless it was dropped.
func Clean() sqlpool.Hooks {
	return Func(func(ctx context.Context, c *sqlpool.Conn) error {
		if err := c.Exec(ctx, cleanPostgreSQL); err != nil {
			return err
		}
		return c.SetUp(ctx)
	})
}

// Custom executes statements of your own after each loan. Any error retires the
// connection. If they undo something that AfterConnect has set, it stays undone; Func
// can call Conn.SetUp.
func Custom(query string) sqlpool.Hooks {
	return Func(func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, query) })
}

// Func runs f after each loan, in the background. Any error retires the
// connection.
func Func(f func(context.Context, *sqlpool.Conn) error) sqlpool.Hooks {
	reset := func(ctx context.Context, c *sqlpool.Conn) error {
		if err := f(ctx, c); err != nil {
			return &sqlpool.Reason{Code: CodeReset, Err: fmt.Errorf("session reset: %w", err)}
		}
		return nil
	}
	return sqlpool.Hooks{
		AfterRelease: func(r sqlpool.Releasing) error {
			r.Defer(reset)
			return nil
		},
	}
}
