package byname

import (
	"bytes"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
)

// The standard assembly finds leaks, and a program can ask by the *sql.DB.
func TestAnOpenDatabaseTellsItsLeaksAndHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setenv(t)
		d, _ := fake()
		db := open(t, d, "pool_leak_after=5")
		defer db.Close()
		rows, err := db.Query("SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Second)
		leaks, ok := LeaksOf(db)
		if !ok || leaks.Leaks() != 1 {
			t.Errorf("%v, %v", leaks, ok)
		}
		if holders := leaks.Holders(); len(holders) != 1 || holders[0].LastStatement != "SELECT 1" {
			t.Errorf("%v", holders)
		}
		monitor, ok := HealthOf(db)
		if !ok || monitor.Status().State != health.Degraded {
			t.Errorf("%+v, %v", monitor.Status(), ok)
		}
		rows.Close()
		time.Sleep(2 * time.Second)
		if s := monitor.Status(); s.State != health.Healthy {
			t.Errorf("%+v", s)
		}
	})
}

func TestLeaksAreLoggedOnlyOnRequest(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	for _, c := range []struct {
		setting string
		logged  bool
	}{{"", false}, {" pool_log=slog", true}} {
		synctest.Test(t, func(t *testing.T) {
			setenv(t)
			var out bytes.Buffer
			slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
			d, _ := fake()
			db := open(t, d, "pool_leak_after=5"+c.setting)
			rows, err := db.Query("SELECT 1")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(7 * time.Second)
			rows.Close()
			db.Close()
			if got := strings.Contains(out.String(), leak.MsgLeaked); got != c.logged {
				t.Errorf("%q: %q", c.setting, out.String())
			}
		})
	}
}

func TestPolicySettingsReachTheirHooks(t *testing.T) {
	for _, c := range []struct {
		name, dsn string
		check     func(t *testing.T, db *sql.DB, fake *fakedb.DB)
	}{
		{"keepalive", "pool_keepalive=10", func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
			time.Sleep(25 * time.Second)
			if n := fake.Counts().Pings; n < 4 {
				t.Errorf("%d pings of two idle connections in 25 s, want two each", n)
			}
		}},
		{"check on acquire", "pool_check_on_acquire=on", func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
			if _, err := db.Exec("SELECT 1"); err != nil || fake.Counts().Pings == 0 {
				t.Errorf("%v, %d pings", err, fake.Counts().Pings)
			}
		}},
		{"reset", "pool_reset=clean pool_min_idle=0", func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
			if _, err := db.Exec("SELECT 1"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := fake.Counts().Execs; n != 3 { // one reset after the ping
				t.Errorf("%d statements, want the caller's and a reset after each loan", n)
			}
		}},
		{"reclaim", "pool_leak_after=2 pool_leak_reclaim=yes pool_max_conns=1", func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec("SELECT 1"); err != nil {
				t.Errorf("the leak was not reclaimed: %v", err)
			}
			tx.Rollback()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				setenv(t)
				d, fake := fake()
				db := open(t, d, c.dsn)
				defer db.Close()
				if err := db.Ping(); err != nil {
					t.Fatal(err)
				}
				c.check(t, db, fake)
			})
		})
	}
}
