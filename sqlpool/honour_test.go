package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// onTheWay is the key of a value that the driver must find in its calls' contexts.
type onTheWay struct{}

// A method is one of those that take a context. Its name begins with the type and the
// methods that are called in turn: TestEveryMethodWithAContextIsInTheTable reads it.
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
	loan sqlpool.Loan
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

func scanned(row *sql.Row) error {
	var v any
	return row.Scan(&v)
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

// methodsOf are the methods of all that database/sql and the pool offer.
var methodsOf = map[string][]method{
	"nothing held": {
		{"DB.ExecContext", func(ctx context.Context, e *scene) error { return second(e.db.ExecContext(ctx, "SELECT 1")) }},
		{"DB.ExecContext with an argument", func(ctx context.Context, e *scene) error { return second(e.db.ExecContext(ctx, "INSERT ?", 1)) }},
		{"DB.QueryContext", func(ctx context.Context, e *scene) error { return readOut(e.db.QueryContext(ctx, "SELECT 1")) }},
		{"DB.QueryContext with an argument", func(ctx context.Context, e *scene) error { return readOut(e.db.QueryContext(ctx, "SELECT ?", 1)) }},
		{"DB.QueryRowContext", func(ctx context.Context, e *scene) error { return scanned(e.db.QueryRowContext(ctx, "SELECT 1")) }},
		{"DB.PrepareContext", func(ctx context.Context, e *scene) error { return stmtOf(e.db.PrepareContext(ctx, "SELECT 2")) }},
		{"DB.BeginTx", func(ctx context.Context, e *scene) error { return txOf(e.db.BeginTx(ctx, nil)) }},
		{"DB.PingContext", func(ctx context.Context, e *scene) error { return e.db.PingContext(ctx) }},
		{"Stmt.ExecContext", func(ctx context.Context, e *scene) error { return second(e.stmt.ExecContext(ctx)) }},
		{"Stmt.QueryContext", func(ctx context.Context, e *scene) error { return readOut(e.stmt.QueryContext(ctx)) }},
		{"Stmt.QueryRowContext", func(ctx context.Context, e *scene) error { return scanned(e.stmt.QueryRowContext(ctx)) }},
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
		{"Pool.TryAcquire", func(ctx context.Context, e *scene) error {
			loan, err := e.pool.TryAcquire(ctx)
			if err == nil {
				err = loan.Release()
			}
			return err
		}},
		{"Pool.Warm", func(ctx context.Context, e *scene) error { return e.pool.Warm(ctx) }},
	},
	"a Conn": {
		{"Conn.ExecContext", func(ctx context.Context, e *scene) error { return second(e.conn.ExecContext(ctx, "SELECT 1")) }},
		{"Conn.QueryContext", func(ctx context.Context, e *scene) error { return readOut(e.conn.QueryContext(ctx, "SELECT 1")) }},
		{"Conn.QueryRowContext", func(ctx context.Context, e *scene) error { return scanned(e.conn.QueryRowContext(ctx, "SELECT 1")) }},
		{"Conn.PrepareContext", func(ctx context.Context, e *scene) error { return stmtOf(e.conn.PrepareContext(ctx, "SELECT 2")) }},
		{"Conn.BeginTx", func(ctx context.Context, e *scene) error { return txOf(e.conn.BeginTx(ctx, nil)) }},
		{"Conn.PingContext", func(ctx context.Context, e *scene) error { return e.conn.PingContext(ctx) }},
	},
	"a Tx": {
		{"Tx.ExecContext", func(ctx context.Context, e *scene) error { return second(e.tx.ExecContext(ctx, "SELECT 1")) }},
		{"Tx.ExecContext with an argument", func(ctx context.Context, e *scene) error { return second(e.tx.ExecContext(ctx, "INSERT ?", 1)) }},
		{"Tx.QueryContext", func(ctx context.Context, e *scene) error { return readOut(e.tx.QueryContext(ctx, "SELECT 1")) }},
		{"Tx.QueryContext with an argument", func(ctx context.Context, e *scene) error { return readOut(e.tx.QueryContext(ctx, "SELECT ?", 1)) }},
		{"Tx.QueryRowContext", func(ctx context.Context, e *scene) error { return scanned(e.tx.QueryRowContext(ctx, "SELECT 1")) }},
		{"Tx.PrepareContext", func(ctx context.Context, e *scene) error { return stmtOf(e.tx.PrepareContext(ctx, "SELECT 2")) }},
		{"Tx.StmtContext.ExecContext", func(ctx context.Context, e *scene) error {
			return second(e.tx.StmtContext(ctx, e.stmt).ExecContext(ctx))
		}},
		{"Tx.StmtContext.QueryContext", func(ctx context.Context, e *scene) error {
			return readOut(e.tx.StmtContext(ctx, e.stmt).QueryContext(ctx))
		}},
	},
	"a Loan": {
		{"sqlpool.Conn.Exec", func(ctx context.Context, e *scene) error { return e.loan.Conn().Exec(ctx, "SELECT 1") }},
		{"sqlpool.Conn.Query", func(ctx context.Context, e *scene) error { return second(e.loan.Conn().Query(ctx, "SELECT 1")) }},
		{"sqlpool.Conn.Ping", func(ctx context.Context, e *scene) error { return e.loan.Conn().Ping(ctx) }},
		{"sqlpool.Conn.SetUp", func(ctx context.Context, e *scene) error { return e.loan.Conn().SetUp(ctx) }},
	},
}

// notCalled are the methods whose context no call of the driver gets.
var notCalled = map[string]string{
	"Pool.Recycle":  "its dials are the pool's own, and its waits end with the context: TestRecycleEndsWithItsContextAndThePool",
	"Pool.Shutdown": "it closes without a context, and waits for loans under its own: TestTheDeadlineCutsLoansOffAndNamesTheirHolders",
}

// TestEveryMethodWithAContextIsInTheTable: a method that is added takes part, or there is
// a reason why not.
func TestEveryMethodWithAContextIsInTheTable(t *testing.T) {
	called := map[string]bool{}
	for _, methods := range methodsOf {
		for _, m := range methods {
			name, _, _ := strings.Cut(m.name, " ")
			called[name] = true
			if chain := strings.Split(strings.TrimPrefix(name, "sqlpool."), "."); len(chain) == 3 { // Tx.StmtContext.ExecContext
				called[chain[0]+"."+chain[1]] = true
			}
		}
	}
	found := map[string]bool{}
	for prefix, typ := range map[string]reflect.Type{
		"DB": reflect.TypeFor[*sql.DB](), "Conn": reflect.TypeFor[*sql.Conn](), "Tx": reflect.TypeFor[*sql.Tx](), "Stmt": reflect.TypeFor[*sql.Stmt](),
		"Pool": reflect.TypeFor[*sqlpool.Pool](), "sqlpool.Conn": reflect.TypeFor[*sqlpool.Conn](),
	} {
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			if m.Type.NumIn() < 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() {
				continue
			}
			name := prefix + "." + m.Name
			found[name] = true
			if called[name] == (notCalled[name] != "") {
				t.Errorf("%s takes a context: it must be in methodsOf, or else in notCalled with the reason", name)
			}
		}
	}
	for name := range notCalled {
		if !found[name] {
			t.Errorf("notCalled has %s, which does not exist", name)
		}
	}
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
					for _, told := range []bool{false, true} { // OnStatement has each statement go another way
						if told && shapeName != "full" && shapeName != "ends statements" {
							continue
						}
						t.Run(fmt.Sprintf("%s/%s/%s/%v/told=%v", shapeName, held, m.name, at, told), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								if honours(t, shape, held, m, at, told) {
									hit.Add(1)
								}
							})
						})
					}
				}
			}
		}
	}
	if n := hit.Load(); n < 250 {
		t.Errorf("only %d of the moments came about", n)
	}
}

