package docs

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func TestMigratingFromDatabaseSQL(t *testing.T) {
	dsn := pgserver.Database(t)
	for name, use := range map[string]func(context.Context, *sql.DB) error{
		"sqlpool-pgx": unwrapPgx, "sqlpool-pq": unwrapAny,
	} {
		db, err := sql.Open(name, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := use(t.Context(), db); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s, err := figures(db); err != nil || s.AcquireCount == 0 {
			t.Errorf("%s: %+v (%v)", name, s, err)
		}
	}
}

func TestMigratingLeavesOneWord(t *testing.T) {
	db, err := sql.Open("sqlpool-pq", "postgres://app@db.example/orders?pool_max_conns=20")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func unwrapPgx(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE items (id int)"); err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()

	// Was: conn.Raw(func(c any) error { pgxConn := c.(*stdlib.Conn).Conn(); … })
	err = pgxv5.Raw(conn, func(c *pgx.Conn) error {
		_, err := c.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id"}, pgx.CopyFromRows([][]any{{1}, {2}}))
		return err
	})
	return err
}

func unwrapAny(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		if session, ok := c.(interface{ Raw() driver.Conn }); ok {
			c = session.Raw()
		}
		_, ok := c.(driver.QueryerContext) // c is what it would be without the pool
		if !ok {
			return errors.New("not the driver's connection")
		}
		return nil
	})
	return err
}

func figures(db *sql.DB) (sqlpool.Stats, error) {
	read := func() (sqlpool.Stats, error) { return sqlpool.Stats{}, nil }
	err := func() error {
		h, ok := drivers.HandleOf(db)
		if !ok {
			return errors.New("not opened under one of the pool's names")
		}
		stats := h.Pool.Stats() // db.Stats() counts sessions
		read = func() (sqlpool.Stats, error) { return stats, nil }
		return nil
	}()
	if err != nil {
		return sqlpool.Stats{}, err
	}
	return read()
}

func TestMigratingRetries(t *testing.T) {
	again := 0
	insert := func(context.Context) error { again++; return nil }
	retry := func(ctx context.Context, err error) error {
		var lost *sqlpool.ConnLostError
		if errors.As(err, &lost) && lost.SafeToRetry() {
			err = insert(ctx) // nothing of the first one reached the server
		}
		return err
	}
	if err := retry(t.Context(), &sqlpool.ConnLostError{Sent: true}); err == nil || again != 0 {
		t.Error("what may have been written was written again")
	}
	if err := retry(t.Context(), &sqlpool.ConnLostError{}); err != nil || again != 1 {
		t.Errorf("not retried: %v", err)
	}
}

func TestMigratingFromPgxpool(t *testing.T) {
	db, err := fromPgxpool(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var name string
	if err := db.QueryRowContext(t.Context(), "SHOW application_name").Scan(&name); err != nil || name != "orders" {
		t.Errorf("application_name is %q (%v)", name, err)
	}
}

func registerTypes(context.Context, *pgx.Conn) error { return nil }

func fromPgxpool(dsn string) (*sql.DB, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = "orders"
	pool, err := sqlpool.New(sqlpool.Config{
		Connector: pgxv5.ConnectorConfig(cfg, pgxv5.AfterConnect(registerTypes)),
		Name:      "orders",
		MaxConns:  20,
		Hooks:     []sqlpool.Hooks{recycle.MaxLifetime(time.Hour), recycle.MaxIdleTime(time.Minute)},
	})
	if err != nil {
		return nil, err
	}
	db := sqlpool.OpenDB(pool)
	return db, nil
}

// The settings of pgxpool that the guide says are taken are taken, and say the same.
func TestMigratingSettingsOfPgxpool(t *testing.T) {
	cfg, err := drivers.Config(drivers.PGX, "postgres://app@h/d?pool_max_conns=7&pool_min_conns=3&pool_max_conn_lifetime=30m"+
		"&pool_max_conn_lifetime_jitter=1m&pool_max_conn_idle_time=10m&pool_health_check_period=15s")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxConns != 7 || cfg.MinIdle != 3 || cfg.SweepInterval != 15*time.Second {
		t.Errorf("got %+v", cfg)
	}
}

// A connection string that is wrong, and a name of pgx's registry, are refused by
// sql.Open and not by the first use.
func TestMigratingOpenRefusesWhatIsWrong(t *testing.T) {
	cfg, err := pgx.ParseConfig("postgres://app@127.0.0.1:1/orders")
	if err != nil {
		t.Fatal(err)
	}
	registered := stdlib.RegisterConnConfig(cfg)
	defer stdlib.UnregisterConnConfig(registered)
	for name, dsn := range map[string]string{"sqlpool-pgx": registered, "sqlpool-pq": "postgres://app@127.0.0.1:1/orders?sslmode=perhaps"} {
		if db, err := sql.Open(name, dsn); err == nil {
			db.Close()
			t.Errorf("%s takes %q", name, dsn)
		}
	}
	for name, dsn := range map[string]string{"pgx": "postgres://app@127.0.0.1:1/orders?sslmode=perhaps", "postgres": "postgres://app@127.0.0.1:1/orders?sslmode=perhaps"} {
		db, err := sql.Open(name, dsn)
		if err != nil {
			t.Errorf("plain %s says it in sql.Open: the guide is wrong: %v", name, err)
			continue
		}
		if err := db.PingContext(t.Context()); err == nil {
			t.Errorf("plain %s takes %q", name, dsn)
		}
		db.Close()
	}
}

// The mode that gorm's PreferSimpleProtocol would set reaches pgx from the
// connection string.
func TestMigratingSimpleProtocol(t *testing.T) {
	db, err := sql.Open("sqlpool-pgx", pgserver.Database(t)+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = pgxv5.Raw(conn, func(c *pgx.Conn) error {
		if mode := c.Config().DefaultQueryExecMode; mode != pgx.QueryExecModeSimpleProtocol {
			t.Errorf("the mode is %v", mode)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func withNotices(dsn string) (*drivers.Handle, error) {
	h, err := drivers.Open(drivers.PQ, dsn,
		drivers.Setting("pool_max_conns", 20),
		drivers.PQOptions(libpq.WithNoticeHandler(func(n *pq.Error) { log.Print(n.Severity, ": ", n.Message) })))
	if err != nil {
		return nil, err
	}
	return h, nil
}

func TestMigratingNotices(t *testing.T) {
	var said strings.Builder
	log.SetOutput(&said)
	defer log.SetOutput(os.Stderr)
	h, err := withNotices(pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	if _, err := h.DB.ExecContext(t.Context(), "DO $$BEGIN RAISE NOTICE 'look'; END$$"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "NOTICE: look") {
		t.Errorf("logged %q", said.String())
	}
}
