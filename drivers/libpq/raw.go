package libpq

import (
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// Raw calls f with lib/pq's own connection, for what lib/pq offers on that alone
// (pq.SetNotificationHandler, pq.SetNoticeHandler). The connection is f's until f
// returns; if f panics or returns driver.ErrBadConn it is thrown away.
func Raw(conn *sql.Conn, f func(driver.Conn) error) error {
	return conn.Raw(func(c any) error {
		inner, ok := wire.Innermost(c).(driver.Conn)
		if !ok {
			return fmt.Errorf("libpq: %T leads to no connection of a driver", c)
		}
		return f(inner)
	})
}
