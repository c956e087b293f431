package sqlpool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// onTheWay is the key of a value that the driver must find in its calls' contexts.
type onTheWay struct{}

// A method is one of those that take a context. prepare runs before the clock does.
type method struct {
	name string
	call func(ctx context.Context, e *scene) error
}

// scene is what a method is called on.
type scene struct {
	db   *sql.DB
	pool *sqlpool.Pool
	conn *sql.Conn
	tx   *sql.Tx
	stmt *sql.Stmt
}

func second[T any](_ T, err error) error { return err }

func readOut(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func stmtOf(stmt *sql.Stmt, err error) error {
	if err != nil {
		return err
	}
	return stmt.Close()
}

func txOf(tx *sql.Tx, err error) error {
	if err != nil {
		return err
	}
	return tx.Rollback()
}

// methodsOf are the methods of all that package sql and the pool offer.
var methodsOf = map[string][]method{
	"nothing held": {
		{"DB.Exec", func(ctx context.Context, e *scene) error { return second(e.db.ExecContext(ctx, "SELECT 1")) }},
		{"DB.Exec with an argument", func(ctx context.Context, e *scene) error { return second(e.db.ExecContext(ctx, "INSERT ?", 1)) }},
		{"DB.Query", func(ctx context.Context, e *scene) error { return readOut(e.db.QueryContext(ctx, "SELECT 1")) }},
		{"DB.Query with an argument", func(ctx context.Context, e *scene) error { return readOut(e.db.QueryContext(ctx, "SELECT ?", 1)) }},
		{"DB.Prepare", func(ctx context.Context, e *scene) error { return stmtOf(e.db.PrepareContext(ctx, "SELECT 2")) }},
		{"DB.Begin", func(ctx context.Context, e *scene) error { return txOf(e.db.BeginTx(ctx, nil)) }},
		{"DB.Ping", func(ctx context.Context, e *scene) error { return e.db.PingContext(ctx) }},
		{"Stmt.Exec", func(ctx context.Context, e *scene) error { return second(e.stmt.ExecContext(ctx)) }},
		{"Stmt.Query", func(ctx context.Context, e *scene) error { return readOut(e.stmt.QueryContext(ctx)) }},
		{"DB.Conn", func(ctx context.Context, e *scene) error {
			c, err := e.db.Conn(ctx)
			if err == nil {
				err = errors.Join(second(c.ExecContext(ctx, "SELECT 1")), c.Close())
			}
			return err
		}},
		{"Pool.Acquire", func(ctx context.Context, e *scene) error {
			loan, err := e.pool.Acquire(ctx)
			if err == nil {
				err = loan.Release()
			}
			return err
		}},
		{"Pool.Warm", func(ctx context.Context, e *scene) error { return e.pool.Warm(ctx) }},
	},
	"a Conn": {
		{"Conn.Exec", func(ctx context.Context, e *scene) error { return second(e.conn.ExecContext(ctx, "SELECT 1")) }},
		{"Conn.Query", func(ctx context.Context, e *scene) error { return readOut(e.conn.QueryContext(ctx, "SELECT 1")) }},
		{"Conn.Prepare", func(ctx context.Context, e *scene) error { return stmtOf(e.conn.PrepareContext(ctx, "SELECT 2")) }},
		{"Conn.Begin", func(ctx context.Context, e *scene) error { return txOf(e.conn.BeginTx(ctx, nil)) }},
		{"Conn.Ping", func(ctx context.Context, e *scene) error { return e.conn.PingContext(ctx) }},
	},
	"a Tx": {
		{"Tx.Exec", func(ctx context.Context, e *scene) error { return second(e.tx.ExecContext(ctx, "SELECT 1")) }},
		{"Tx.Exec with an argument", func(ctx context.Context, e *scene) error { return second(e.tx.ExecContext(ctx, "INSERT ?", 1)) }},
		{"Tx.Query", func(ctx context.Context, e *scene) error { return readOut(e.tx.QueryContext(ctx, "SELECT 1")) }},
		{"Tx.Query with an argument", func(ctx context.Context, e *scene) error { return readOut(e.tx.QueryContext(ctx, "SELECT ?", 1)) }},
		{"Tx.Prepare", func(ctx context.Context, e *scene) error { return stmtOf(e.tx.PrepareContext(ctx, "SELECT 2")) }},
		{"Tx.Stmt.Exec", func(ctx context.Context, e *scene) error {
			return second(e.tx.StmtContext(ctx, e.stmt).ExecContext(ctx))
		}},
		{"Tx.Stmt.Query", func(ctx context.Context, e *scene) error {
			return readOut(e.tx.StmtContext(ctx, e.stmt).QueryContext(ctx))
		}},
	},
}

// the calls of a driver that have a context.
var withContext = []fakedb.Point{
	fakedb.Ping, fakedb.Prepare, fakedb.Exec, fakedb.Query, fakedb.StmtExec, fakedb.StmtQuery, fakedb.BeginTx, fakedb.ResetSession, fakedb.RowsNext,
}

var shapesWithContext = map[string]fakedb.Shape{
	"full": fakedb.Full, "std": fakedb.Std, "no Alive": fakedb.NoAlive, "ends statements": endsStatements, "skips texts": fakedb.Skipper,
}

// TestEveryMethodHonoursItsContext: at each call that the driver gets, the context
// is the caller's, with its values, and its end is the end of the method.
func TestEveryMethodHonoursItsContext(t *testing.T) {
	var hit atomic.Int64
	for shapeName, shape := range shapesWithContext {
		for held, methods := range methodsOf {
			for _, m := range methods {
				for _, at := range withContext {
					t.Run(fmt.Sprintf("%s/%s/%s/%v", shapeName, held, m.name, at), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							if honours(t, shape, held, m, at) {
								hit.Add(1)
							}
						})
					})
				}
			}
		}
	}
	if n := hit.Load(); n < 150 {
		t.Errorf("only %d of the moments came about", n)
	}
}

