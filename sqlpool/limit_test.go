package sqlpool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestAStatementWithoutADeadlineEndsAtStatementTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1, StatementTimeout: 5 * time.Second})
		db := sqlpool.OpenDB(p)
		defer db.Close()
		slow := server.On(fakedb.Exec, fakedb.Fault{Delay: time.Minute})
		start := time.Now()
		_, err := db.Exec("UPDATE t")
		if time.Since(start) != 5*time.Second || !errors.Is(err, sqlpool.ErrStatementTimeout) ||
			!errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "5s") {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		tx, err := db.Begin()
		must(t, err)
		if _, err := tx.Exec("UPDATE t"); !errors.Is(err, sqlpool.ErrStatementTimeout) {
			t.Errorf("in a transaction: %v", err)
		}
		_ = tx.Rollback()

		start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := db.ExecContext(ctx, "UPDATE t"); time.Since(start) != 20*time.Second || errors.Is(err, sqlpool.ErrStatementTimeout) {
			t.Errorf("with a deadline of its own, after %v: %v", time.Since(start), err)
		}
		slow.Remove()

		tx, err = db.Begin() // a transaction may take longer than each of its statements
		must(t, err)
		for range 3 {
			_, err := tx.Exec("UPDATE t")
			must(t, err)
			time.Sleep(4 * time.Second)
		}
		must(t, tx.Commit())
	})
}

func TestRowsEndAtStatementTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1, StatementTimeout: 5 * time.Second})
		db := sqlpool.OpenDB(p)
		defer db.Close()
		server.On(fakedb.Query, fakedb.Fault{Delay: time.Second})
		for range 6 { // no limit outlives its rows
			var n int
			must(t, db.QueryRow("SELECT 1").Scan(&n))
		}
		server.On(fakedb.RowsNext, fakedb.Fault{Delay: time.Minute})
		start := time.Now()
		rows, err := db.Query("SELECT 1")
		must(t, err)
		defer rows.Close()
		if rows.Next() || !errors.Is(rows.Err(), context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), rows.Err())
		}
	})
}
