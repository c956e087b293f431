package acceptance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sqlpool/go/sqlpool"
)

// said is what a program can ask of an error.
type said struct{ deadline, canceled, timeout, pgTimeout bool }

func whatIsSaid(err error) said {
	var timeout net.Error
	return said{
		deadline:  errors.Is(err, context.DeadlineExceeded),
		canceled:  errors.Is(err, context.Canceled),
		timeout:   errors.As(err, &timeout) && timeout.Timeout(),
		pgTimeout: pgconn.Timeout(err),
	}
}

// TestAnEndedContextIsToldAsThePlainDriverTellsIt: in each moment and by each
// method errors.Is, net.Error and pgconn.Timeout say the same of the pool's error
// as of the plain driver's. What lib/pq says of a statement that the server has
// cancelled is left to chance: the server's 57014, or the context's error where
// the answer did not come in time (docs/migrating.md).
func TestAnEndedContextIsToldAsThePlainDriverTellsIt(t *testing.T) {
	moments := map[string]func(ctx context.Context, db *sql.DB) error{
		"before, exec": func(ctx context.Context, db *sql.DB) error {
			<-ctx.Done()
			_, err := db.ExecContext(ctx, "SELECT 1")
			return err
		},
		"before, begin": func(ctx context.Context, db *sql.DB) error {
			<-ctx.Done()
			_, err := db.BeginTx(ctx, nil)
			return err
		},
		"before, in a transaction": func(ctx context.Context, db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			defer tx.Rollback()
			<-ctx.Done()
			_, err = tx.ExecContext(ctx, "SELECT 1")
			return err
		},
		"waiting": func(ctx context.Context, db *sql.DB) error {
			held, err := db.Conn(context.Background())
			if err != nil {
				return err
			}
			defer held.Close()
			_, err = db.ExecContext(ctx, "SELECT 1")
			return err
		},
		"exec": func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "SELECT pg_sleep(60)")
			return err
		},
		"exec with arguments": func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, "SELECT pg_sleep($1)", 60)
			return err
		},
		"query": func(ctx context.Context, db *sql.DB) error {
			var x any
			return db.QueryRowContext(ctx, "SELECT pg_sleep(60)").Scan(&x)
		},
		"rows": func(ctx context.Context, db *sql.DB) error {
			rows, err := db.QueryContext(ctx, "SELECT repeat('x', 10000), pg_sleep(0.01) FROM generate_series(1, 6000)")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		},
		"statement": func(ctx context.Context, db *sql.DB) error {
			st, err := db.PrepareContext(context.Background(), "SELECT pg_sleep($1)")
			if err != nil {
				return err
			}
			defer st.Close()
			_, err = st.ExecContext(ctx, 60)
			return err
		},
		"in a transaction": func(ctx context.Context, db *sql.DB) error {
			tx, err := db.Begin()
			if err != nil {
				return err
			}
			defer tx.Rollback()
			_, err = tx.ExecContext(ctx, "SELECT pg_sleep(60)")
			return err
		},
		"commit": func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			if _, err := tx.Exec("INSERT INTO slow VALUES (1)"); err != nil {
				return err
			}
			return tx.Commit()
		},
	}
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		plain, err := sql.Open(map[string]string{"pgx": "pgx", "pq": "postgres"}[a.adapter.name], a.dsn)
		a.must(err)
		defer plain.Close()
		plain.SetMaxOpenConns(1)
		a.exec(db, "CREATE TABLE slow (n int)")
		a.exec(db, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$")
		a.exec(db, "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON slow INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()")
		for name, do := range moments {
			for _, kind := range []string{"deadline", "cancel"} {
				answers := map[string]error{}
				for which, db := range map[string]*sql.DB{"plain": plain, "pool": db} {
					a.must(db.Ping())
					ctx, cancel := context.WithCancel(context.Background())
					if kind == "deadline" {
						ctx, cancel = context.WithTimeout(context.Background(), 250*time.Millisecond)
					} else {
						time.AfterFunc(250*time.Millisecond, cancel)
					}
					answers[which] = do(ctx, db)
					cancel()
				}
				plain, got := answers["plain"], answers["pool"]
				if got == nil || plain == nil {
					a.Errorf("%s, %s: plain %v, the pool %v, want errors", name, kind, plain, got)
				}
				if cancelled(plain) && (cancelled(got) || errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled)) {
					continue
				}
				if whatIsSaid(plain) != whatIsSaid(got) {
					a.Errorf("%s, %s:\nplain %s\n pool %s", name, kind, described(plain), described(got))
				}
			}
		}
		if s := pool.Stats(); s.Generation != 0 {
			a.Errorf("%+v", s)
		}
	})
}

// cancelled reports whether the server has said that it cancelled the statement.
func cancelled(err error) bool {
	var answer interface{ SQLState() string }
	return errors.As(err, &answer) && answer.SQLState() == "57014"
}

func described(err error) string { return fmt.Sprintf("%T %v: %+v", err, err, whatIsSaid(err)) }
