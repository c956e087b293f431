package acceptance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// Whatever a program sets on its *sql.DB, the pool's limits hold, no caller
// starves, every loan is counted once and "driver: bad connection" is not seen.
func TestAnySettingsOfTheDB(t *testing.T) {
	onEach(t, func(a *app) {
		const maxConns = 4
		for _, open := range []int{0, 1, 3, 50} {
			for _, idle := range []int{0, 2, 1000} {
				for _, life := range []time.Duration{0, 5 * time.Millisecond} {
					a.Run(fmt.Sprintf("open=%d,idle=%d,life=%v", open, idle, life), func(t *testing.T) {
						a := newApp(t, a.server, a.database, a.adapter)
						since := a.mark()
						pool, db := a.pool(sqlpool.Config{MaxConns: maxConns})
						db.SetMaxOpenConns(open)
						db.SetMaxIdleConns(idle)
						db.SetConnMaxLifetime(life)
						db.SetConnMaxIdleTime(life)
						useInEveryWay(a, db, 12, 8)
						a.atRest(pool)
						if peak := a.peak(since); peak > maxConns {
							a.Errorf("the server saw %d backends, MaxConns is %d", peak, maxConns)
						}
					})
				}
			}
		}
	})
}

// useInEveryWay runs each kind of operation from many goroutines.
func useInEveryWay(a *app, db *sql.DB, goroutines, rounds int) {
	a.Helper()
	ctx := a.ctx()
	stmt, err := db.PrepareContext(ctx, "SELECT $1::int + 1")
	a.must(err)
	defer stmt.Close()
	ways := []func() error{
		func() error { _, err := db.ExecContext(ctx, "SELECT 1"); return err },
		func() error { var n int; return db.QueryRowContext(ctx, "SELECT $1::int", 7).Scan(&n) },
		func() error { var n int; return stmt.QueryRowContext(ctx, 7).Scan(&n) },
		func() error { return inTx(ctx, db, stmt) },
		func() error { return onConn(ctx, db) },
		func() error { return db.PingContext(ctx) },
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				if err := ways[(g+i)%len(ways)](); err != nil {
					a.Errorf("way %d: %v", (g+i)%len(ways), err)
					if errors.Is(err, driver.ErrBadConn) || strings.Contains(err.Error(), "bad connection") {
						a.Error("the user saw driver.ErrBadConn")
					}
					return
				}
			}
		})
	}
	wg.Wait()
}

func inTx(ctx context.Context, db *sql.DB, stmt *sql.Stmt) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var n int
	if err := tx.StmtContext(ctx, stmt).QueryRowContext(ctx, 1).Scan(&n); err != nil {
		return err
	}
	return tx.Commit()
}

func onConn(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, "SELECT 1")
	return err
}

// An opener goroutine of database/sql may put a session aside that it never
// used; its connection must not be lost to others.
func TestAnUnusedSessionHoldsNobodyUp(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		conn, err := pool.Connector().Connect(a.ctx()) // as the opener does
		a.must(err)
		defer conn.Close()
		a.exec(db, "SELECT 1")
		if s := pool.Stats(); s.DialCount != 1 {
			a.Errorf("%d dials, want the one connection to have been handed on", s.DialCount)
		}
	})
}

// The holder of the last connection closes a statement that the session of a
// waiting caller has used: database/sql has Close wait for that session's lock.
// (Close also waits for executions of the same statement that are on their
// way, in database/sql itself, so the waiting caller runs another one.)
func TestStmtCloseWhileOthersWait(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		stmt, err := db.PrepareContext(a.ctx(), "SELECT 1")
		a.must(err)
		tx, err := db.BeginTx(a.ctx(), nil)
		a.must(err)

		done := make(chan error, 1)
		go func() { _, err := db.ExecContext(a.ctx(), "SELECT 2"); done <- err }()
		for pool.Stats().Waiting == 0 {
			a.must(a.ctx().Err())
		}
		closed := make(chan error, 1)
		go func() { closed <- stmt.Close() }()
		select {
		case err := <-closed:
			a.must(err)
		case err := <-done:
			a.Fatalf("the waiter got its connection first: %v", err)
		case <-a.ctx().Done():
			a.Fatal("Stmt.Close hangs while the connection is held")
		}
		a.must(tx.Rollback())
		a.must(<-done)
	})
}

// Acquires are served in the order in which they came.
func TestAcquiresAreServedInOrder(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		tx, err := db.BeginTx(a.ctx(), nil)
		a.must(err)
		const callers = 20
		var mu sync.Mutex
		var served []int
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				conn, err := db.Conn(a.ctx())
				if err != nil {
					a.Error(err)
					return
				}
				defer conn.Close()
				mu.Lock()
				served = append(served, i)
				mu.Unlock()
			})
			for pool.Stats().Waiting != i+1 {
				a.must(a.ctx().Err())
			}
		}
		a.must(tx.Rollback())
		wg.Wait()
		for i, got := range served {
			if got != i {
				a.Fatalf("served %v", served)
			}
		}
	})
}
