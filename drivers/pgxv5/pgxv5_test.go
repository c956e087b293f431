package pgxv5

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sqlpool/go/internal/pgserver"
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

func TestUnwrapReachesPgx(t *testing.T) {
	connector, err := Connector(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for name, c := range map[string]driver.Conn{"the adapter's": conn, "what a loan lends": conn.(interface{ Raw() driver.Conn }).Raw()} {
		inner, ok := Unwrap(c)
		if !ok {
			t.Fatalf("%s: nothing of pgx in it", name)
		}
		var one int
		if err := inner.QueryRow(context.Background(), "SELECT $1::int", 1).Scan(&one); err != nil || one != 1 {
			t.Errorf("%s: %d, %v", name, one, err)
		}
	}
	if _, ok := Unwrap(nil); ok {
		t.Error("a pgx.Conn in no connection")
	}
	if _, ok := Unwrap(foreignConn{}); ok {
		t.Error("a pgx.Conn in another driver's connection")
	}
}

type foreignConn struct{ driver.Conn }

func TestRawReachesPgx(t *testing.T) {
	db := open(t, pgserver.Database(t))
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = Raw(conn, func(c *pgx.Conn) error {
		if _, err := c.Exec(context.Background(), "CREATE TEMP TABLE c (a int)"); err != nil {
			return err
		}
		n, err := c.CopyFrom(context.Background(), pgx.Identifier{"c"}, []string{"a"},
			pgx.CopyFromSlice(100, func(i int) ([]any, error) { return []any{i}, nil }))
		if n != 100 {
			t.Errorf("%d rows copied", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(context.Background(), "LISTEN news"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("NOTIFY news, 'hello'"); err != nil {
		t.Fatal(err)
	}
	err = Raw(conn, func(c *pgx.Conn) error {
		n, err := c.WaitForNotification(context.Background())
		if err == nil && n.Payload != "hello" {
			t.Errorf("payload %q", n.Payload)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFailedAfterConnectClosesTheConnection(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	refused := errors.New("refused")
	count := func() int {
		sessions, err := server.Activity(context.Background(), pgserver.Filter{Application: "after"})
		if err != nil {
			t.Fatal(err)
		}
		return len(sessions)
	}
	dsn := server.TCP().With("application_name", "after").URL("postgres")
	for _, fail := range []func() error{
		func() error { return refused },
		func() error { panic(refused) },
	} {
		connector, err := Connector(dsn, AfterConnect(func(ctx context.Context, c *pgx.Conn) error {
			if n := count(); n != 1 {
				t.Errorf("%d backends in AfterConnect, want 1", n)
			}
			return fail()
		}))
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() { recover() }()
			if _, err := connector.Connect(context.Background()); !errors.Is(err, refused) {
				t.Errorf("%v, want AfterConnect's error", err)
			}
		}()
		if n := count(); n != 0 {
			t.Errorf("%d backends are left", n)
		}
	}
}

func TestOptions(t *testing.T) {
	var dials atomic.Int32
	db := open(t, pgserver.DSN(t),
		WithDialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}),
		BeforeConnect(func(_ context.Context, cfg *pgx.ConnConfig) error {
			cfg.Database = "template1"
			return nil
		}))
	db.SetMaxIdleConns(0)
	for range 2 {
		var name string
		if err := db.QueryRow("SELECT current_database()").Scan(&name); err != nil || name != "template1" {
			t.Errorf("database %q, %v", name, err)
		}
	}
	if n := dials.Load(); n != 2 {
		t.Errorf("%d dials through the function, want 2", n)
	}
}

// TestAConfigurationIsCopied: what the caller changes later changes nothing.
func TestAConfigurationIsCopied(t *testing.T) {
	cfg, err := pgx.ParseConfig(pgserver.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	connector := ConnectorConfig(cfg)
	cfg.Host = "nowhere.invalid"
	db := sql.OpenDB(connector)
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT $1::int", 7).Scan(&n); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
}
