//go:build unix

package drivers

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// One call has settings as numbers, a provider of the password, hooks of one's own and
// hooks that are made of what the handle has.
func TestOpenWithOptions(t *testing.T) {
	setenv(t, "POOL_MAX_SIZE=9", "POOL_NAME=env")
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	must(t, server.Exec(t.Context(), "CREATE ROLE app LOGIN PASSWORD 'fresh'"))
	at := server.TCP()
	dsn := fmt.Sprintf("postgres://app@%s:%d/postgres?sslmode=disable&pool_max_conns=4&pool_acquire_timeout=20s", at.Host, at.Port)
	eachDriver(t, func(t *testing.T, name string) {
		var opened, made atomic.Int64
		provider := PGXOptions(pgxv5.BeforeConnect(func(_ context.Context, cfg *pgx.ConnConfig) error {
			cfg.Password = "fresh"
			return nil
		}))
		if name == PQ {
			provider = PQOptions(libpq.BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
				cfg.Password = "fresh"
				return nil
			}))
		}
		h, err := Open(name, dsn, Setting("pool_max_conns", 3), Setting("pool_max_conn_lifetime", 10*time.Minute), Setting("pool_hide_statements", true),
			Setting("pool_backoff_factor", 1.5), provider,
			WithHooks(sqlpool.Hooks{OnOpen: func(sqlpool.Opened) { opened.Add(1) }}),
			WithHooksOf(func(h *Handle) []sqlpool.Hooks {
				if h.Health != nil && h.Leaks != nil && h.Pool == nil && len(h.Settings()) == settings() {
					made.Add(1)
				}
				return nil
			}))
		must(t, err)
		defer h.DB.Close()
		must(t, h.Pool.Warm(t.Context()))
		must(t, h.DB.PingContext(t.Context()))
		if opened.Load() == 0 || made.Load() != 1 || h.Health == nil || h.Leaks == nil {
			t.Errorf("%d dials seen, %d hooks made, %+v", opened.Load(), made.Load(), h)
		}
		cfg := h.Pool.Config()
		if cfg.MaxConns != 3 || cfg.AcquireTimeout != 20*time.Second || cfg.Name != "env" || !cfg.HideStatements || cfg.Backoff.Factor != 1.5 {
			t.Errorf("%+v", cfg)
		}
		for setting, want := range map[string]string{"pool_max_conns": "3 option", "pool_max_conn_lifetime": "10m option", "pool_acquire_timeout": "20s " + SourceDSN, "pool_max_uses": "50000 default"} {
			i := slices.IndexFunc(h.Settings(), func(s sqlpool.Setting) bool { return s.Name == setting })
			if s := h.Settings()[i]; s.Value+" "+s.Source != want {
				t.Errorf("%s: %q from %q, want %q", setting, s.Value, s.Source, want)
			}
		}
		h.DB.SetMaxOpenConns(2)
		if i := slices.IndexFunc(h.Settings(), func(s sqlpool.Setting) bool { return strings.Contains(s.Note, "SetMaxOpenConns(2)") }); i < 0 {
			t.Error("a SetMaxOpenConns below the limit has no note")
		}
	})
}

func TestOptionsThatAreWrong(t *testing.T) {
	setenv(t)
	for want, opt := range map[string]Option{
		`pool_max_conns is "0" in an option: it must be a whole number from 1 to 262143`:             Setting("pool_max_conns", 0),
		`pool_acquire_timeout is "-1s" in an option`:                                                 Setting("pool_acquire_timeout", -time.Second),
		`max_conns is "3" in an option: no setting has this name; did you mean pool_max_conns`:       Setting("max_conns", 3),
		`a value of a setting cannot be a []int; give a number, a time.Duration, a bool or a string`: Setting("pool_max_conns", []int{1}),
		`there are options for the connector of "sqlpool-pq", and the driver is "sqlpool-pgx"`:       PQOptions(libpq.BeforeConnect(nil)),
		`pool_min_idle is "30" in an option: it must not exceed pool_max_conns, which is 10`:         Setting("pool_min_idle", 30),
	} {
		if _, err := Open(PGX, nowhere, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestHandleOfADatabaseOfSQLOpen(t *testing.T) {
	setenv(t)
	eachDriver(t, func(t *testing.T, name string) {
		db, err := sql.Open(name, nowhere+"&pool_name=orders&pool_leak_detection=off")
		must(t, err)
		h, ok := HandleOf(db)
		if !ok || h.DB != db || h.Pool.Name() != "orders" || h.Health == nil || h.Leaks != nil || len(h.Settings()) != settings() {
			t.Fatalf("%v, %+v", ok, h)
		}
		must(t, db.Close())
		if s := h.Pool.Stats(); s.State != sqlpool.StateClosed {
			t.Errorf("after db.Close the pool is %v", s.State)
		}
		unused, err := sql.Open(name, nowhere)
		must(t, err)
		must(t, unused.Close())
		if _, ok := HandleOf(unused); ok {
			t.Error("a database that was closed before its first use has a handle")
		}
	})
	other := sql.OpenDB(refusedConnector{})
	defer other.Close()
	if _, ok := HandleOf(other); ok {
		t.Error("another driver's database has a handle")
	}
	if _, err := Open(PGX, "postgres://u@h:port/db"); err == nil || errors.Is(err, sql.ErrConnDone) {
		t.Error(err)
	}
}

type refusedConnector struct{}

func (refusedConnector) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("refused")
}
func (refusedConnector) Driver() driver.Driver { return &pq.Driver{} }

// Tracers label a database by the type of its driver.
func TestTheTwoNamesHaveDriversOfTheirOwnTypes(t *testing.T) {
	types := map[string]bool{}
	for _, name := range []string{PGX, PQ} {
		db, err := sql.Open(name, nowhere)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, ok := db.Driver().(driver.DriverContext); !ok {
			t.Errorf("%T opens no connector", db.Driver())
		}
		types[fmt.Sprintf("%T", db.Driver())] = true
	}
	if len(types) != 2 {
		t.Errorf("types %v, want two", types)
	}
}
