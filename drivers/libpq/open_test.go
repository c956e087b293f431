package libpq

import (
	"context"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
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

// A key that stands in the connection string goes for the name of a file without
// sslinline, and the system repeats the name of a file that it does not find.
func TestAKeyInTheConnectionStringIsInNoError(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cert := filepath.Join(t.TempDir(), "cert")
	if err := os.WriteFile(cert, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(server.Addr().String())
	for _, key := range []string{"hunter2xyz", strings.Repeat("hunter2xyz", 500)} { // no such file; no such name
		connector, err := Connector("host=" + host + " port=" + port + " user=u sslmode=require sslcert='" + cert +
			"' sslkey='-----BEGIN PRIVATE KEY-----\n" + key + "\n-----END PRIVATE KEY-----'")
		if err != nil {
			t.Fatal(err)
		}
		_, err = connector.Connect(t.Context())
		if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "sslinline=true") {
			t.Errorf("%.300v", err)
		}
	}
}
