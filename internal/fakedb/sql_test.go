package fakedb_test

import (
	"database/sql"
	"testing"

	"github.com/sqlpool/go/internal/fakedb"
)

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
