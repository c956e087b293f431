package sqlpool_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
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

// A second statement of the same loan ends neither the rows that are open nor their
// limit.
func TestAStatementBesideOpenRowsLeavesThemTheirLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := lab(t, sqlpool.Config{MaxConns: 1, StatementTimeout: 5 * time.Second})
		db := sqlpool.OpenDB(p)
		defer db.Close()
		conn, err := db.Conn(t.Context())
		must(t, err)
		defer conn.Close()
		for name, deadline := range map[string]time.Duration{"without a deadline": 0, "with one": time.Minute} {
			rows, err := conn.QueryContext(t.Context(), "SERIES 3")
			must(t, err)
			ctx := t.Context()
			if deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, deadline)
				defer cancel()
			}
			_, err = conn.ExecContext(ctx, "UPDATE t")
			must(t, err)
			n := 0
			for rows.Next() {
				n++
			}
			if n != 3 || rows.Err() != nil {
				t.Errorf("a statement %s ended rows that were open: %d of 3, %v", name, n, rows.Err())
			}
			must(t, rows.Close())
		}

		rows, err := conn.QueryContext(t.Context(), "SERIES 3")
		must(t, err)
		defer rows.Close()
		start := time.Now()
		_, err = conn.ExecContext(t.Context(), "UPDATE t")
		must(t, err)
		server.On(fakedb.RowsNext, fakedb.Fault{Delay: time.Minute})
		if rows.Next() || !errors.Is(rows.Err(), context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("rows with a statement beside them, after %v: %v", time.Since(start), rows.Err())
		}
	})
}

// resigned is Full as a driver that closes its connection itself when a context ends.
func resigned(c *fakedb.Conn) driver.Conn { return resignedConn{c} }

type resignedConn struct{ *fakedb.Conn }

func (resignedConn) LastError() error { return net.ErrClosed }

// Rows that StatementTimeout cuts are no evidence against the server, though the
// driver gives the connection up over them: a slow report has no other connection
// pinged.
func TestRowsThatStatementTimeoutCutsSuspectNoOtherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDBOn(t, fakedb.New(), resigned, sqlpool.Config{MaxConns: 2, StatementTimeout: 5 * time.Second})
		for name, ctx := range map[string]context.Context{"a context that cannot end": context.Background(), "one that could": t.Context()} {
			tx, err := db.BeginTx(ctx, nil)
			must(t, err)
			rows, err := tx.QueryContext(ctx, "SERIES 3")
			must(t, err)
			slow := server.On(fakedb.RowsNext, fakedb.Fault{Hang: fakedb.UntilDone, Kill: true})
			if rows.Next() || !errors.Is(rows.Err(), context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, rows.Err())
			}
			slow.Remove()
			_ = rows.Close()
			if err := tx.Rollback(); err == nil {
				t.Errorf("%s: the connection was not given up", name)
			}
			if s := p.Stats(); s.Generation != 0 || s.LastError != "" {
				t.Errorf("%s: generation %d, %q", name, s.Generation, s.LastError)
			}
		}
	})
}
