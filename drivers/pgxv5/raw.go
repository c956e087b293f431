package pgxv5

import (
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// Raw calls f with the *pgx.Conn of conn, for what pgx offers on that alone
// (CopyFrom, SendBatch, WaitForNotification). The connection is f's until f
// returns; if f panics or returns driver.ErrBadConn it is thrown away.
func Raw(conn *sql.Conn, f func(*pgx.Conn) error) error {
	return conn.Raw(func(c any) error {
		inner, ok := Unwrap(c)
		if !ok {
			return fmt.Errorf("pgxv5: Raw: %T is not a connection of pgx: if it wraps one, as a tracing driver's does, give it a method "+
				"Raw() driver.Conn that returns what it wraps; if the pool runs on another driver, use that driver's package",
				wire.Innermost(c))
		}
		return f(inner)
	})
}

// Unwrap returns the *pgx.Conn below a connection of the pool or the driver, for
// code that uses pgx without package sql: of a Loan l, Unwrap(l.Conn().Raw()). It is
// the borrower's until the loan ends. What database/sql callers get of the pool
// beyond the loan, such as the repetition of a statement that was certainly not
// sent, there is none of. ok is false for another driver's connection.
func Unwrap(conn any) (inner *pgx.Conn, ok bool) {
	c, ok := wire.Innermost(conn).(interface{ Conn() *pgx.Conn })
	if !ok {
		return nil, false
	}
	return c.Conn(), true
}
