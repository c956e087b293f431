package sqlmockpool_test

import (
	"database/sql"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/mocks/sqlmockpool"
	"github.com/sqlpool/go/sqlpool"
)

func TestWhatDidNotComeIsShownBesideWhatCame(t *testing.T) {
	f := &fakeTB{TB: t}
	db, mock, _ := sqlmockpool.New(f)
	mock.ExpectBegin()
	mock.ExpectExec("UPDATE books").WithArgs(2).WillReturnResult(done)
	mock.ExpectExec("INSERT INTO loans").WithArgs(2, sqlmock.AnyArg()).WillReturnResult(done)
	mock.ExpectPrepare("SELECT .+").WillBeClosed().ExpectQuery().WithArgs("Emma", time.Unix(0, 0).UTC())
	mock.ExpectCommit()
	_ = lend(db, 2, 3)
	_, _ = db.Exec("INSERT INTO readers VALUES ($1)", []byte("Jane"))
	f.end()
	want := `sqlmockpool: 3 of 6 expectations not met (-)
expected:
    Begin
    Exec UPDATE books with 2
    Exec INSERT INTO loans with 2, sqlmock.anyArgument
  - Prepare SELECT .+, then its statement is closed
  - Query SELECT .+ with "Emma", 1970-01-01 00:00:00 +0000 UTC
  - Commit
came:
    Begin
    Exec UPDATE books SET lent = true WHERE id = $1 with 2
    Exec INSERT INTO loans (book, reader) VALUES ($1, $2) with 2, 3
    Commit
        error: call to Commit transaction, was not expected
    Exec INSERT INTO readers VALUES ($1) with "Jane"
        error: call to ExecQuery 'INSERT INTO readers VALUES ($1)' with args [{Name: Ordinal:1 Value:[74 97 110 101]}], was not expected`
	if len(f.errors) != 1 || f.errors[0] != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(f.errors, "\n"), want)
	}
}

func TestRowsAndStatementsLeftOpenAreNotMet(t *testing.T) {
	f := &fakeTB{TB: t}
	db, mock, _ := sqlmockpool.New(f)
	mock.ExpectPrepare("SELECT").WillBeClosed()
	if _, err := db.Prepare("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	f.end()
	want := "sqlmockpool: 1 of 1 expectations not met (-)\nexpected:\n  - Prepare SELECT, then its statement is closed\ncame:\n    Prepare SELECT 1"
	if len(f.errors) != 1 || f.errors[0] != want {
		t.Errorf("%q", f.errors)
	}
}

func TestWhatCannotBeOpenedIsAnError(t *testing.T) {
	for want, cfg := range map[string]sqlpool.Config{
		"leave it nil": {Connector: fakedb.New().Connector()},
		"MaxConns":     {MaxConns: -1},
	} {
		f := &fakeTB{TB: t}
		if _, db, _, err := sqlmockpool.NewPool(f, cfg); db != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
		f.end()
		if len(f.errors) > 0 {
			t.Errorf("%q", f.errors)
		}
	}
}

// As with go-sqlmock, what failed can be closed: its suites defer that.
func TestAnOptionThatFailsIsGoSqlmocksOwn(t *testing.T) {
	open := openWith(sqlmockpool.New)
	db, mock, err := open(&fakeTB{TB: t}, errMocked)
	if err != errMocked || mock == nil {
		t.Errorf("%v, %v", mock, err)
	}
	mock.ExpectClose()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// openWith gives go-sqlmock an option that fails.
func openWith[M any](open func(sqlmockpool.T, ...func(M) error) (*sql.DB, sqlmock.Sqlmock, error)) func(sqlmockpool.T, error) (*sql.DB, sqlmock.Sqlmock, error) {
	return func(t sqlmockpool.T, err error) (*sql.DB, sqlmock.Sqlmock, error) {
		return open(t, func(M) error { return err })
	}
}

// TestACleanTestPrintsNothing runs another test of this package alone and looks
// at all that it prints.
func TestACleanTestPrintsNothing(t *testing.T) {
	const alone = "SQLMOCKPOOL_TEST_ALONE"
	if os.Getenv(alone) != "" {
		db, mock, _ := sqlmockpool.New(t)
		mock.ExpectBegin()
		mock.ExpectExec("UPDATE").WillReturnResult(done)
		mock.ExpectExec("INSERT").WillReturnResult(done)
		mock.ExpectCommit()
		if err := lend(db, 2, 3); err != nil {
			t.Error(err)
		}
		return
	}
	run := exec.Command(os.Args[0], "-test.run=^TestACleanTestPrintsNothing$", "-test.v")
	run.Env = append(os.Environ(), alone+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := run.CombinedOutput()
	quiet := regexp.MustCompile(`^=== RUN   \w+\n--- PASS: \w+ \([\d.]+s\)\nPASS\n(coverage: .*\n)?$`)
	if err != nil || !quiet.Match(out) {
		t.Errorf("%v\n%s", err, out)
	}
}
