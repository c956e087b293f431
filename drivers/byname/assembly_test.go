package byname

import (
	"database/sql"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// The limits that hooks keep are those of the settings.
func TestLimitsAreKept(t *testing.T) {
	exec := func(t *testing.T, db *sql.DB, times int) {
		for range times {
			if _, err := db.Exec("SELECT 1"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
	}
	for _, c := range []struct {
		name, dsn string
		check     func(t *testing.T, db *sql.DB, fake *fakedb.DB)
	}{
		{"lifetime", "pool_max_conn_lifetime=100 pool_max_conn_lifetime_jitter=0 pool_max_conn_idle_time=0 pool_max_uses=0 pool_max_conns=8 pool_min_idle=8",
			func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
				exec(t, db, 1)
				time.Sleep(99 * time.Second)
				synctest.Wait()
				if n := fake.Counts().Connects; n != 8 {
					t.Errorf("%d dials before the end of the first lifetime", n)
				}
				// MinIdle needs all eight, and MaxConns leaves no room for a ninth: each sweep replaces
				// one at least, and keeps the others while its dial is under way.
				time.Sleep(8 * sqlpool.DefaultSweepInterval)
				synctest.Wait()
				time.Sleep(sqlpool.DefaultSweepInterval / 2) // the last dial may be held back for a moment
				synctest.Wait()
				if c := fake.Counts(); c.Connects != 16 || c.Live != 8 {
					t.Errorf("%d dials and %d connections eight sweeps after the end of the first lifetime", c.Connects, c.Live)
				}
			}},
		{"idle time", "pool_max_conn_lifetime=0 pool_max_conn_idle_time=10 pool_max_uses=0 pool_min_idle=0",
			func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
				exec(t, db, 1)
				time.Sleep(9 * time.Second)
				synctest.Wait()
				if n := fake.Counts().Live; n != 1 {
					t.Errorf("%d connections before the end of the idle time", n)
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if n := fake.Counts().Live; n != 0 {
					t.Errorf("%d connections after it", n)
				}
			}},
		{"uses", "pool_max_conn_lifetime=0 pool_max_conn_idle_time=0 pool_max_uses=3 pool_min_idle=0",
			func(t *testing.T, db *sql.DB, fake *fakedb.DB) {
				exec(t, db, 7)
				if c := fake.Counts(); c.Connects != 3 || c.Live != 1 {
					t.Errorf("%d dials for 7 statements, %d connections", c.Connects, c.Live)
				}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, fake := fake()
				db := open(t, d, c.dsn)
				defer db.Close()
				c.check(t, db, fake)
			})
		})
	}
}
