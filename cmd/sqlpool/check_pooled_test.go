package main

import (
	"database/sql"
	"strings"
	"sync"
	"testing"

	_ "github.com/sqlpool/go/drivers"
	"github.com/sqlpool/go/internal/pgserver"
)

// What check advises behind a pooler in transaction mode is enough there, and without it statements fail.
func TestTheAdviceForATransactionPoolerHolds(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	through := server.TCP()
	through.Port = bouncer(t, server, "pool_mode = transaction\ndefault_pool_size = 3")
	dsn := through.URL("postgres")
	for _, test := range []struct{ driver, advised string }{
		{"pgx", "&pool_statements=text&default_query_exec_mode=exec"},
		{"pq", "&pool_statements=text&binary_parameters=yes"},
	} {
		if failed := work(t, poolDrivers[test.driver], dsn); failed == nil {
			t.Errorf("%s: without the advice nothing fails", test.driver)
		}
		if failed := work(t, poolDrivers[test.driver], dsn+test.advised); failed != nil {
			t.Errorf("%s with %s: %v", test.driver, test.advised, failed)
		}
		for word := range strings.SplitSeq(strings.TrimPrefix(test.advised, "&"), "&") {
			a := adviseStatements(&checkResult{Pool: &poolSettings{}, Pooler: &poolerCheck{Mode: "transaction", Prepared: "no"}})
			if !strings.Contains(a.Setting, word) {
				t.Errorf("the advice %q has no %s", a.Setting, word)
			}
		}
	}
}

// work uses statements in all ways that database/sql has, from more callers than the pooler has connections, and returns
// the first error.
func work(t *testing.T, driver, dsn string) error {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	stmt, err := db.PrepareContext(t.Context(), "SELECT $1::int + 1")
	if err != nil {
		return err
	}
	defer func() { _ = stmt.Close() }()
	errs := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(errs) {
		all.Go(func() {
			for i := range 50 {
				if err := once(t, db, stmt, i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	return <-errs
}

func once(t *testing.T, db *sql.DB, stmt *sql.Stmt, i int) error {
	var got int
	if err := stmt.QueryRowContext(t.Context(), i).Scan(&got); err != nil {
		return err
	}
	if err := db.QueryRowContext(t.Context(), "SELECT $1::int * 2", i).Scan(&got); err != nil {
		return err
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing left to do
	inside := tx.StmtContext(t.Context(), stmt)
	defer func() { _ = inside.Close() }()
	if err := inside.QueryRowContext(t.Context(), i).Scan(&got); err != nil {
		return err
	}
	return tx.Commit()
}

// An assistant's queries go through such a pooler with the same settings, and are as read-only there.
func TestMCPThroughATransactionPooler(t *testing.T) {
	server := pgserver.Run(t, pgserver.Options{})
	through := server.TCP()
	through.User, through.Port = "app", bouncer(t, server, "pool_mode = transaction\ndefault_pool_size = 3")
	if err := server.Exec(t.Context(), "CREATE ROLE app LOGIN; CREATE SEQUENCE numbers; GRANT ALL ON numbers TO app"); err != nil {
		t.Fatal(err)
	}
	for driver, params := range map[string]string{
		"pgx": "&pool_statements=text&default_query_exec_mode=exec", "pq": "&pool_statements=text&binary_parameters=yes",
	} {
		a := serve(t, through.URL("postgres")+params, "--driver", driver)
		for range 20 {
			if found := a.ask("SELECT count(*) FROM pg_class"); found.Error != nil || found.RowCount != 1 {
				t.Errorf("%s: %+v", driver, found.Error)
			}
			if found := a.ask("SELECT nextval('numbers')"); found.Error == nil || found.Error.SQLState != "25006" {
				t.Errorf("%s: %+v", driver, found.Error)
			}
			if found := a.ask("SELECT 1; COMMIT"); found.Error == nil || found.Error.SQLState != "42601" {
				t.Errorf("%s: %+v", driver, found.Error)
			}
		}
		a.leave()
	}
}
