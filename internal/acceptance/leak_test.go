package acceptance

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/sqlpool"
)

//go:noinline
func leakRows(ctx context.Context, db *sql.DB) (func(), error) {
	rows, err := db.QueryContext(ctx, "SELECT g FROM generate_series(1, 10) g")
	if err != nil {
		return nil, err
	}
	return func() { rows.Close() }, rows.Err()
}

//go:noinline
func leakTx(ctx context.Context, db *sql.DB) (func(), error) {
	tx, err := db.BeginTx(ctx, nil)
	return func() { tx.Rollback() }, err
}

//go:noinline
func leakConn(ctx context.Context, db *sql.DB) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	_, err = conn.ExecContext(ctx, "SELECT 1")
	return func() { conn.Close() }, err
}

// A leak is reported with the leaking function's own name and line first,
// whatever the program has set on its *sql.DB.
func TestALeakIsNamedOnEachDriver(t *testing.T) {
	onEach(t, func(a *app) {
		for name, leaker := range map[string]func(context.Context, *sql.DB) (func(), error){
			"leakRows": leakRows, "leakTx": leakTx, "leakConn": leakConn,
		} {
			for _, limits := range []struct{ open, idle int }{{0, 128}, {3, 1}, {1, 0}} {
				var mu sync.Mutex
				reports := make(chan leak.Report, 10)
				detector := leak.New(leak.Config{After: time.Millisecond, Report: func(r leak.Report) {
					mu.Lock()
					defer mu.Unlock()
					select {
					case reports <- r:
					default:
					}
				}})
				_, db := a.pool(sqlpool.Config{MaxConns: 2, SweepInterval: 5 * time.Millisecond, Hooks: []sqlpool.Hooks{detector.Hooks()}})
				db.SetMaxOpenConns(limits.open)
				db.SetMaxIdleConns(limits.idle)
				giveBack, err := leaker(a.ctx(), db)
				a.must(err)
				select {
				case r := <-reports:
					if len(r.Stack) == 0 || !strings.HasSuffix(r.Stack[0].Function, "acceptance."+name) ||
						!strings.HasSuffix(r.Stack[0].File, "leak_test.go") || r.Stack[0].Line == 0 {
						a.Errorf("%s under %+v: %v", name, limits, r)
					}
				case <-a.ctx().Done():
					a.Errorf("%s under %+v: no report", name, limits)
				}
				giveBack()
			}
		}
	})
}
