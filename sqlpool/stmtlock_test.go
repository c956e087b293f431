package sqlpool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// Package sql runs ResetSession under the lock that Stmt.Close wants. These
// tests run on the real clock: a goroutine blocked on that mutex would stop the
// time of a bubble.

// watchdog is how long something that must not wait may take on a busy machine.
const watchdog = 3 * time.Second

// atOnce fails the test if f does not return before the acquires of the test's
// pools time out.
func atOnce(t *testing.T, what string, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		must(t, err)
	case <-time.After(watchdog):
		t.Fatalf("%s did not return", what)
	}
}

// waiting returns when at least that many acquires are in the pool's queue.
func waiting(t *testing.T, p *sqlpool.Pool, n int) {
	t.Helper()
	end := time.Now().Add(watchdog)
	for p.Stats().Waiting < n {
		if time.Now().After(end) {
			t.Fatalf("%d waiting, want %d", p.Stats().Waiting, n)
		}
		time.Sleep(100 * time.Microsecond) // polls an event of another goroutine
	}
}

// A trap holds every connection of a pool while sessions on which statements
// were used wait for one; then the holder closes the statements.
func TestStmtCloseByTheLastHolderReturnsAtOnce(t *testing.T) {
	for _, trap := range []struct {
		name                 string
		conns, maxOpen, live int // live: sessions on which both statements were used
		direct               bool
		twoDBs               bool
	}{
		{name: "tx", conns: 1, live: 2},
		{name: "tx, 2 connections", conns: 2, live: 4},
		{name: "SetMaxOpenConns", conns: 1, maxOpen: 2, live: 2},
		{name: "SetMaxOpenConns, 3 sessions", conns: 2, maxOpen: 5, live: 5},
		{name: "direct loans", conns: 1, live: 1, direct: true},
		{name: "direct loans, 3 connections", conns: 3, live: 3, direct: true},
		{name: "direct loans, SetMaxOpenConns", conns: 2, maxOpen: 2, live: 2, direct: true},
		{name: "two DBs", conns: 1, live: 1, twoDBs: true},
		{name: "two DBs, SetMaxOpenConns", conns: 2, maxOpen: 2, live: 2, twoDBs: true},
	} {
		t.Run(trap.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := fakedb.New()
			db, p, _ := newDBOn(t, server, fakedb.Full, sqlpool.Config{MaxConns: trap.conns, AcquireTimeout: 30 * time.Second})
			db.SetMaxOpenConns(trap.maxOpen)
			first, err := db.Prepare("SELECT ?")
			must(t, err)
			second, err := db.Prepare("INSERT ?")
			must(t, err)
			useAtOnce(t, db, p, trap.live, trap.conns, first, second)

			var release []func() error
			other := db
			if trap.twoDBs {
				other = sql.OpenDB(p.Connector())
			}
			for range trap.conns {
				if trap.direct {
					loan, err := p.Acquire(ctx)
					must(t, err)
					release = append(release, loan.Release)
					continue
				}
				tx, err := other.Begin()
				must(t, err)
				release = append(release, tx.Rollback)
			}
			const waiters = 3
			errs := make(chan error, waiters)
			queued := waiters
			if trap.maxOpen > 0 {
				queued = 1 // at the limit database/sql opens sessions one after the other, and each waits
			}
			for range waiters {
				go func() {
					_, err := db.ExecContext(ctx, "noop")
					errs <- err
				}()
			}
			waiting(t, p, queued)
			atOnce(t, "Stmt.Close", func() error { return first.Close() })
			atOnce(t, "the second Stmt.Close", func() error { return second.Close() })
			for _, f := range release {
				must(t, f())
			}
			for range waiters {
				must(t, <-errs)
			}
		})
	}
}

// useAtOnce executes the statements on that many sessions.
func useAtOnce(t *testing.T, db *sql.DB, p *sqlpool.Pool, sessions, conns int, stmts ...*sql.Stmt) {
	t.Helper()
	sessions = min(sessions, conns) // each needs a connection while it executes
	var held []*sql.Rows
	for range sessions {
		rows, err := stmts[0].Query(1)
		must(t, err)
		held = append(held, rows)
	}
	for _, rows := range held {
		must(t, rows.Close())
	}
	for range sessions {
		for _, s := range stmts[1:] {
			_, err := s.Exec("tok")
			must(t, err)
		}
	}
	if n := db.Stats().Idle; n < 1 {
		t.Fatalf("%d sessions with live statements are cached: the trap is not set", n)
	}
}

func TestAWaiterWithLiveStatementsIsServedInTheEnd(t *testing.T) {
	db, p, _ := newDB(t, sqlpool.Config{MaxConns: 1, AcquireTimeout: 30 * time.Second})
	stmt, err := db.Prepare("SELECT ?")
	must(t, err)
	_, err = stmt.Exec(1)
	must(t, err)
	loan, err := p.Acquire(t.Context())
	must(t, err)
	done := make(chan error)
	go func() {
		_, err := stmt.Exec(2)
		done <- err
	}()
	waiting(t, p, 1)
	before := p.Stats()
	// Its patience is over when it has left database/sql's cache.
	for end := time.Now().Add(watchdog); db.Stats().OpenConnections != 1 || db.Stats().Idle != 0; {
		if time.Now().After(end) {
			t.Fatal("it did not go on to Connect")
		}
		time.Sleep(100 * time.Microsecond)
	}
	waiting(t, p, 1)
	must(t, loan.Release(), <-done)
	if after := p.Stats(); after.TimeoutCount != before.TimeoutCount || after.CanceledCount != 0 {
		t.Errorf("going on elsewhere was counted as a failure: %+v", after)
	}
}

// asking is a context that asks the pool whenever it is asked.
type asking struct {
	context.Context
	pool *sqlpool.Pool
}

func (a asking) Done() <-chan struct{} { _ = a.pool.Stats(); return a.Context.Done() }
func (a asking) Err() error            { _ = a.pool.Stats(); return a.Context.Err() }

func TestAContextIsNotAskedUnderThePoolsLock(t *testing.T) {
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 1})
	must(t, err)
	loan := acquire(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := p.Acquire(asking{ctx, p})
		ended <- err
	}()
	atOnce(t, "a look at the pool", func() error { waiting(t, p, 1); return nil })
	cancel()
	atOnce(t, "the acquire", func() error {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return fmt.Errorf("got %w", err)
		}
		return nil
	})
	must(t, loan.Release(), p.Close())
}
