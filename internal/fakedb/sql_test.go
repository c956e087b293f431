package fakedb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
)

func state(t *testing.T, err error, want string) {
	t.Helper()
	var e *fakedb.Error
	if !errors.As(err, &e) || e.SQLState() != want {
		t.Errorf("error = %v, want SQLSTATE %s", err, want)
	}
}

func status(t *testing.T, c *fakedb.Conn, want byte) {
	t.Helper()
	if got := c.TxStatus(); got != want {
		t.Errorf("TxStatus = %c, want %c", got, want)
	}
}

func TestTransactionByText(t *testing.T) {
	db := fakedb.New()
	c, ctx := connect(t, db), t.Context()
	status(t, c, 'I')
	is(t, exec(ctx, c, "begin"), nil)
	status(t, c, 'T')
	is(t, exec(ctx, c, "INSERT a"), nil)
	if db.Written("a") != 0 {
		t.Error("written before the commit")
	}
	is(t, exec(ctx, c, "COMMIT"), nil)
	status(t, c, 'I')
	if db.Written("a") != 1 {
		t.Error("not written by the commit")
	}
	is(t, exec(ctx, c, "BEGIN"), nil)
	is(t, exec(ctx, c, "INSERT b"), nil)
	state(t, exec(ctx, c, "FAIL 23505"), "23505")
	status(t, c, 'E')
	state(t, exec(ctx, c, "INSERT b"), "25P02")
	is(t, exec(ctx, c, "COMMIT"), nil) // rolls back
	status(t, c, 'I')
	if db.Written("b") != 0 {
		t.Error("a failed transaction has written")
	}
}

func TestTransactionByInterface(t *testing.T) {
	db := fakedb.New()
	c, ctx := connect(t, db), t.Context()
	begin := func() driver.Tx {
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		is(t, err, nil)
		status(t, c, 'T')
		return tx
	}
	tx := begin()
	_, err := c.BeginTx(ctx, driver.TxOptions{})
	state(t, err, "25001")
	is(t, exec(ctx, c, "INSERT a"), nil)
	is(t, tx.Rollback(), nil)
	status(t, c, 'I')
	tx = begin()
	is(t, exec(ctx, c, "INSERT a"), nil)
	is(t, tx.Commit(), nil)
	if db.Written("a") != 1 {
		t.Errorf("written %d times", db.Written("a"))
	}
	tx = begin()
	exec(ctx, c, "FAIL 1")
	state(t, tx.Commit(), "25P02")
	status(t, c, 'I')

	db.On(fakedb.Rollback, fakedb.Fault{Err: errRefused})
	tx = begin()
	is(t, tx.Rollback(), errRefused)
	status(t, c, 'T') // nobody has ended it
}

func TestBeginContextRulesTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := fakedb.New()
		c := connect(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		is(t, err, nil)
		db.On(fakedb.Rollback, fakedb.Fault{Delay: time.Minute})
		is(t, tx.Rollback(), context.DeadlineExceeded)
		status(t, c, 'T')
	})
}

func TestPlainDatabaseSQL(t *testing.T) {
	db := fakedb.New()
	pool := sql.OpenDB(db.Connector())
	pool.SetMaxOpenConns(1)
	one := func(query string, args ...any) (v any) {
		t.Helper()
		if err := pool.QueryRow(query, args...).Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := one("SELECT 7"); v != int64(7) {
		t.Errorf("SELECT 7 = %v", v)
	}
	if v := one("SELECT ?", "x"); v != "x" {
		t.Errorf("SELECT ? = %v", v)
	}
	if v := one("SELECT pid"); v != int64(1) {
		t.Errorf("SELECT pid = %v", v)
	}
	pool.Exec("SET role=boss")
	if v := one("SHOW role"); v != "boss" {
		t.Errorf("SHOW role = %v", v)
	}
	pool.Exec("RESET ALL")
	if v := one("SHOW role"); v != "" {
		t.Errorf("SHOW role = %v", v)
	}

	rows, err := pool.Query("SERIES 5; SELECT 6")
	is(t, err, nil)
	sum := int64(0)
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			var n int64
			is(t, rows.Scan(&n), nil)
			sum += n
		}
	}
	is(t, rows.Err(), nil)
	types, _ := rows.ColumnTypes()
	rows.Close()
	if sum != 21 || len(types) > 0 && types[0].DatabaseTypeName() != "FAKE" {
		t.Errorf("sum %d, types %v", sum, types)
	}
	is(t, pool.Close(), nil)
	n := db.Counts()
	if n.Live != 0 || n.OpenRows != 0 || n.OpenStmts != 0 || n.Resets == 0 || n.Validations == 0 {
		t.Errorf("%+v", n)
	}
	clean(t, db)
}

func TestSleepHeedsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, fakedb.New())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		is(t, exec(ctx, c, "SLEEP 1h"), context.DeadlineExceeded)
		is(t, exec(t.Context(), c, "SLEEP 1h"), nil)
	})
}

func TestPreparedStatements(t *testing.T) {
	db := fakedb.New()
	pool := sql.OpenDB(db.Connector())
	pool.SetMaxOpenConns(1)
	stmt, err := pool.Prepare("INSERT ?")
	is(t, err, nil)
	for range 3 {
		_, err := stmt.Exec("tok")
		is(t, err, nil)
	}
	if total, most := db.Prepares("INSERT ?"); total != 1 || most != 1 || db.Written("tok") != 3 {
		t.Errorf("prepared %d, %d; ledger %v", total, most, db.Ledger())
	}
	if _, err := stmt.Exec(); err == nil {
		t.Error("NumInput is not checked")
	}
	pool.Exec("ALTER TABLE x")
	_, err = stmt.Exec("tok")
	state(t, err, "0A000")
	pool.Exec("DISCARD ALL")
	_, err = stmt.Exec("tok")
	state(t, err, "26000")
	if n := db.Counts(); n.OpenStmts != 1 || n.StmtExecs != 5 || n.Execs != 2 {
		t.Errorf("%+v", n)
	}
	stmt.Close()
	pool.Close()
	if n := db.Counts(); n.OpenStmts != 0 {
		t.Errorf("%+v", n)
	}
	clean(t, db)
}
