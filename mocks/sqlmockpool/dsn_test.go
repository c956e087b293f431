package sqlmockpool_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/sqlpool/go/mocks/sqlmockpool"
)

// A library that opens its database itself is on the same mock and pool.
func TestADataSourceNameOpensTheSameDatabase(t *testing.T) {
	f := &fakeTB{TB: t}
	db, mock, err := sqlmockpool.NewWithDSN(f, "books")
	if err != nil {
		t.Fatal(err)
	}
	own, err := sql.Open("sqlmockpool", "books")
	if err != nil {
		t.Fatal(err)
	}
	mock.ExpectExec("DELETE").WillReturnResult(done)
	mock.ExpectBegin()
	mock.ExpectClose()
	mock.ExpectClose()
	if _, err := db.Exec("DELETE FROM books"); err != nil {
		t.Error(err)
	}
	tx, err := own.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error("the first Close:", err)
	}
	if err := own.Close(); err != nil {
		t.Error("the second Close:", err)
	}
	f.end()
	if len(f.errors) != 1 || !strings.Contains(f.errors[0], "a Tx was neither committed nor rolled back") {
		t.Errorf("want the leak of the Tx, got %q", f.errors)
	}
	_ = tx.Rollback()
}

func TestADataSourceNameIsUsedOnceAtATime(t *testing.T) {
	first := &fakeTB{TB: t}
	if _, _, err := sqlmockpool.NewWithDSN(first, "once"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sqlmockpool.NewWithDSN(&fakeTB{TB: t}, "once"); err == nil || !strings.Contains(err.Error(), "same dsn") {
		t.Error("a second time:", err)
	}
	first.end()
	if db, err := sql.Open("sqlmockpool", "once"); err == nil || !strings.Contains(err.Error(), "NewWithDSN") {
		t.Error("opened after its test:", db, err)
	}
	again := &fakeTB{TB: t}
	if _, _, err := sqlmockpool.NewWithDSN(again, "once"); err != nil {
		t.Error("after its test:", err)
	}
	again.end()
	if len(first.errors)+len(again.errors) > 0 {
		t.Errorf("%q %q", first.errors, again.errors)
	}
}
