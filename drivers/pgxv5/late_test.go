package pgxv5

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/sqlpool/go/drivers/internal/contract"
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
