package libpq

import (
	"context"
	"database/sql"
	"testing"
)

func open(t *testing.T, dsn string, opts ...Option) *sql.DB {
	t.Helper()
	connector, err := Connector(dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

// adapter opens one connection of the adapter itself.
func adapter(t *testing.T, dsn string, opts ...Option) *conn {
	t.Helper()
	connector, err := Connector(dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := connector.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*conn)
}
