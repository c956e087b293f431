package pgxv5

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/drivers/internal/wire"
	"github.com/sqlpool/go/internal/pgserver"
)

// TestALateCancelHitsNobodyElse: pgx goes on with a connection whose statement
// was cancelled if its configuration says so, also when the request is still on
// its way.
func TestALateCancelHitsNobodyElse(t *testing.T) {
	dsn := pgserver.Database(t)
	network := contract.NewLateNetwork()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: time.Minute}
	}
	db := sql.OpenDB(ConnectorConfig(cfg, WithDialFunc(network.DialContext)))
	defer db.Close()
	db.SetMaxOpenConns(1)
	connector, err := Connector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	blocker, err := connector.Connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close()
	contract.LateCancel(t, network, blocker.(*conn), func(ctx context.Context, lock int) error {
		_, err := db.ExecContext(ctx, "SELECT pg_advisory_lock($1)", lock)
		return err
	})
}

// TestACancelRequestIsSeenToEnd: where pgx may keep the connection of a statement that
// it has cancelled, through TLS too, the request is known to be over.
func TestACancelRequestIsSeenToEnd(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{TLS: true})
	for _, sslmode := range []string{"disable", "require"} {
		cfg, err := pgx.ParseConfig(server.TCP().With("sslmode", sslmode).URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: time.Minute}
		}
		c, err := ConnectorConfig(cfg).Connect(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		_, err = c.(*conn).ExecContext(ctx, "SELECT pg_sleep(60)", nil)
		cancel()
		var answer *pgconn.PgError
		if !errors.As(err, &answer) || answer.Code != "57014" {
			t.Errorf("sslmode=%s: %v, want the server's own answer to the cancel request", sslmode, err)
		}
		// pgx leaves the request's socket 100 ms after the answer; the server's end of it may come later.
		for end := time.Now().Add(2 * wire.CancelLimit); !c.(*conn).IsValid() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if !c.(*conn).IsValid() {
			t.Errorf("sslmode=%s: the connection is lost: %v", sslmode, c.(*conn).Alive())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNothingWatchesAfterATransaction: the end of BeginTx's context, when the transaction is
// over or has not begun, asks the server for nothing and breaks nothing.
func TestNothingWatchesAfterATransaction(t *testing.T) {
	dsn := pgserver.Shared(t).DSN("postgres")
	for _, opts := range [][]Option{nil, {EagerBegin()}} {
		for name, end := range map[string]func(*conn, context.Context) error{
			"commit":   inTx(driver.Tx.Commit),
			"rollback": inTx(driver.Tx.Rollback),
			"refused": func(c *conn, ctx context.Context) error {
				if tx, err := c.BeginTx(ctx, driver.TxOptions{Isolation: driver.IsolationLevel(sql.LevelLinearizable)}); err == nil {
					return errors.Join(errors.New("it has begun"), tx.Rollback())
				}
				return nil
			},
		} {
			connector, err := Connector(dsn, opts...)
			if err != nil {
				t.Fatal(err)
			}
			dialed, err := connector.Connect(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer dialed.Close()
			c := dialed.(*conn)
			ctx, cancel := context.WithCancel(context.Background())
			if err := end(c, ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			asked := c.wire.Asked()
			cancel()
			for range 20 { // what watches would meet one of them
				if _, err := c.ExecContext(context.Background(), "SELECT pg_sleep(0.005)", nil); err != nil {
					t.Errorf("%s: the next statement: %v", name, err)
				}
			}
			if c.wire.Asked() != asked || !c.IsValid() {
				t.Errorf("%s: the end of BeginTx's context reached the connection afterwards", name)
			}
		}
	}
}

// inTx begins a transaction, uses it and ends it.
func inTx(end func(driver.Tx) error) func(*conn, context.Context) error {
	return func(c *conn, ctx context.Context) error {
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		if err != nil {
			return err
		}
		_, err = c.ExecContext(context.Background(), "SELECT 1", nil)
		return errors.Join(err, end(tx))
	}
}
