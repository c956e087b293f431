package acceptance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A slow report whose rows StatementTimeout cuts costs its own connection at most: it
// is no evidence against the server, and no other connection is pinged for it.
func TestASlowReportThatStatementTimeoutCutsSuspectsNoOtherConnection(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 2, StatementTimeout: time.Second})
		for range 2 {
			ctx, cancel := context.WithCancel(context.Background()) // without a deadline
			tx, err := db.BeginTx(ctx, nil)
			a.must(err)
			rows, err := tx.QueryContext(ctx, "SELECT repeat('x', 9000), pg_sleep(0.02) FROM generate_series(1, 1000)") // each row is sent by itself
			a.must(err)
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); n == 0 || !errors.Is(err, context.DeadlineExceeded) {
				a.Errorf("after %d rows: %v", n, err)
			}
			_ = rows.Close()
			_ = tx.Rollback()
			cancel()
		}
		if s := pool.Stats(); s.Generation != 0 || s.LastError != "" {
			a.Errorf("generation %d, last error %q", s.Generation, s.LastError)
		}
		a.must(db.PingContext(a.ctx()))
	})
}
