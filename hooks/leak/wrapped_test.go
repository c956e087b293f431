package leak_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/hooks/leak"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// tracing is what a tracer puts between database/sql and the pool.
type tracing struct{ driver.Connector }

func (k tracing) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return tracedConn{c.(everything)}, nil
}

type everything interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

type tracedConn struct{ everything }

func (c tracedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.everything.ExecContext(ctx, query, args)
}

func (c tracedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.everything.QueryContext(ctx, query, args)
}

func (c tracedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.everything.BeginTx(ctx, opts)
}

func (c tracedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return c.everything.PrepareContext(ctx, query)
}

func (c tracedConn) ResetSession(ctx context.Context) error { return c.everything.ResetSession(ctx) }

// TestALeakBehindAWrapperNamesTheFunctionThatLeaks, and not the wrapper.
func TestALeakBehindAWrapperNamesTheFunctionThatLeaks(t *testing.T) {
	for _, again := range []bool{false, true} { // a session that is new, and one that was used
		for _, l := range leakers {
			t.Run(l.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got := &reports{}
					d := leak.New(leak.Config{Report: got.add})
					p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.New().Connector(), MaxConns: 2, Hooks: []sqlpool.Hooks{d.Hooks()}})
					if err != nil {
						t.Fatal(err)
					}
					db := sql.OpenDB(tracing{p.Connector()})
					defer p.Close()
					defer db.Close()
					if again {
						if _, err := db.Exec("SELECT 1"); err != nil {
							t.Fatal(err)
						}
					}
					giveBack := l.leak(t, db)
					defer giveBack()
					time.Sleep(32 * time.Second)
					all := got.take()
					if len(all) != 1 || len(all[0].Stack) == 0 || !strings.HasSuffix(all[0].Stack[0].Function, "leak_test."+l.name) {
						t.Errorf("the first frame is not %s:\n%v", l.name, all)
					}
				})
			})
		}
	}
}
