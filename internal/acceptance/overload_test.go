package acceptance

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

// load is so many callers a second, as a part of what four connections can do
// with statements of 20 ms, for so long.
type load struct {
	part    float64
	lasts   time.Duration
	counted bool
}

// offer has callers come, each with a deadline of a second, and returns how many
// of those that count were served. They come at the same time whatever db makes
// of them.
func offer(ctx context.Context, db *sql.DB, loads []load) (came, served int64) {
	var wg sync.WaitGroup
	var done atomic.Int64
	for _, l := range loads {
		begin := time.Now()
		tick := time.NewTicker(time.Millisecond)
		for sent := 0; time.Since(begin) < l.lasts; <-tick.C {
			for ; float64(sent) < time.Since(begin).Seconds()*200*l.part; sent++ {
				if l.counted {
					came++
				}
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					if _, err := db.ExecContext(ctx, "SELECT pg_sleep(0.02)"); err == nil && l.counted {
						done.Add(1)
					}
				})
			}
		}
		tick.Stop()
	}
	wg.Wait()
	return came, done.Load()
}

// Under more load than the connections can bear, and after it, the pool serves
// as many callers as database/sql does on the same driver. Both have the same
// load at the same time.
func TestOverloadServesAsManyAsPlain(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{MaxConnections: 50})
	dsn := server.DSN("postgres")
	for _, tt := range []struct {
		name  string
		loads []load
	}{
		{"after 200 %", []load{{0.85, time.Second, false}, {2, 2 * time.Second, false}, {0.85, 4 * time.Second, true}}},
		{"steady 150 %", []load{{1.5, 1500 * time.Millisecond, false}, {1.5, 3 * time.Second, true}}},
	} {
		for _, driver := range []struct{ ours, plain string }{{"sqlpool-pgx", "pgx"}, {"sqlpool-pq", "postgres"}} {
			t.Run(tt.name+" "+driver.plain, func(t *testing.T) {
				ours, err := sql.Open(driver.ours, dsn+"&pool_max_conns=4")
				if err != nil {
					t.Fatal(err)
				}
				defer ours.Close()
				plain, err := sql.Open(driver.plain, dsn)
				if err != nil {
					t.Fatal(err)
				}
				defer plain.Close()
				plain.SetMaxOpenConns(4)
				plain.SetMaxIdleConns(4)

				var wg sync.WaitGroup
				var came, served, plainCame, plainServed int64
				wg.Go(func() { came, served = offer(t.Context(), ours, tt.loads) })
				wg.Go(func() { plainCame, plainServed = offer(t.Context(), plain, tt.loads) })
				wg.Wait()
				pool, _ := drivers.PoolOf(ours)
				dials := pool.Stats().DialCount
				t.Logf("served %d of %d with %d dials, database/sql %d of %d", served, came, dials, plainServed, plainCame)
				if float64(served)/float64(came) < 0.98*float64(plainServed)/float64(plainCame) {
					t.Errorf("served %d of %d, database/sql %d of %d", served, came, plainServed, plainCame)
				}
				if dials > 10 {
					t.Errorf("%d dials for four connections", dials)
				}
			})
		}
	}
}
