package sqlpool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// The pool is right under any settings of the *sql.DB in front of it. On the
// real clock: the goroutines meet on database/sql's mutexes.
func TestThePoolIsRightUnderAnySettingsOfTheDB(t *testing.T) {
	for _, maxOpen := range []int{0, 1, 2, 5, 100} {
		for _, maxIdle := range []int{0, 2, 1000} {
			for _, age := range []time.Duration{0, 200 * time.Microsecond} {
				for _, idle := range []time.Duration{0, 200 * time.Microsecond} {
					t.Run(fmt.Sprintf("open %d idle %d lifetime %v idletime %v", maxOpen, maxIdle, age, idle), func(t *testing.T) {
						t.Parallel()
						const conns = 3
						db, p, server := newDB(t, sqlpool.Config{MaxConns: conns})
						db.SetMaxOpenConns(maxOpen)
						db.SetMaxIdleConns(maxIdle)
						db.SetConnMaxLifetime(age)
						db.SetConnMaxIdleTime(idle)
						server.On(fakedb.Exec, fakedb.Fault{Text: "slow", Delay: 100 * time.Microsecond})
						busy(t, db, 16, 25)
						if n := server.Counts().PeakLive; n > conns {
							t.Errorf("the server saw %d connections", n)
						}
						rest(t, p)
						if n := server.Counts().Connects; n > conns {
							t.Errorf("%d dials: a session's end must not cost a connection", n)
						}
					})
				}
			}
		}
	}
}

// busy has goroutines use the DB in every way.
func busy(t *testing.T, db *sql.DB, goroutines, operations int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*watchdog)
	defer cancel()
	stmt, err := db.Prepare("SELECT ?")
	must(t, err)
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(g)))
			for range operations {
				if err := doSomething(ctx, db, stmt, random); err != nil {
					if strings.Contains(err.Error(), "bad connection") {
						t.Error("driver.ErrBadConn reached a user")
					}
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	must(t, stmt.Close())
}

func doSomething(ctx context.Context, db *sql.DB, shared *sql.Stmt, random *rand.Rand) error {
	switch random.IntN(6) {
	case 0:
		res, err := db.ExecContext(ctx, "slow")
		if err == nil {
			_, err = res.RowsAffected()
		}
		return err
	case 1:
		return ask(db.QueryContext(ctx, "SERIES 3"))
	case 2:
		return ask(shared.QueryContext(ctx, 1))
	case 3:
		stmt, err := db.PrepareContext(ctx, fmt.Sprint("SELECT ? ", random.IntN(4)))
		if err != nil {
			return err
		}
		_, err = stmt.ExecContext(ctx, 1)
		return errors.Join(err, stmt.Close())
	case 4:
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "slow")
		err = errors.Join(err, ask(tx.StmtContext(ctx, shared).QueryContext(ctx, 1)))
		if random.IntN(2) == 0 {
			return errors.Join(err, tx.Rollback())
		}
		return errors.Join(err, tx.Commit())
	default:
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "slow")
		return errors.Join(err, ask(conn.QueryContext(ctx, "SELECT 1")), conn.Close())
	}
}
