package libpq

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"

	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/internal/wire"
)

// Raw calls f with lib/pq's own connection, for what lib/pq offers on that alone
// (pq.SetNotificationHandler, pq.SetNoticeHandler). The connection is f's until f
// returns; if f panics or returns driver.ErrBadConn it is thrown away.
func Raw(conn *sql.Conn, f func(driver.Conn) error) error {
	return conn.Raw(func(c any) error {
		inner, ok := wire.Innermost(c).(driver.Conn)
		if !ok || !isPQ(inner) {
			return fmt.Errorf("libpq: Raw: %T is not a connection of lib/pq: if it wraps one, as a tracing driver's does, give it a method "+
				"Raw() driver.Conn that returns what it wraps; if the pool runs on another driver, use that driver's package",
				wire.Innermost(c))
		}
		return f(inner)
	})
}

// isPQ says whether a connection is lib/pq's own. Its functions panic when they are
// given another.
func isPQ(c driver.Conn) bool {
	t := reflect.TypeOf(c)
	return t.Kind() == reflect.Pointer && t.Elem().PkgPath() == reflect.TypeFor[pq.Driver]().PkgPath()
}
