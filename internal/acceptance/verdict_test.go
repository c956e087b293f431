package acceptance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// A function may raise any SQLSTATE, also those with which a server ends a
// session. As ERROR they end nothing: the connection, its transaction, savepoints
// and advisory locks stay, and no other connection comes under suspicion.
func TestWhatAFunctionRaisesEndsNoConnection(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		plain := a.plain()
		a.exec(db, "CREATE TABLE kept (state text)")
		for _, state := range []string{"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04", "08006", "08P01", "28000", "3D000", "53300"} {
			for name, db := range map[string]*sql.DB{"plain": plain, "pool": db} {
				if err := raiseInTx(a.ctx(), db, state); err != nil {
					a.Errorf("%s, %s: %v", name, state, err)
				}
			}
		}
		if s := pool.Stats(); s.DialCount != 1 || s.Generation != 0 || s.LastError != "" {
			a.Errorf("%+v", s)
		}
	})
}

func raiseInTx(ctx context.Context, db *sql.DB, state string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, query := range []string{"SELECT pg_advisory_xact_lock(1)", "INSERT INTO kept VALUES ('before')", "SAVEPOINT s"} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '%s'; END $$", state))
	var answer interface{ SQLState() string }
	if !errors.As(err, &answer) || answer.SQLState() != state {
		return fmt.Errorf("raised: %w", err)
	}
	for _, query := range []string{"ROLLBACK TO s", "INSERT INTO kept VALUES ('after')"} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	var locks int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()").Scan(&locks); err != nil || locks != 1 {
		return fmt.Errorf("%d advisory locks: %w", locks, err)
	}
	return tx.Commit()
}

// pgx refuses a query while the transaction's rows are read. Neither the
// transaction nor its connection is the worse for it.
func TestAQueryThatIsRefusedWhileRowsAreOpenHarmsNoTransaction(t *testing.T) {
	onEach(t, func(a *app) {
		if a.adapter.name != "pgx" {
			return // what lib/pq's text queries do is the adapter's own test
		}
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		for name, db := range map[string]*sql.DB{"plain": a.plain(), "pool": db} {
			for _, args := range [][]any{nil, {1}} {
				tx, err := db.BeginTx(a.ctx(), nil)
				a.must(err)
				rows, err := tx.QueryContext(a.ctx(), "SELECT generate_series(1, 3)")
				a.must(err)
				query := "SELECT 99"
				if args != nil {
					query = "SELECT 99 WHERE 1 = $1"
				}
				n := 0
				for rows.Next() {
					if n++; n > 1 {
						continue
					}
					if _, err := tx.ExecContext(a.ctx(), query, args...); err == nil {
						a.Errorf("%s: a second query while rows are open was not refused", name)
					}
				}
				if err := rows.Err(); err != nil || n != 3 {
					a.Errorf("%s: %d rows, %v", name, n, err)
				}
				if err := tx.Commit(); err != nil {
					a.Errorf("%s: commit: %v", name, err)
				}
			}
		}
		if s := pool.Stats(); s.DialCount != 1 || s.Generation != 0 {
			a.Errorf("%+v", s)
		}
	})
}

// What a caller cancels says nothing of the server, also not in the rollback that
// follows on a connection which the driver has given up.
func TestOwnCancellationsAreNoFaultOfTheServer(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		for name, use := range map[string]func(context.Context, *sql.Tx, context.CancelFunc){
			"exec": func(ctx context.Context, tx *sql.Tx, cancel context.CancelFunc) {
				defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
				_, _ = tx.ExecContext(ctx, "SELECT pg_sleep(60)")
			},
			"exec with arguments": func(ctx context.Context, tx *sql.Tx, cancel context.CancelFunc) {
				defer time.AfterFunc(50*time.Millisecond, cancel).Stop()
				_, _ = tx.ExecContext(ctx, "SELECT pg_sleep($1)", 60)
			},
			"rows": func(ctx context.Context, tx *sql.Tx, cancel context.CancelFunc) {
				rows, err := tx.QueryContext(ctx, "SELECT generate_series(1, 10000000)")
				a.must(err)
				rows.Next()
				cancel()
				for rows.Next() {
				}
				rows.Close()
			},
		} {
			for _, whole := range []bool{false, true} {
				ctx, cancel := context.WithCancel(a.ctx())
				begin := a.ctx()
				if whole {
					begin = ctx
				}
				tx, err := db.BeginTx(begin, nil)
				a.must(err)
				use(ctx, tx, cancel)
				_ = tx.Rollback()
				cancel()
				for pool.Stats().InUse > 0 {
					a.must(a.ctx().Err())
				}
				if s := pool.Stats(); s.Generation != 0 || s.LastError != "" {
					a.Errorf("%s, whole transaction %v: %+v", name, whole, s)
				}
			}
		}
	})
}
