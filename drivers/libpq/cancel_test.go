package libpq

import (
	"context"
	"runtime"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// TestThisLibPQTellsItsCancelKey fails when lib/pq changes the fields: Close then
// leaves a statement to its end that its cancel request has missed.
func TestThisLibPQTellsItsCancelKey(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{TLS: true})
	for name, dsn := range map[string]string{
		"plain":  server.TCP().With("sslmode", "disable").URL("postgres"),
		"tls":    server.TCP().URL("postgres"),
		"socket": server.Socket().KeyValue("postgres"),
	} {
		t.Run(name, func(t *testing.T) {
			c := adapter(t, dsn)
			if c.again.key == nil || (c.again.tls != nil) != (name == "tls") {
				t.Fatalf("key of %d bytes, TLS settings: %v", len(c.again.key), c.again.tls != nil)
			}
			result, before := make(chan error, 1), c.Sent()
			go func() {
				_, err := c.ExecContext(context.Background(), "SELECT pg_sleep(60)", nil)
				result <- err
			}()
			for c.Sent() == before {
				runtime.Gosched()
			}
			for err := error(nil); err == nil; { // a request may overtake the statement
				if err := c.again.cancel(context.Background()); err != nil {
					t.Fatal(err)
				}
				select {
				case err = <-result:
					t.Log(err)
				default:
				}
			}
			if !c.wire.Settled() || !c.IsValid() {
				t.Error("the server has dealt with all requests, and the connection is not fit")
			}
		})
	}
}
