package sqlmockpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/hooks/health"
	"github.com/sqlpool/go/hooks/recycle"
	"github.com/sqlpool/go/hooks/resetter"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

// busy is a pool that does all by itself that a pool may do: statements after
// a dial and between loans, pings on acquire and while idle, connections that
// live for one loan.
func busy() sqlpool.Config {
	monitor := health.New(health.Config{CheckOnAcquire: true, Keepalive: time.Millisecond})
	return sqlpool.Config{
		MaxConns: 3, MinIdle: 2, PingAfter: 1, SweepInterval: time.Millisecond, CacheQueries: true,
		Hooks: []sqlpool.Hooks{
			{AfterConnect: func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "SET timezone = 'UTC'") }},
			resetter.Clean(), monitor.Hooks(), recycle.MaxUses(2), recycle.MaxLifetime(5 * time.Millisecond),
			{BeforeAcquire: useAll},
		},
	}
}

// useAll calls everything that a hook can reach.
func useAll(ctx context.Context, c *sqlpool.Conn) error {
	raw := c.Raw()
	rows, err1 := raw.(driver.QueryerContext).QueryContext(ctx, "SELECT 1", nil)
	stmt, err2 := raw.Prepare("SELECT 2")
	tx, err3 := raw.(driver.ConnBeginTx).BeginTx(ctx, driver.TxOptions{})
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if err := rows.Next(nil); err != io.EOF {
		return err
	}
	_, err := stmt.(driver.StmtExecContext).ExecContext(ctx, nil)
	return errors.Join(c.Ping(ctx), err, stmt.Close(), tx.Commit(), rows.Close())
}

func TestNothingOfThePoolsOwnConsumesAnExpectation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials, closes atomic.Int64
		cfg := busy()
		cfg.Hooks = append(cfg.Hooks, sqlpool.Hooks{
			OnOpen: func(e sqlpool.Opened) {
				if e.Conn != nil { // the last dial may meet the shutdown
					dials.Add(1)
				}
			},
			OnClose: func(sqlpool.Closed) { closes.Add(1) },
		})
		f := &fakeTB{TB: t}
		pool, db, mock, _ := sqlmockpool.NewPool(f, cfg, sqlmock.MonitorPingsOption(true))
		p := mock.ExpectPrepare("UPDATE").WillBeClosed()
		for range 30 {
			p.ExpectExec().WillReturnResult(done)
			mock.ExpectBegin()
			mock.ExpectQuery("SELECT").WillReturnRows(titles("Emma"))
			mock.ExpectRollback()
		}
		mock.ExpectPing()
		mock.ExpectClose()

		stmt, err := db.Prepare("UPDATE books SET lent = true")
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			time.Sleep(3 * time.Millisecond)
			if _, err := stmt.Exec(); err != nil {
				t.Fatal(err)
			}
			tx, err := db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			var title string
			if err := tx.QueryRow("SELECT title FROM books").Scan(&title); err != nil {
				t.Fatal(err)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(db.Ping(), stmt.Close(), db.Close(), mock.ExpectationsWereMet()); err != nil {
			t.Error(err)
		}
		if s := pool.Stats(); dials.Load() < 10 || closes.Load() != dials.Load() || s.Open != 0 {
			t.Errorf("%d dials and %d closes: the pool was not busy: %+v", dials.Load(), closes.Load(), s)
		}
		f.end()
		if len(f.errors) > 0 {
			t.Errorf("%q", f.errors)
		}
	})
}

// A loan without database/sql is the test's own doing too.
func TestALoanReachesTheMock(t *testing.T) {
	pool, db, mock, _ := sqlmockpool.NewPool(t, sqlpool.Config{})
	mock.ExpectExec("VACUUM").WillReturnResult(done)
	mock.ExpectExec("ANALYZE").WillReturnResult(done)
	loan, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := loan.Conn().Exec(t.Context(), "VACUUM"); err != nil {
		t.Error(err)
	}
	if err := loan.Release(); err != nil {
		t.Error(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(c any) error {
		raw := c.(interface{ Raw() driver.Conn }).Raw()
		_, err := raw.(driver.ExecerContext).ExecContext(t.Context(), "ANALYZE", nil)
		return err
	})
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Error(err)
	}
}

// Other settings of the *sql.DB change nothing.
func TestSessionsThatAreNotKept(t *testing.T) {
	for _, limit := range []func(*sql.DB){
		func(db *sql.DB) { db.SetMaxIdleConns(-1) },
		func(db *sql.DB) { db.SetMaxOpenConns(1) },
		func(db *sql.DB) { db.SetConnMaxLifetime(1) },
	} {
		db, mock, _ := sqlmockpool.New(t)
		limit(db)
		for range 5 {
			mock.ExpectBegin()
			mock.ExpectExec("UPDATE").WillReturnResult(done)
			mock.ExpectExec("INSERT").WillReturnResult(done)
			mock.ExpectCommit()
		}
		mock.ExpectClose()
		for range 5 {
			if err := lend(db, 2, 3); err != nil {
				t.Error(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Like sqlmock.New, it has a connection when it returns: no dial stands before
// the first operation, whose context may be short.
func TestAConnectionIsOpenFromTheStart(t *testing.T) {
	for range 20 {
		pool, _, _, _ := sqlmockpool.NewPool(t, sqlpool.Config{})
		if s := pool.Stats(); s.Idle != 1 || s.AcquireCount != 0 {
			t.Fatalf("%+v", s)
		}
	}
}
