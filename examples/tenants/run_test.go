package tenants_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/lib/pq"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/drivers/libpq"
	"github.com/sqlpool/go/drivers/pgxv5"
	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// The default search_path begins with the schema of the current role's name, so
// that a role brings its schema with it.
const tenancy = `
	CREATE ROLE app LOGIN PASSWORD 'app';
	CREATE ROLE ada LOGIN PASSWORD 'of ada'; CREATE ROLE bob LOGIN PASSWORD 'of bob'; CREATE ROLE eve;
	GRANT ada, bob TO app;
	CREATE SCHEMA AUTHORIZATION ada CREATE TABLE notes (writer text NOT NULL);
	CREATE SCHEMA AUTHORIZATION bob CREATE TABLE notes (writer text NOT NULL);`

var tenants = []string{"ada", "bob"}

// serve starts a server with tenants and returns how the application reaches it.
func serve(t *testing.T) (dsn string) {
	t.Helper()
	server := pgserver.Run(t, pgserver.Options{PasswordAuth: true})
	if err := server.Exec(t.Context(), tenancy); err != nil {
		t.Fatal(err)
	}
	at := server.TCP()
	return fmt.Sprintf("host=%s port=%d user=app password=app dbname=postgres sslmode=disable", at.Host, at.Port)
}

func open(t *testing.T, driver, dsn string, opts ...drivers.Option) *drivers.Handle {
	t.Helper()
	h, err := drivers.Open(driver, dsn, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.DB.Close() })
	return h
}

// execer is *sql.DB and *sql.Tx.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// note writes a note as the tenant who it is for, and looks whether others' notes
// are beside it.
func note(ctx context.Context, db execer, tenant string) error {
	if _, err := db.ExecContext(ctx, "INSERT INTO notes VALUES ($1)", tenant); err != nil {
		return err
	}
	var role string
	var others int
	err := db.QueryRowContext(ctx, "SELECT current_user, count(*) FILTER (WHERE writer <> $1) FROM notes", tenant).Scan(&role, &others)
	if err == nil && (role != tenant || others > 0) {
		err = fmt.Errorf("%s is %s and sees %d notes of others", tenant, role, others)
	}
	return err
}

