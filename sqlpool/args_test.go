package sqlpool_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

func TestARefusedArgumentSaysNothingOfTheConnection(t *testing.T) {
	for _, refusal := range []error{io.EOF, driver.ErrBadConn, &fakedb.Error{Code: "57P01"}, &fakedb.Error{Code: "26000"}} {
		t.Run(fmt.Sprint(refusal), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db, p, server := newDB(t, sqlpool.Config{})
				stmt, err := db.Prepare("INSERT ?")
				must(t, err)
				_, textErr := db.Exec("INSERT ?", valuer{nil, refusal})
				_, stmtErr := stmt.Exec(valuer{nil, refusal})
				for _, err := range []error{textErr, stmtErr} {
					if err == nil || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sqlpool.ErrConnLost) {
						t.Errorf("got %v", err)
					}
				}
				if c, s := server.Counts(), p.Stats(); c.Execs+c.StmtExecs > 0 || c.Connects != 1 || s.Generation != 0 {
					t.Errorf("it reached the driver or cost a connection: %+v %+v", c, s)
				}
				must(t, stmt.Close())
				rest(t, p)
			})
		})
	}
}

// pickyConn accepts strings once: a rule need not accept its own result.
type pickyConn struct{ *fakedb.Conn }

func (pickyConn) CheckNamedValue(v *driver.NamedValue) error {
	s, ok := v.Value.(string)
	if !ok {
		return errors.New("not a string")
	}
	v.Value = []byte(s)
	return nil
}

func TestArgumentsAreConvertedOncePerOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, p, server := newDBOn(t, fakedb.New(), func(c *fakedb.Conn) driver.Conn { return pickyConn{c} }, sqlpool.Config{MaxConns: 4})
		open(t, p, 4)
		server.KillAllWith(fakedb.Death{Hidden: true}) // so that there are five tries
		_, err := db.Exec("noop", "a")
		must(t, err)
		server.KillAllWith(fakedb.Death{Hidden: true})
		stmt, err := db.Prepare("SELECT ?")
		must(t, err)
		_, err = db.Exec("ALTER TABLE t")
		must(t, err, ask(stmt.Query("a")), stmt.Close())
	})
}

// shyConn has statements with a converter that leaves everything to the default rules.
type shyConn struct{ driver.Conn }

type shyStmt struct{ driver.Stmt }

func (c shyConn) Prepare(text string) (driver.Stmt, error) {
	s, err := c.Conn.Prepare(text)
	return shyStmt{s}, err
}

func (shyStmt) ColumnConverter(int) driver.ValueConverter { return shyConverter{} }

type shyConverter struct{}

func (shyConverter) ConvertValue(v any) (driver.Value, error) { return v, driver.ErrSkip }

func TestAConverterMaySkip(t *testing.T) {
	shy := func(c *fakedb.Conn) driver.Conn { return shyConn{fakedb.Minimal(c)} }
	plain := sql.OpenDB(fakedb.New().ConnectorAs(shy))
	defer plain.Close()
	pooled, _, _ := newDBOn(t, fakedb.New(), shy, sqlpool.Config{})
	for _, arg := range []any{int8(1), struct{}{}, sql.NullInt64{Int64: 7, Valid: true}} {
		q := question{kind: "prepared", text: "SELECT ?", args: []any{arg}}
		if want, got := answer(plain, q), answer(pooled, q); want != got {
			t.Errorf("%v:\nplain  %s\npooled %s", arg, want, got)
		}
	}
}

func TestNoArgumentIsAllocatedForAChecker(t *testing.T) {
	p, err := sqlpool.New(sqlpool.Config{Connector: fakedb.Instant()})
	must(t, err)
	db := sqlpool.OpenDB(p)
	defer db.Close()
	exec := func(args ...any) float64 {
		return testing.AllocsPerRun(200, func() {
			if _, err := db.Exec("noop", args...); err != nil {
				t.Error(err)
			}
		})
	}
	if one, four := exec(true), exec(true, true, true, true); four > one {
		t.Errorf("%v allocations with four arguments, %v with one", four, one)
	}
}
