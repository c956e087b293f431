//go:build unix

package drivers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
)

// with adds settings to the tests' connection string, in its form.
func with(dsn, params string) string {
	switch {
	case !strings.Contains(dsn, "://"):
		return dsn + " " + params
	case strings.Contains(dsn, "?"):
		return dsn + "&" + strings.ReplaceAll(params, " ", "&")
	default:
		return dsn + "?" + strings.ReplaceAll(params, " ", "&")
	}
}

func eachDriver(t *testing.T, f func(t *testing.T, name string)) {
	for _, name := range []string{PGX, PQ} {
		t.Run(name, func(t *testing.T) { f(t, name) })
	}
}

// The server refuses a parameter that it does not know: that it lets us in
// shows that no setting reached it, and that the others did.
func checkSettings(t *testing.T, db *sql.DB) {
	t.Helper()
	var app string
	if err := db.QueryRow("SHOW application_name").Scan(&app); err != nil || app != "settings test" {
		t.Errorf("application_name is %q, %v", app, err)
	}
	var n int
	if err := db.QueryRow("SELECT $1::int + 1", 41).Scan(&n); err != nil || n != 42 {
		t.Errorf("%d, %v", n, err)
	}
	pool, ok := PoolOf(db)
	if !ok || pool.Stats().MaxConns != 3 || pool.Name() != "orders" || pool.Config().MinIdle != 1 {
		t.Errorf("%v, %+v", ok, pool.Stats())
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if s := pool.Stats(); s.Open != 0 {
		t.Errorf("%d connections are open after db.Close", s.Open)
	}
}

func TestSettingsOnAServer(t *testing.T) {
	setenv(t, "POOL_MIN_SIZE=1")
	server := pgserver.Shared(t)
	const settings = "pool_max_conns=3 pool_name=orders pool_max_conn_lifetime=10m"
	for form, dsn := range map[string]string{
		"url":      with(server.TCP().URL("postgres"), settings+" application_name=settings%20test"),
		"keyvalue": with(server.TCP().KeyValue("postgres"), settings+" application_name='settings test'"),
		"socket":   with(server.Socket().KeyValue("postgres"), settings+" application_name='settings test'"),
	} {
		t.Run(form, func(t *testing.T) {
			eachDriver(t, func(t *testing.T, name string) {
				db, err := sql.Open(name, dsn)
				if err != nil {
					t.Fatal(err)
				}
				checkSettings(t, db)
			})
		})
	}
	t.Run("DATABASE_URL", func(t *testing.T) {
		t.Setenv("DATABASE_URL", with(server.DSN("postgres"), settings+" application_name=settings%20test"))
		eachDriver(t, func(t *testing.T, name string) {
			db, err := sql.Open(name, "")
			if err != nil {
				t.Fatal(err)
			}
			checkSettings(t, db)
		})
	})
}

// The first host refuses.
func TestSeveralHosts(t *testing.T) {
	good := pgserver.Shared(t).TCP()
	for name, dsn := range map[string]string{
		PGX: strings.Replace(good.URL("postgres"), "@", "@127.0.0.1:1,", 1),
		PQ:  strings.Replace(strings.Replace(good.KeyValue("postgres"), "host='", "host='127.0.0.1,", 1), "port='", "port='1,", 1),
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open(name, with(dsn, "pool_max_conns=2"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Ping(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenWarmsUp(t *testing.T) {
	setenv(t)
	eachDriver(t, func(t *testing.T, name string) {
		h, err := Open(name, with(pgserver.DSN(t), "pool_min_idle=2"))
		if err != nil {
			t.Fatal(err)
		}
		db, pool := h.DB, h.Pool
		defer db.Close()
		if err := pool.Warm(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s := pool.Stats(); s.Idle < 2 {
			t.Errorf("%d idle after Warm", s.Idle)
		}
		if _, err := db.Exec("SELECT 1"); err != nil {
			t.Error(err)
		}
	})
}

func TestDriverOpenOnAServer(t *testing.T) {
	eachDriver(t, func(t *testing.T, name string) {
		db, err := sql.Open(name, "")
		must(t, err)
		defer db.Close()
		conn, err := db.Driver().Open(pgserver.DSN(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.(driver.Pinger).Ping(context.Background()); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}
