package wire

import "database/sql/driver"

// Innermost returns the driver's own connection below adapters and pools: each
// of those has a method Raw that leads one step down.
func Innermost(conn any) any {
	for {
		outer, ok := conn.(interface{ Raw() driver.Conn })
		if !ok {
			return conn
		}
		inner := outer.Raw()
		if inner == nil {
			return conn
		}
		conn = inner
	}
}