// concurrently runs f for callers of all tenants at once.
func concurrently(t *testing.T, f func(tenant string) error) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			for j := range 20 {
				if err := f(tenants[(i+j)%len(tenants)]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestARoleForATransaction(t *testing.T) {
	dsn := serve(t)
	for _, driver := range []string{drivers.PGX, drivers.PQ} {
		t.Run(driver, func(t *testing.T) {
			h := open(t, driver, dsn, drivers.Setting("pool_max_conns", 3))
			concurrently(t, func(tenant string) error {
				return asTenant(t.Context(), h.DB, tenant, func(tx *sql.Tx) error { return note(t.Context(), tx, tenant) })
			})
			var role string
			if err := h.DB.QueryRow("SELECT current_user").Scan(&role); err != nil || role != "app" {
				t.Errorf("after the transactions the role is %q (%v)", role, err)
			}
		})
	}
}

func TestARoleForALoan(t *testing.T) {
	dsn := serve(t)
	for _, driver := range []string{drivers.PGX, drivers.PQ} {
		for _, reset := range []string{"rollback", "clean"} {
			t.Run(driver+" "+reset, func(t *testing.T) {
				h := open(t, driver, dsn, drivers.Setting("pool_max_conns", 3), drivers.Setting("pool_min_idle", 0),
					drivers.Setting("pool_reset", reset), drivers.WithHooks((&Roles{}).Hooks()))
				as := func(tenant string) context.Context { return context.WithValue(t.Context(), tenantKey{}, tenant) }
				concurrently(t, func(tenant string) error { return note(as(tenant), h.DB, tenant) })

				before := h.Pool.Stats()
				if _, err := h.DB.ExecContext(t.Context(), "SELECT 1"); !errors.Is(err, errNoTenant) {
					t.Errorf("without a tenant: %v", err)
				}
				for _, stranger := range []string{"eve", "nobody", `ada"; RESET ROLE; --`} {
					var refused *sqlpool.CallerRefused
					if _, err := h.DB.ExecContext(as(stranger), "SELECT 1"); !errors.As(err, &refused) {
						t.Errorf("%s: %v", stranger, err)
					}
				}
				if err := note(as("bob"), h.DB, "bob"); err != nil {
					t.Error(err)
				}
				if after := h.Pool.Stats(); after.DialCount != before.DialCount || after.CloseCount != before.CloseCount {
					t.Errorf("a refused caller cost a connection: %+v", after)
				}
				changedByHand(t, h.DB, as("ada"), reset == "clean")
			})
		}
	}
}

// changedByHand has a borrower change the role behind the hook's back:
// pool_reset=clean ends that with the loan, and without it the next loan of the same
// tenant has the other's role.
func changedByHand(t *testing.T, db *sql.DB, ada context.Context, clean bool) {
	t.Helper()
	if _, err := db.ExecContext(ada, "SET ROLE bob"); err != nil {
		t.Error(err)
	}
	var role string
	want := map[bool]string{true: "ada", false: "bob"}[clean]
	if err := db.QueryRowContext(ada, "SELECT current_user").Scan(&role); err != nil || role != want {
		t.Errorf("the next loan of ada is %q's, want %q's (%v)", role, want, err)
	}
}

func TestCredentialsOfEachTenant(t *testing.T) {
	dsn := serve(t)
	for driver, options := range map[string]func(tenant string) []drivers.Option{
		drivers.PGX: ofPgx, drivers.PQ: ofPQ,
	} {
		t.Run(driver, func(t *testing.T) {
			d := &Databases{Driver: driver, DSN: dsn, Options: options}
			concurrently(t, func(tenant string) error {
				db, err := d.Of(tenant)
				if err != nil {
					return err
				}
				return note(t.Context(), db, tenant)
			})
			for tenant, h := range d.open {
				if s := h.Pool.Stats(); s.MaxConns != 2 || s.DialCount > 2 {
					t.Errorf("%s: %+v", tenant, s)
				}
				if err := h.DB.Close(); err != nil {
					t.Error(err)
				}
			}
			if len(d.open) != len(tenants) {
				t.Errorf("%d pools", len(d.open))
			}
		})
	}
}

// password stands for a store of secrets.
func password(tenant string) string { return "of " + tenant }

func ofPgx(tenant string) []drivers.Option {
	return []drivers.Option{drivers.PGXOptions(pgxv5.BeforeConnect(func(_ context.Context, cfg *pgx.ConnConfig) error {
		cfg.User, cfg.Password = tenant, password(tenant)
		return nil
	}))}
}

func ofPQ(tenant string) []drivers.Option {
	return []drivers.Option{drivers.PQOptions(libpq.BeforeConnect(func(_ context.Context, cfg *pq.Config) error {
		cfg.User, cfg.Password = tenant, password(tenant)
		return nil
	}))}
}

// A dial is the pool's: it does not see the context of the caller who waits for it.
func TestADialHasNoTenant(t *testing.T) {
	dsn := serve(t)
	seen := make(chan any, 100)
	for driver, options := range map[string]drivers.Option{
		drivers.PGX: drivers.PGXOptions(pgxv5.BeforeConnect(func(ctx context.Context, _ *pgx.ConnConfig) error {
			seen <- ctx.Value(tenantKey{})
			return nil
		})),
		drivers.PQ: drivers.PQOptions(libpq.BeforeConnect(func(ctx context.Context, _ *pq.Config) error {
			seen <- ctx.Value(tenantKey{})
			return nil
		})),
	} {
		h := open(t, driver, dsn, drivers.Setting("pool_min_idle", 0), options)
		if err := h.DB.PingContext(context.WithValue(t.Context(), tenantKey{}, "ada")); err != nil {
			t.Fatal(err)
		}
		if tenant := <-seen; tenant != nil {
			t.Errorf("%s: a dial for %v", driver, tenant)
		}
	}
}

// Every Go block of the guide stands in a file of this package word for word.
func TestTheGuideIsThisCode(t *testing.T) {
	guide, err := os.ReadFile("../../docs/tenants.md")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, file := range []string{"tenants_test.go", "run_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	for _, b := range blocks {
		if !strings.Contains(source.String(), "\n"+b[1]) {
			t.Errorf("docs/tenants.md has what no file here has:\n%s", b[1])
		}
	}
	if len(blocks) < 4 {
		t.Errorf("only %d blocks", len(blocks))
	}
}
