package acceptance

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/sqlpool/go/internal/pgserver"
	"github.com/sqlpool/go/sqlpool"
)

// One *sql.Stmt is prepared at most once on each physical connection, however
// often it is executed.
func TestAStatementIsPreparedOncePerConnection(t *testing.T) {
	onEach(t, func(a *app) {
		a.must(a.server.LogStatements(a.ctx(), a.database))
		since := a.mark()
		_, db := a.pool(sqlpool.Config{MaxConns: 4})
		const query = "SELECT $1::int + 41"
		stmt, err := db.PrepareContext(a.ctx(), query)
		a.must(err)
		defer stmt.Close()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 25 {
					var n int
					if err := stmt.QueryRowContext(a.ctx(), 1).Scan(&n); err != nil || n != 42 {
						a.Errorf("got %d, %v", n, err)
						return
					}
				}
			})
		}
		wg.Wait()
		prepares, err := a.server.Prepares(a.ctx(), since, pgserver.Filter{Application: a.name})
		a.must(err)
		perBackend := map[int]int{}
		for _, p := range prepares {
			if p.SQL == query {
				perBackend[p.PID]++
			}
		}
		if len(perBackend) == 0 {
			a.Error("the server counted no prepare at all")
		}
		for pid, n := range perBackend {
			if n > 1 {
				a.Errorf("backend %d prepared the statement %d times", pid, n)
			}
		}
	})
}

// A prepared statement outlives ALTER TABLE and DISCARD ALL, which on plain
// database/sql make it fail for good.
func TestStaleStatementsArePreparedAgain(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.pool(sqlpool.Config{MaxConns: 1})
		a.exec(db, "CREATE TABLE stale (id int)")
		a.exec(db, "INSERT INTO stale VALUES (1)")
		const text = "SELECT * FROM stale"
		twin, err := db.PrepareContext(a.ctx(), text) // pgx prepares a text once, for both
		a.must(err)
		defer twin.Close()
		stmt, err := db.PrepareContext(a.ctx(), text)
		a.must(err)
		defer stmt.Close()
		for _, each := range []*sql.Stmt{twin, stmt} {
			rows, err := each.QueryContext(a.ctx())
			a.must(err)
			a.must(rows.Close())
		}
		read := func() int {
			a.Helper()
			rows, err := stmt.QueryContext(a.ctx())
			a.must(err)
			defer rows.Close()
			columns, err := rows.Columns()
			a.must(err)
			return len(columns)
		}
		if n := read(); n != 1 {
			a.Fatalf("%d columns", n)
		}
		a.exec(db, "ALTER TABLE stale ADD COLUMN name text")
		if n := read(); n != 2 {
			a.Errorf("%d columns after ALTER TABLE, want 2", n)
		}
		a.exec(db, "DISCARD ALL")
		if n := read(); n != 2 {
			a.Errorf("%d columns after DISCARD ALL, want 2", n)
		}
	})
}
