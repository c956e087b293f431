package acceptance

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A transaction that its context cancels while it is idle costs no connection.
func TestCancelledIdleTransactionsCostOneDial(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 4})
		for range 20 {
			ctx, cancel := context.WithCancel(a.ctx())
			tx, err := db.BeginTx(ctx, nil)
			a.must(err)
			if _, err := tx.ExecContext(a.ctx(), "SELECT 1"); err != nil {
				a.Fatal(err)
			}
			cancel()
			for pool.Stats().InUse > 0 { // database/sql rolls back in a goroutine of its own
				a.must(a.ctx().Err())
			}
		}
		a.atRest(pool)
		if s := pool.Stats(); s.DialCount != 1 {
			a.Errorf("%d dials for 20 cancelled transactions, want 1", s.DialCount)
		}
		var open int
		a.must(db.QueryRowContext(a.ctx(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state LIKE 'idle in transaction%'", a.name).Scan(&open))
		if open != 0 {
			a.Errorf("%d sessions are left in a transaction", open)
		}
	})
}

// Callers that give up on a running statement never push the server past
// MaxConns backends.
func TestShortContextsKeepTheServerWithinMaxConns(t *testing.T) {
	onEach(t, func(a *app) {
		const maxConns = 4
		since := a.mark()
		pool, db := a.pool(sqlpool.Config{MaxConns: maxConns})
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				for range 3 {
					ctx, cancel := context.WithTimeout(a.ctx(), 100*time.Millisecond)
					_, err := db.ExecContext(ctx, "SELECT pg_sleep(60)")
					cancel()
					if err == nil {
						a.Error("pg_sleep(60) ended within 100 ms without an error")
					}
				}
			})
		}
		wg.Wait()
		a.atRest(pool)
		if peak := a.peak(since); peak > maxConns {
			a.Errorf("the server saw %d backends, MaxConns is %d", peak, maxConns)
		}
		if s := pool.Stats(); s.Generation != 0 || s.State != sqlpool.StateUp {
			a.Errorf("callers' own cancels were taken for a fault of the server: %+v", s)
		}
		a.exec(db, "SELECT 1")
	})
}
