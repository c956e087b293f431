package docs

import (
	"context"
	"database/sql"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/hooks/fleet"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

func TestSizingMeasuresWhatIsBusy(t *testing.T) {
	cfg, err := drivers.Config(drivers.PGX, pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	var held atomic.Int64 // nanoseconds, over all loans
	busy := sqlpool.Hooks{OnRelease: func(e sqlpool.Released) { held.Add(int64(e.Held)) }}
	cfg.Hooks = append(cfg.Hooks, busy)
	pool, err := sqlpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sqlpool.OpenDB(pool)
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "SELECT pg_sleep(0.05)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil { // a loan that is kept for a moment has ended by then
		t.Fatal(err)
	}
	if got := time.Duration(held.Load()); got < 50*time.Millisecond {
		t.Errorf("held for %v", got)
	}
}

func TestSizingFollowsTheFleet(t *testing.T) {
	h, err := drivers.Open(drivers.PGX, pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	pool := h.Pool
	if err := share(pool, 60, 12); err != nil || pool.Stats().MaxConns != 5 {
		t.Errorf("%+v (%v)", pool.Stats(), err)
	}
}

func share(pool *sqlpool.Pool, budget, instances int) error {
	if err := pool.Resize(budget/instances, 1); err != nil {
		return err
	}
	return nil
}

func TestPoolersURL(t *testing.T) {
	db, err := sql.Open("sqlpool-pgx", "postgres://app@pgbouncer.example:6432/orders?pool_statements=text&default_query_exec_mode=exec")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil { // nothing was dialed
		t.Fatal(err)
	}
}

func TestPoolersStatementsAsText(t *testing.T) {
	dsn := pgserver.Database(t)
	db, err := sql.Open("sqlpool-pgx", dsn+"&pool_statements=text&default_query_exec_mode=exec")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT $1::int", 7).Scan(&n); err != nil || n != 7 {
		t.Errorf("got %d (%v)", n, err)
	}
}

// Both forms of several hosts, as the guide has them, lead both drivers to the one that takes writes, and a pool for
// reads to the other.
func TestFailoverHosts(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	copied, err := server.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	ports := regexp.MustCompile(`port='?\d+'?`)
	both := strings.Replace(server.TCP().KeyValue("postgres"), "host='127.0.0.1'", "host='127.0.0.1,127.0.0.1'", 1)
	second, first := port(server.TCP()), port(copied.TCP()) // the standby comes first
	hosts := ports.ReplaceAllString(both, "port='"+first+","+second+"'")
	url := "postgres://postgres@127.0.0.1,127.0.0.1/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=2&port=" + first + "," + second

	for _, driver := range []string{"sqlpool-pgx", "sqlpool-pq"} {
		db, err := sql.Open(driver, url)
		if err != nil {
			t.Fatal(err)
		}
		if in, err := recovering(t.Context(), db); err != nil || in {
			t.Errorf("%s, as a URL: in recovery %v (%v)", driver, in, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := split(t, hosts); err != nil {
		t.Error(err)
	}
}

func split(t *testing.T, hosts string) error {
	primary, err := sql.Open("sqlpool-pgx", hosts+" target_session_attrs=read-write pool_name=orders")
	if err != nil {
		return err
	}
	standby, err := sql.Open("sqlpool-pgx", hosts+" target_session_attrs=prefer-standby pool_name=orders-read")
	if err != nil {
		return err
	}

	for db, want := range map[*sql.DB]bool{primary: false, standby: true} {
		if in, err := recovering(t.Context(), db); err != nil || in != want {
			t.Errorf("in recovery %v, want %v (%v)", in, want, err)
		}
	}
	pool, _ := drivers.PoolOf(primary)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err = pool.Recycle(ctx, 5*time.Minute)
	if err == nil {
		t.Error("the window was not kept to")
	}
	_ = standby.Close()
	return primary.Close()
}

func port(e pgserver.Endpoint) string {
	return regexp.MustCompile(`port='?(\d+)`).FindStringSubmatch(e.KeyValue("postgres"))[1]
}

func recovering(ctx context.Context, db *sql.DB) (in bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&in)
	return in, err
}

func TestSizingSharesALimitByHand(t *testing.T) {
	cfg, err := drivers.Config(drivers.PGX, pgserver.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	connector := cfg.Connector
	f := fleet.New(fleet.Config{Group: "orders", MaxConns: 80})
	pool, err := sqlpool.New(sqlpool.Config{Connector: connector, MaxConns: 80, Hooks: []sqlpool.Hooks{f.Hooks()}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := f.Status(); len(s.Members) != 1 || s.Share != 1 || s.Limit != 80 {
		t.Errorf("%+v", s)
	}
}
