package drivers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/sqlpool/go/drivers/internal/contract"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// asking are connectors whose drivers send a cancel request when a context ends,
// and may read the server's answer to the statement after that. On a network that
// looks distant they wait for it longer, so that a busy machine answers in time.
var asking = map[string]func(dsn string) (driver.Connector, error){
	"lib/pq": func(dsn string) (driver.Connector, error) {
		return libpq.Connector(dsn, libpq.WithDialer(contract.NewLateNetwork()))
	},
	"pgx, CancelRequestContextWatcherHandler": func(dsn string) (driver.Connector, error) {
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 10 * time.Second}
		}
		return pgxv5.ConnectorConfig(cfg), nil
	},
	"pgx": func(dsn string) (driver.Connector, error) { return pgxv5.Connector(dsn) },
}

// writes are the ways to write a token so that its commit is waited for.
var writes = map[string]func(ctx context.Context, db *sql.DB, token int64) error{
	"exec, text": func(ctx context.Context, db *sql.DB, token int64) error {
		_, err := db.ExecContext(ctx, fmt.Sprintf("INSERT INTO ledger VALUES (%d)", token))
		return err
	},
	"exec with arguments": func(ctx context.Context, db *sql.DB, token int64) error {
		_, err := db.ExecContext(ctx, "INSERT INTO ledger VALUES ($1)", token)
		return err
	},
	"query": func(ctx context.Context, db *sql.DB, token int64) error {
		return db.QueryRowContext(ctx, "INSERT INTO ledger VALUES ($1) RETURNING token", token).Scan(&token)
	},
	"query of the driver": func(ctx context.Context, db *sql.DB, token int64) error {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		return c.Raw(func(dc any) error { // its rows are not closed by database/sql when the context ends
			rows, err := dc.(driver.QueryerContext).QueryContext(ctx, fmt.Sprintf("INSERT INTO ledger VALUES (%d) RETURNING token", token), nil)
			if err == nil {
				_ = rows.Close()
			}
			return err
		})
	},
	"statement": func(ctx context.Context, db *sql.DB, token int64) error {
		st, err := db.PrepareContext(context.Background(), "INSERT INTO ledger VALUES ($1)")
		if err != nil {
			return err
		}
		defer st.Close()
		_, err = st.ExecContext(ctx, token)
		return err
	},
	"rows of a statement": func(ctx context.Context, db *sql.DB, token int64) error {
		st, err := db.PrepareContext(context.Background(), "INSERT INTO ledger VALUES ($1) RETURNING token")
		if err != nil {
			return err
		}
		defer st.Close()
		rows, err := st.QueryContext(ctx, token)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	},
	"commit": func(ctx context.Context, db *sql.DB, token int64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.Exec("INSERT INTO ledger VALUES ($1)", token); err != nil {
			return err
		}
		return tx.Commit()
	},
}

// TestASuccessAfterTheCancelRequestIsNone: a commit that waits for a synchronous
// standby ends its wait when it is cancelled, with success and a warning. What it
// wrote, a failover loses: its caller must not be told success.
func TestASuccessAfterTheCancelRequestIsNone(t *testing.T) {
	ctx := t.Context()
	primary := pgserver.Run(t, pgserver.Options{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(primary.Exec(ctx, "CREATE TABLE ledger (token bigint)"))
	standby, err := primary.StartStandby(ctx)
	must(err)
	t.Cleanup(func() { _ = standby.Close() })
	must(primary.WaitStreaming(ctx, standby))
	must(primary.Exec(ctx, "ALTER SYSTEM SET synchronous_standby_names = '*'"))
	must(primary.Exec(ctx, "SELECT pg_reload_conf()"))
	for state := ""; state != "sync"; {
		rows, err := primary.Query(ctx, "SELECT sync_state FROM pg_stat_replication")
		must(err)
		if len(rows) == 1 {
			state = rows[0][0]
		}
	}

	var token int64
	var acknowledged []int64
	write := func(ctx context.Context, db *sql.DB, do func(context.Context, *sql.DB, int64) error) error {
		token++
		err := do(ctx, db, token)
		if err == nil {
			acknowledged = append(acknowledged, token)
		}
		return err
	}
	dbs := map[string]*sql.DB{}
	for name, connect := range asking {
		c, err := connect(primary.DSN("postgres"))
		must(err)
		pool, err := sqlpool.New(sqlpool.Config{Connector: c, MaxConns: 2})
		must(err)
		db := sqlpool.OpenDB(pool)
		defer db.Close()
		dbs[name] = db
		for _, do := range writes {
			must(write(ctx, db, do))
		}
	}
	must(standby.Pause())
	for name, db := range dbs {
		for way, do := range writes {
			limited, cancel := context.WithCancel(ctx)
			result := make(chan error, 1)
			go func() { result <- write(limited, db, do) }()
			for waits := false; !waits; {
				rows, err := primary.Query(ctx, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
				must(err)
				waits = len(rows) > 0
			}
			cancel()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v, want the context's error", name, way, err)
			} else {
				t.Logf("%s, %s: %v", name, way, err)
			}
		}
	}
	must(primary.KillPostmaster())
	must(standby.Resume())
	must(standby.Promote(ctx))
	rows, err := standby.Query(ctx, "SELECT token FROM ledger")
	must(err)
	kept := map[string]bool{}
	for _, row := range rows {
		kept[row[0]] = true
	}
	var lost []string
	for _, token := range acknowledged {
		if s := strconv.FormatInt(token, 10); !kept[s] {
			lost = append(lost, s)
		}
	}
	slices.Sort(lost)
	if len(lost) > 0 {
		t.Errorf("the failover lost %d of %d acknowledged writes: %s", len(lost), len(acknowledged), strings.Join(lost, " "))
	}
}
