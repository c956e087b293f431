package libpq

import (
	"database/sql/driver"
	"reflect"
)

// TxStatus returns the server's transaction status as of its last answer: 'I'
// outside a transaction, 'T' in one, 'E' in a failed one, 0 when the connection
// is not fit to be asked. It sends nothing. Call it when no rows are open.
//
// lib/pq keeps the status to itself, so it is read from its field (a read that
// package reflect permits); docs/decisions/0007-libpq-transaction-status.md has
// the alternatives.
func (c *conn) TxStatus() byte {
	switch {
	case !c.fit() || !c.inner.IsValid():
		return 0
	case c.copying != nil:
		return 'T' // lib/pq allows COPY in a transaction only, and its goroutine owns the field now
	case !c.status.IsValid():
		return c.probe()
	}
	switch status := byte(c.status.Uint()); status {
	case 'I', 'T', 'E':
		return status
	default:
		return 0
	}
}

// statusOf returns the field of a connection that has just been made, or the
// zero Value if this lib/pq has none that says so.
func statusOf(inner driver.Conn) reflect.Value {
	ptr := reflect.ValueOf(inner)
	if ptr.Kind() != reflect.Pointer || ptr.Elem().Kind() != reflect.Struct {
		return reflect.Value{}
	}
	field := ptr.Elem().FieldByName("txnStatus")
	if !field.IsValid() || field.Kind() != reflect.Uint8 || field.Uint() != 'I' {
		return reflect.Value{}
	}
	return field
}

// notInTx is lib/pq's answer to COPY outside a transaction, which it gives
// before it sends anything.
const notInTx = "pq: COPY is only allowed inside a transaction"

// probe tells without the field whether a transaction is open, from how lib/pq
// refuses COPY. In a transaction it would send it, so sending is refused, and
// that lib/pq does not forgive: the connection is lost. It was one that no program
// may borrow as it is.
func (c *conn) probe() byte {
	var err error
	c.wire.Hold(func() { _, err = c.inner.Prepare("COPY") })
	if err != nil && err.Error() == notInTx {
		return 'I'
	}
	c.broken = true
	return 'T'
}