// honours has the driver hang in a call until its context ends, and reports whether
// the method came there.
func honours(t *testing.T, shape fakedb.Shape, held string, m method, at fakedb.Point) bool {
	const patience = 100 * time.Millisecond
	hooks := []sqlpool.Hooks{{BeforeAcquire: func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "SET hook=1") }}}
	server := fakedb.New()
	db, pool, _ := newDBOn(t, server, shape, sqlpool.Config{MaxConns: 1, PingAfter: time.Nanosecond, Hooks: hooks})
	e := &scene{db: db, pool: pool}
	var err error
	e.stmt, err = db.Prepare("SELECT 1")
	must(t, err)
	switch held {
	case "a Conn":
		e.conn, err = db.Conn(context.Background())
		must(t, err, second(e.conn.ExecContext(context.Background(), "SELECT 1")))
		defer e.conn.Close()
	case "a Tx":
		e.tx, err = db.Begin()
		must(t, err)
		defer e.tx.Rollback()
	}
	time.Sleep(10 * time.Millisecond) // long enough idle to be pinged
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), onTheWay{}, "mine"))
	defer cancel()
	server.Script(func(c fakedb.Call) fakedb.Fault {
		if c.Point == at && c.Ctx.Value(onTheWay{}) != "mine" && c.Point != fakedb.ResetSession {
			t.Errorf("%v of %q has lost the values of its caller's context", c.Point, c.Text)
		}
		return fakedb.Fault{}
	})
	hang := server.On(at, fakedb.Fault{Hang: fakedb.UntilDone})
	defer hang.Remove()
	defer hang.Release()
	start := time.Now()
	time.AfterFunc(patience, cancel)
	time.AfterFunc(time.Minute, hang.Release)
	err = m.call(ctx, e)
	took := time.Since(start)
	if hang.Hits() == 0 {
		if err != nil || took > 0 {
			t.Errorf("without the hang: %v after %v", err, took)
		}
		return false
	}
	if !errors.Is(err, context.Canceled) || took != patience {
		t.Errorf("the context ended after %v, and the method after %v with %v", patience, took, err)
	}
	return true
}

// TestEveryStatementEndsWithItsTransaction where the driver would end it, by whichever
// method it is executed.
func TestEveryStatementEndsWithItsTransaction(t *testing.T) {
	for _, m := range methodsOf["a Tx"] {
		for _, at := range []fakedb.Point{fakedb.Prepare, fakedb.Exec, fakedb.Query, fakedb.StmtExec, fakedb.StmtQuery, fakedb.RowsNext} {
			for name, later := range map[string]bool{"without an end of its own": false, "with a later one": true} {
				t.Run(fmt.Sprintf("%s/%v/%s", m.name, at, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						own := context.Background()
						if later {
							var end context.CancelFunc
							own, end = context.WithTimeout(own, time.Hour)
							defer end()
						}
						server := fakedb.New()
						db, _, _ := newDBOn(t, server, endsStatements, sqlpool.Config{MaxConns: 2})
						stmt, err := db.Prepare("SELECT 1")
						must(t, err)
						outer, cancel := context.WithTimeout(context.Background(), time.Second)
						defer cancel()
						tx, err := db.BeginTx(outer, nil)
						must(t, err)
						hang := server.On(at, fakedb.Fault{Hang: fakedb.UntilDone})
						time.AfterFunc(time.Minute, hang.Release)
						start := time.Now()
						err = m.call(own, &scene{db: db, tx: tx, stmt: stmt})
						if took := time.Since(start); hang.Hits() > 0 && (err == nil || took != time.Second) {
							t.Errorf("the transaction ended after 1s, and its statement after %v with %v", took, err)
						}
						hang.Remove()
						hang.Release()
						_ = tx.Rollback()
					})
				})
			}
		}
	}
}