// honours has the driver hang in a call until its context ends, and reports whether
// the method came there.
func honours(t *testing.T, shape fakedb.Shape, held string, m method, at fakedb.Point, told bool) bool {
	const patience = 100 * time.Millisecond
	hooks := []sqlpool.Hooks{{
		BeforeAcquire: func(ctx context.Context, c *sqlpool.Conn) error { return c.Exec(ctx, "SET hook=1") },
		AfterConnect: func(ctx context.Context, c *sqlpool.Conn) error {
			if ctx.Value(onTheWay{}) == nil { // a dial, which is the pool's own
				return nil
			}
			return c.Exec(ctx, "SET hook=2")
		},
	}}
	var listens, mine, others atomic.Int64
	if told {
		hooks = append(hooks, sqlpool.Hooks{OnStatement: func(ctx context.Context, _ *sqlpool.Executing) func(sqlpool.Executed) {
			if listens.Load() == 0 {
				return nil
			}
			if ctx.Value(onTheWay{}) == "mine" {
				mine.Add(1)
			} else {
				others.Add(1)
			}
			return func(sqlpool.Executed) { listens.Add(1) }
		}})
	}
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
	case "a Loan":
		e.loan = acquire(t, pool)
		defer e.loan.Release()
	}
	time.Sleep(10 * time.Millisecond) // long enough idle to be pinged
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), onTheWay{}, "mine"))
	defer cancel()
	server.Script(func(c fakedb.Call) fakedb.Fault {
		if c.Point == at && c.Ctx.Value(onTheWay{}) != "mine" {
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
	listens.Store(1)
	err = m.call(ctx, e)
	took := time.Since(start)
	if began, ended := mine.Load()+others.Load(), listens.Swap(0)-1; began != ended || others.Load() > 0 {
		t.Errorf("OnStatement was told of %d beginnings and %d ends, and of %d with a context that is not the caller's", began, ended, others.Load())
	}
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

// executing is what database/sql uses of a session in a transaction.
type executing interface {
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	Close() error
}

// inTransaction are the ways in which database/sql has a session execute something in a
// transaction.
var inTransaction = []struct {
	name string
	call func(ctx context.Context, c executing, stmt driver.Stmt) error
}{
	{"Exec", func(ctx context.Context, c executing, _ driver.Stmt) error {
		return second(c.ExecContext(ctx, "SELECT 1", nil))
	}},
	{"Query", func(ctx context.Context, c executing, _ driver.Stmt) error {
		return drain(c.QueryContext(ctx, "SELECT 1", nil))
	}},
	{"Prepare", func(ctx context.Context, c executing, _ driver.Stmt) error {
		stmt, err := c.PrepareContext(ctx, "SELECT 2")
		if err == nil {
			err = stmt.Close()
		}
		return err
	}},
	{"Ping", func(ctx context.Context, c executing, _ driver.Stmt) error { return c.Ping(ctx) }},
	{"Stmt.Exec", func(ctx context.Context, _ executing, stmt driver.Stmt) error {
		return second(stmt.(driver.StmtExecContext).ExecContext(ctx, nil))
	}},
	{"Stmt.Query", func(ctx context.Context, _ executing, stmt driver.Stmt) error {
		return drain(stmt.(driver.StmtQueryContext).QueryContext(ctx, nil))
	}},
}

// drain reads a driver's rows.
func drain(rows driver.Rows, err error) error {
	if err != nil {
		return err
	}
	dest := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		err = rows.Next(dest)
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// TestEveryStatementEndsWithItsTransaction where the driver would end it, by whichever
// method it is executed. The methods are called without database/sql, whose own rollback at
// the end of the context waits for the statement under a lock: that stops the time of a
// bubble, and a statement that does not end would be a hang and no failure.
func TestEveryStatementEndsWithItsTransaction(t *testing.T) {
	var hit atomic.Int64
	for _, m := range inTransaction {
		for _, at := range []fakedb.Point{fakedb.Prepare, fakedb.Exec, fakedb.Query, fakedb.Ping, fakedb.StmtExec, fakedb.StmtQuery, fakedb.RowsNext} {
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
						p := labOn(t, server, endsStatements, sqlpool.Config{MaxConns: 2})
						opened, err := p.Connector().Connect(context.Background())
						must(t, err)
						c := opened.(executing)
						defer c.Close()
						outer, cancel := context.WithTimeout(context.Background(), time.Second)
						defer cancel()
						tx, err := c.BeginTx(outer, driver.TxOptions{})
						must(t, err)
						stmt, err := c.PrepareContext(context.Background(), "SELECT 1")
						must(t, err)
						hang := server.On(at, fakedb.Fault{Hang: fakedb.UntilDone})
						time.AfterFunc(time.Minute, hang.Release)
						start := time.Now()
						err = m.call(own, c, stmt)
						if took := time.Since(start); hang.Hits() > 0 && (err == nil || took != time.Second) {
							t.Errorf("the transaction ended after 1s, and its statement after %v with %v", took, err)
						}
						hit.Add(int64(min(hang.Hits(), 1)))
						hang.Remove()
						hang.Release()
						_ = stmt.Close()
						_ = tx.Rollback()
					})
				})
			}
		}
	}
	if n := hit.Load(); n < 16 { // eight moments, with and without an end of one's own
		t.Errorf("only %d of the moments came about", n)
	}
}
