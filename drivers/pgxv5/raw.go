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
		inner, ok := wire.Innermost(c).(interface{ Conn() *pgx.Conn })
		if !ok {
			return fmt.Errorf("pgxv5: %T is not a connection of pgx", c)
		}
		return f(inner.Conn())
	})
}
