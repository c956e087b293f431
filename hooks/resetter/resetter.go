// Package resetter says what of a borrower's session state the next borrower
// may see.
//
// The pool itself never lends a connection inside a transaction: what a
// borrower left open is rolled back, or the connection is retired. That is the
// policy Rollback, and it costs nothing when nothing was left open. Clean and
// Custom also undo what a transaction's end does not. They run in the
// background between two loans, one round trip each time, so that no caller
// waits for them unless every connection is busy.
package resetter

import (
	"context"
	"fmt"

	"github.com/sqlpool/go/sqlpool"
)

// CodeReset is the reason code of a connection whose reset failed.
const CodeReset = "reset_failed"

// cleanPostgreSQL is what DISCARD ALL does, less DEALLOCATE ALL and DISCARD
// PLANS, so that the prepared statements of the driver and of the pool stay,
// and with RESET ROLE, which RESET ALL leaves out (PostgreSQL manual, DISCARD
// and RESET). Sent as one simple query it is one round trip.
const cleanPostgreSQL = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; " +
	"SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"

// Rollback is the default: transactions end with the loan, everything else a
// borrower SETs stays until somebody sets it otherwise. It needs no hooks.
func Rollback() sqlpool.Hooks { return sqlpool.Hooks{} }

// Clean leaves nothing of the borrower behind on PostgreSQL but prepared
// statements: no SET, no role, no temporary table, no advisory lock, no LISTEN,
// no cursor.
func Clean() sqlpool.Hooks { return Custom(cleanPostgreSQL) }

// Custom executes statements of your own after each loan. Any error retires
// the connection.
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
		AfterRelease: func(c *sqlpool.Conn) error {
			c.Defer(reset)
			return nil
		},
	}
}
