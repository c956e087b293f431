package libpq

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestBinaryParametersThatCannotBeEncoded(t *testing.T) {
	c := adapter(t, pgserver.Shared(t).TCP().With("binary_parameters", "yes").URL("postgres"))
	if c.CacheQueries() {
		t.Error("binary_parameters needs one round trip, but asks for the statement cache")
	}
	bad := make([]driver.NamedValue, 70000)
	for i := range bad {
		bad[i] = driver.NamedValue{Ordinal: i + 1, Value: int64(1)}
	}
	if _, err := c.ExecContext(context.Background(), "SELECT 1", bad); err == nil {
		t.Fatal("no error")
	}
	if c.IsValid() {
		t.Error("lib/pq waits for an answer to what it has not sent: the connection is lost")
	}
}
