package libpq

import (
	"context"
	"reflect"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// TestProbe: without the field that says it, COPY tells whether a transaction is
// open, and a connection in one is given up.
func TestProbe(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{TLS: true})
	for _, dsn := range []string{
		server.TCP().URL("postgres"),
		server.TCP().With("sslmode", "disable").URL("postgres"),
	} {
		c := adapter(t, dsn)
		c.status = reflect.Value{}
		for range 2 {
			sent := c.Sent()
			if status := c.TxStatus(); status != 'I' || c.Sent() != sent {
				t.Fatalf("status %q, %d bytes sent; want I and none", status, c.Sent()-sent)
			}
			if _, err := c.ExecContext(context.Background(), "SELECT 1", nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.ExecContext(context.Background(), "BEGIN", nil); err != nil {
			t.Fatal(err)
		}
		sent := c.Sent()
		if status := c.TxStatus(); status != 'T' || c.Sent() != sent {
			t.Errorf("status %q, %d bytes sent; want T and none", status, c.Sent()-sent)
		}
		if c.IsValid() {
			t.Error("a connection that lib/pq has given up is valid")
		}
	}
}

// TestThisLibPQSaysItsStatus fails when lib/pq changes the field: the probe works
// then, at the price of the connections that it finds in a transaction.
func TestThisLibPQSaysItsStatus(t *testing.T) {
	if c := adapter(t, pgserver.DSN(t)); !c.status.IsValid() {
		t.Error("this lib/pq has no field txnStatus that reads I after a connect")
	}
}
