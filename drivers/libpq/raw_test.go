package libpq

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
)

func TestNotifications(t *testing.T) {
	dsn := pgserver.Database(t)
	db := open(t, dsn)
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := make(chan string, 1)
	if err := Raw(conn, func(c driver.Conn) error {
		pq.SetNotificationHandler(c, func(n *pq.Notification) { got <- n.Extra })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"LISTEN news", "NOTIFY news, 'hello'", "SELECT 1"} {
		if _, err := conn.ExecContext(context.Background(), query); err != nil {
			t.Fatal(err)
		}
	}
	if payload := <-got; payload != "hello" {
		t.Errorf("payload %q", payload)
	}
}
