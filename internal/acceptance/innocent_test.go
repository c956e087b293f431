package acceptance

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

var (
	cutTransactions = flag.Int64("innocent.transactions", 200, "transactions with random deadlines in TestDeadlinesOfOthersBreakNoCall, for each driver with and without TLS")
	cutCallers      = flag.Int("innocent.callers", 5, "the callers with deadlines in that test, and those without")
	cutSeed         = flag.Uint64("innocent.seed", 1, "the seed of those deadlines")
)

// TestDeadlinesOfOthersBreakNoCall runs transactions with deadlines of 0.2 to 5 ms,
// which end in every moment of BEGIN, statements, rows and COMMIT, beside callers
// whose contexts do not end, on the same few connections. The latter see no error.
func TestDeadlinesOfOthersBreakNoCall(t *testing.T) {
	for _, sslmode := range []string{"disable", "require"} {
		server := pgserver.Run(t, pgserver.Options{TLS: sslmode == "require"}) // a login costs twice the time on a server with TLS, also without using it
		for _, driver := range []string{"sqlpool-pq", "sqlpool-pgx"} {
			t.Run(driver+", sslmode="+sslmode, func(t *testing.T) {
				db, err := sql.Open(driver, server.TCP().With("sslmode", sslmode).With("pool_max_conns", "4").URL(server.NewDatabase(t)))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				cutBesideInnocent(t, db)
			})
		}
	}
}

func cutBesideInnocent(t *testing.T, db *sql.DB) {
	ctx := context.Background()
	if _, err := db.ExecContext(ctx, "CREATE TABLE pairs (k text, half int); CREATE INDEX ON pairs (k)"); err != nil {
		t.Fatal(err)
	}
	var cut, calm, ended, later atomic.Int64
	var over atomic.Bool
	var innocent, guilty sync.WaitGroup
	for w := range *cutCallers {
		random := rand.New(rand.NewPCG(*cutSeed, uint64(w)))
		guilty.Go(func() {
			for cut.Add(1) <= *cutTransactions {
				conn, err := db.Conn(ctx) // so that the deadline does not end in the queue
				if err != nil {
					t.Errorf("acquire without a deadline: %v", err)
					continue
				}
				limit := 200*time.Microsecond + time.Duration(random.Int64N(int64(4800*time.Microsecond)))
				ctx, cancel := context.WithTimeout(ctx, limit)
				if random.IntN(4) == 0 { // a cancellation rather than a deadline
					ctx, cancel = context.WithCancel(context.Background())
					defer time.AfterFunc(limit, cancel).Stop()
				}
				if err := pair(ctx, conn, fmt.Sprint("cut ", w)); err != nil {
					ended.Add(1)
				}
				// Whatever became of the transaction, what the same *sql.Conn writes after it
				// is there when it is acknowledged.
				if _, err := conn.ExecContext(context.Background(), "INSERT INTO pairs VALUES ('later', 1), ('later', 2)"); err == nil {
					later.Add(2)
				}
				cancel()
				conn.Close()
			}
		})
	}
	for w := range *cutCallers {
		innocent.Go(func() {
			for i := 0; !over.Load(); i++ {
				key := fmt.Sprint("calm ", w, " ", i)
				ctx, cancel := context.WithCancel(ctx) // one that could end, and is ended right after
				err := pair(ctx, db, key)
				cancel()
				if err == nil {
					err = look(db, key)
				}
				if err != nil {
					t.Errorf("a caller without a deadline: %v", err)
				}
				calm.Add(1)
			}
		})
	}
	guilty.Wait()
	over.Store(true)
	innocent.Wait()
	var odd int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT k FROM pairs GROUP BY k HAVING sum(2*half-3) <> 0) AS halves").Scan(&odd); err != nil {
		t.Error(err)
	}
	if odd != 0 {
		t.Errorf("%d keys have one half of a transaction", odd)
	}
	var written int64
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM pairs WHERE k = 'later'").Scan(&written); err != nil {
		t.Error(err)
	}
	if written != later.Load() {
		t.Errorf("%d of %d acknowledged rows are there, written by a *sql.Conn after a transaction that a deadline ended", written, later.Load())
	}
	// Their own deadlines cost the connections; they are no evidence against the others.
	if pool, _ := drivers.PoolOf(db); pool.Stats().Generation != 0 || pool.Stats().LastError != "" {
		t.Errorf("the pool holds the ended contexts for faults of the server: generation %d, last error %q", pool.Stats().Generation, pool.Stats().LastError)
	}
	t.Logf("seed %d: %d transactions with deadlines, %d of them failed; %d without, and as many queries", *cutSeed, *cutTransactions, ended.Load(), calm.Load())
}

// pair writes two rows in a transaction, by each way of executing a statement.
func pair(ctx context.Context, db interface {
	BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
}, key string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	st, err := tx.PrepareContext(ctx, "INSERT INTO pairs VALUES ($1, $2)")
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer st.Close()
	if _, err := st.ExecContext(ctx, key, 1); err != nil {
		return fmt.Errorf("execute a statement: %w", err)
	}
	var half int
	if err := tx.QueryRowContext(ctx, "INSERT INTO pairs VALUES ($1, 2) RETURNING half", key).Scan(&half); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("execute a text: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// look reads outside a transaction what pair has written.
func look(db *sql.DB, key string) error {
	rows, err := db.QueryContext(context.Background(), "SELECT half FROM pairs WHERE k = $1", key)
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look: %w", err)
	}
	if n != 2 {
		return fmt.Errorf("look: %d rows of %q, want 2", n, key)
	}
	return nil
}
