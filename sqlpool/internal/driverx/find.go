package driverx

import "database/sql/driver"

// Find returns the outermost connection that is a T, following Raw.
func Find[T any](c driver.Conn) (found T, ok bool) {
	for range maxWrappers {
		if found, ok = c.(T); ok {
			return found, true
		}
		w, wraps := c.(interface{ Raw() driver.Conn })
		if !wraps {
			break
		}
		if c = w.Raw(); c == nil {
			break
		}
	}
	return found, false
}

// maxWrappers bounds how far Raw is followed: a connection may return itself,
// and need not be comparable.
const maxWrappers = 8

// Unwrap follows Raw to the driver's own connection.
func Unwrap(c driver.Conn) driver.Conn {
	for range maxWrappers {
		w, ok := c.(interface{ Raw() driver.Conn })
		if !ok {
			break
		}
		inner := w.Raw()
		if inner == nil {
			break
		}
		c = inner
	}
	return c
}
