package libpq

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func TestNoticesAndNotifications(t *testing.T) {
	var notices, payloads []string
	connector, err := Connector(pgserver.Database(t),
		WithNoticeHandler(func(n *pq.Error) { notices = append(notices, n.Message) }),
		WithNotificationHandler(func(n *pq.Notification) { payloads = append(payloads, n.Extra) }))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, query := range []string{"DO $$BEGIN RAISE NOTICE 'look'; END$$", "LISTEN news", "NOTIFY news, 'hello'", "SELECT 1"} {
		if _, err := db.ExecContext(context.Background(), query); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(notices, ",") + " " + strings.Join(payloads, ","); got != "look hello" {
		t.Errorf("notices and payloads are %q", got)
	}
}

// opaque wraps a connection as a tracing driver does that has no Raw.
type opaque struct{ driver.Conn }

type opaqueConnector struct{ driver.Connector }

func (c opaqueConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return opaque{conn}, err
}

func TestRawBehindAWrapperThatHidesLibPQ(t *testing.T) {
	inner, err := Connector(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(opaqueConnector{inner})
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = Raw(conn, func(c driver.Conn) error {
		pq.SetNoticeHandler(c, nil) // panics if it is not lib/pq's
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "libpq.opaque is not a connection of lib/pq") || !strings.Contains(err.Error(), "Raw() driver.Conn") {
		t.Errorf("%v", err)
	}
}

// TestLibPQsOwnNoticeConnector: pq.ConnectorWithNoticeHandler wants lib/pq's connections, and panics on
// another connector's. A pool over it does not: it says what was wrong.
func TestLibPQsOwnNoticeConnector(t *testing.T) {
	inner, err := Connector(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sqlpool.New(sqlpool.Config{Connector: pq.ConnectorWithNoticeHandler(inner, func(*pq.Error) {}), MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = db.PingContext(ctx)
	t.Log(err)
	if err == nil || !strings.Contains(err.Error(), "panic") {
		t.Errorf("%v, want an error that tells of the panic", err)
	}
}
