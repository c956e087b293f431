package acceptance

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/sqlpool"
)

// beside runs a program on plain database/sql with the driver's own name, and on the pool, one
// connection each and an empty database, and returns what it saw on both.
func (a *app) beside(program func(db *sql.DB) string) (plain, pooled string) {
	a.Helper()
	db, err := sql.Open(map[string]string{"pgx": "pgx", "pq": "postgres"}[a.adapter.name], a.dsn)
	a.must(err)
	db.SetMaxOpenConns(1)
	a.exec(db, empty)
	plain = program(db)
	a.must(db.Close())
	pool, err := sqlpool.New(sqlpool.Config{Connector: a.connector(), MaxConns: 1})
	a.must(err)
	onPool := sqlpool.OpenDB(pool)
	defer onPool.Close()
	a.exec(onPool, empty)
	pooled = program(onPool)
	if s := pool.Stats(); s.DialCount != 1 {
		a.Errorf("%d connections were opened, want 1", s.DialCount)
	}
	return plain, pooled
}

const empty = "DROP SCHEMA IF EXISTS app, t0, t1, tenant CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public"

// ask executes a query and tells all that it sees.
func ask(db interface {
	Query(string, ...any) (*sql.Rows, error)
}, query string, args ...any) string {
	rows, err := db.Query(query, args...)
	return readAll(rows, err).String()
}

// times tells how often a program saw what.
func times(n int, program func(i int) string) string {
	seen, order := map[string]int{}, []string{}
	for i := range n {
		s := program(i)
		if seen[s]++; seen[s] == 1 {
			order = append(order, s)
		}
	}
	var b strings.Builder
	for _, s := range order {
		fmt.Fprintf(&b, "%d times %s; ", seen[s], s)
	}
	return b.String()
}

// script executes texts without arguments and tells what failed.
func script(db interface {
	Exec(string, ...any) (sql.Result, error)
}, texts ...string) string {
	for _, text := range texts {
		if _, err := db.Exec(text); err != nil {
			return fmt.Sprintf("%s: %v", text, err)
		}
	}
	return ""
}

// programs meet statements that are older than what they are about.
var programs = []struct {
	name    string
	program func(db *sql.DB) string
}{
	{"int becomes bigint", func(db *sql.DB) string {
		query := func(int) string { return ask(db, "SELECT name FROM items WHERE id = $1", int64(3_000_000_000)) }
		write := func(int) string { return ask(db, "INSERT INTO items VALUES ($1, $2)", int64(3_000_000_000), "b") }
		return script(db, "CREATE TABLE items (id int, name text)") + ask(db, "SELECT name FROM items WHERE id = $1", 1) + ask(db, "INSERT INTO items VALUES ($1, $2)", 1, "a") +
			script(db, "ALTER TABLE items ALTER COLUMN id TYPE bigint") + times(20, query) + times(20, write)
	}},
	{"int becomes text", func(db *sql.DB) string {
		query := func(int) string { return ask(db, "SELECT count(*) FROM items WHERE code = $1", "1") }
		return script(db, "CREATE TABLE items (code int)") + query(0) + script(db, "ALTER TABLE items ALTER COLUMN code TYPE text USING code::text") + times(20, query)
	}},
	{"an enum is replaced", func(db *sql.DB) string {
		all := func(int) string {
			return ask(db, "INSERT INTO forms VALUES ($1, $2)", 1, "draft") + ask(db, "SELECT count(*) > 0 FROM forms WHERE state = $1", "draft") +
				ask(db, "UPDATE forms SET state = $1 WHERE id = $2", "draft", 1)
		}
		return script(db, "CREATE TYPE state AS ENUM ('draft', 'old')", "CREATE TABLE forms (id int, state state)") + all(0) +
			script(db, "CREATE TYPE new AS ENUM ('draft'); ALTER TABLE forms ALTER COLUMN state TYPE new USING state::text::new; DROP TYPE state; ALTER TYPE new RENAME TO state") +
			times(20, all)
	}},
	{"the schema is made again", func(db *sql.DB) string {
		return times(20, func(int) string {
			return script(db, "DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('ok'); CREATE TABLE app.person (mood app.mood)") +
				ask(db, "INSERT INTO app.person VALUES ($1)", "ok")
		})
	}},
	{"tenants by search_path", func(db *sql.DB) string {
		return script(db, "CREATE SCHEMA t0; CREATE SCHEMA t1; CREATE TABLE t0.items (id int, name text); CREATE TABLE t1.items (id bigint, name text, more int)",
			"INSERT INTO t0.items VALUES (1, 't0'); INSERT INTO t1.items VALUES (3000000000, 't1')") +
			times(40, func(i int) string {
				tx, err := db.Begin()
				if err != nil {
					return err.Error()
				}
				defer tx.Rollback()
				id := []int64{1, 3_000_000_000}[i%2]
				return script(tx, fmt.Sprint("SET LOCAL search_path = t", i%2)) + ask(tx, "SELECT name FROM items WHERE id = $1", id)
			})
	}},
	{"a literal 'now'", func(db *sql.DB) string {
		query := func(int) string {
			return ask(db, "SELECT count(*) FROM tokens WHERE expires > 'now' AND $1::int = 1", 1)
		}
		return script(db, "CREATE TABLE tokens (expires timestamptz)") + query(0) +
			script(db, "INSERT INTO tokens VALUES (clock_timestamp())", "SELECT pg_sleep(0.01)") + times(3, query)
	}},
	{"a literal under SET LOCAL TIME ZONE", func(db *sql.DB) string {
		return times(4, func(i int) string {
			tx, err := db.Begin()
			if err != nil {
				return err.Error()
			}
			defer tx.Rollback()
			return script(tx, "SET LOCAL TIME ZONE '"+[]string{"UTC", "Asia/Tokyo"}[i%2]+"'") +
				ask(tx, "SELECT extract(epoch FROM timestamptz '2001-01-01 12:00')::bigint + $1::bigint", 0)
		})
	}},
	{"a table that another one shadows", func(db *sql.DB) string {
		query := func() string { return ask(db, "SELECT name FROM items WHERE id = $1", 1) }
		return script(db, "CREATE SCHEMA tenant; CREATE TABLE public.items (id int, name text); INSERT INTO public.items VALUES (1, 'shared')", "SET search_path = tenant, public") + query() +
			script(db, "CREATE TABLE tenant.items (id int, name text); INSERT INTO tenant.items VALUES (1, 'own')") + query() +
			script(db, "CREATE TEMP TABLE items (id int, name text); INSERT INTO pg_temp.items VALUES (1, 'temp')") + query()
	}},
	{"a statement is closed and prepared again", func(db *sql.DB) string {
		const insert = "INSERT INTO forms VALUES ($1, $2)"
		st, err := db.Prepare(insert)
		if err == nil {
			return "prepared without its table"
		}
		seen := script(db, "CREATE TYPE state AS ENUM ('draft', 'old')", "CREATE TABLE forms (id int, state state)")
		if st, err = db.Prepare(insert); err != nil {
			return err.Error()
		}
		if _, err := st.Exec(1, "draft"); err != nil {
			return err.Error()
		}
		seen += script(db, "CREATE TYPE new AS ENUM ('draft'); ALTER TABLE forms ALTER COLUMN state TYPE new USING state::text::new; DROP TYPE state; ALTER TYPE new RENAME TO state")
		return seen + times(20, func(int) string {
			closed := st.Close()
			if st, err = db.Prepare(insert); err != nil {
				return err.Error()
			}
			_, err = st.Exec(1, "draft")
			return fmt.Sprint(closed, err)
		}) + fmt.Sprint(st.Close())
	}},
	{"a query of a closed statement's text", func(db *sql.DB) string {
		const query = "SELECT * FROM items WHERE id = $1"
		seen := script(db, "CREATE TABLE items (id int)")
		for _, spoil := range []string{"ALTER TABLE items ADD more int", "DEALLOCATE ALL", "DROP TABLE items; CREATE TABLE items (id text, other int)", "DISCARD ALL"} {
			st, err := db.Prepare(query)
			if err != nil {
				return err.Error()
			}
			seen += ask(stmtOf(st), query, "1") + fmt.Sprint(st.Close()) + script(db, spoil) + times(3, func(int) string { return ask(db, query, "1") })
			tx, err := db.Begin()
			if err != nil {
				return err.Error()
			}
			seen += ask(tx, query, "1") + fmt.Sprint(tx.Rollback())
		}
		return seen
	}},
	{"a statement is closed in its transaction", func(db *sql.DB) string {
		return times(3, func(int) string {
			tx, err := db.Begin()
			if err != nil {
				return err.Error()
			}
			defer tx.Rollback()
			st, err := tx.Prepare("SELECT 40 + $1::int")
			if err != nil {
				return err.Error()
			}
			seen := ask(stmtOf(st), "", 2) + fmt.Sprint(st.Close())
			return seen + ask(tx, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 40 %'")
		})
	}},
}

// stmt is a statement that answers whatever it is asked.
type stmt struct{ *sql.Stmt }

func stmtOf(s *sql.Stmt) stmt { return stmt{s} }

// Query executes the statement.
func (s stmt) Query(_ string, args ...any) (*sql.Rows, error) { return s.Stmt.Query(args...) }

// What the pool keeps between two calls changes no answer: not after a change of schema, nor
// of what a name or a literal means, and a program that closes a statement and prepares it again has a new one.
func TestNothingIsOlderThanOnThePlainDriver(t *testing.T) {
	onEach(t, func(a *app) {
		for _, p := range programs {
			if plain, pooled := a.beside(p.program); plain != pooled {
				a.Errorf("%s:\nplain  %s\npooled %s", p.name, plain, pooled)
			}
		}
	})
}

// pgx finds what a *sql.Stmt has prepared under its text, in each of its modes.
func TestAClosedStatementIsForgottenInEveryModeOfPgx(t *testing.T) {
	onEach(t, func(a *app) {
		if a.adapter.name != "pgx" {
			return // lib/pq has no such modes
		}
		dsn := a.dsn
		for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
			a.dsn = dsn + "&default_query_exec_mode=" + mode
			for _, p := range programs {
				if !strings.Contains(p.name, "statement") {
					continue
				}
				if plain, pooled := a.beside(p.program); plain != pooled {
					a.Errorf("%s, %s:\nplain  %s\npooled %s", mode, p.name, plain, pooled)
				}
			}
		}
	})
}

// With CacheQueries a query of lib/pq's is as old as its first execution. After an error with any
// SQLSTATE it is prepared anew.
func TestACachedQueryFailsOnceAfterAChangeOfSchema(t *testing.T) {
	onEach(t, func(a *app) {
		if a.adapter.name != "pq" {
			return // pgx has a cache of its own
		}
		_, db := a.pool(sqlpool.Config{MaxConns: 1, CacheQueries: true})
		a.exec(db, "CREATE TYPE state AS ENUM ('draft', 'old')")
		a.exec(db, "CREATE TABLE forms (id int UNIQUE, state state, code int)")
		texts := []string{"SELECT count(*) FROM forms WHERE id = $1", "SELECT count(*) FROM forms WHERE state = $1", "SELECT count(*) FROM forms WHERE code = $1"}
		args := []any{int64(1) << 40, "draft", "1"}
		for i, text := range texts {
			_ = ask(db, text, []any{1, "draft", "1"}[i])
		}
		a.exec(db, "ALTER TABLE forms ALTER COLUMN id TYPE bigint, ALTER COLUMN code TYPE text USING code::text")
		a.exec(db, "CREATE TYPE new AS ENUM ('draft'); ALTER TABLE forms ALTER COLUMN state TYPE new USING state::text::new; DROP TYPE state; ALTER TYPE new RENAME TO state")
		for i, text := range texts {
			failed := 0
			for range 20 {
				if answer := ask(db, text, args[i]); answer != `[count] int64 "0";` {
					failed++
				}
			}
			if failed > 1 {
				a.Errorf("%s: %d of 20 failed", text, failed)
			}
		}
		// While rows are open lib/pq refuses a text, and would not refuse what is kept.
		tx, err := db.Begin()
		a.must(err)
		rows, err := tx.Query("SELECT generate_series(1, $1::int)", 3)
		a.must(err)
		rows.Next()
		if answer := ask(tx, texts[0], 1); !strings.Contains(answer, "already a query") {
			a.Errorf("inside other rows: %s", answer)
		}
		if answer := readAll(rows, nil).String() + fmt.Sprint(tx.Commit()); answer != `[generate_series] int64 "2"; int64 "3";<nil>` {
			a.Errorf("the other rows: %s", answer)
		}
		// A text of more than 4 KB is not kept.
		long := "SELECT $1::int" + strings.Repeat(" ", 4<<10)
		_ = ask(db, long, 1)
		if kept := ask(db, "SELECT count(*) FROM pg_prepared_statements WHERE length(statement) > 4096"); kept != `[count] int64 "0";` {
			a.Errorf("long texts that are kept: %s", kept)
		}
	})
}

// A query that the driver refuses because rows or a COPY are open costs nothing: the rows are
// read on, and the transaction commits.
func TestAQueryInsideOthersRowsIsRefusedAsOnThePlainDriver(t *testing.T) {
	program := func(a *app, ctx context.Context, kind string) func(db *sql.DB) string {
		return func(db *sql.DB) string {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err.Error()
			}
			defer tx.Rollback()
			seen := script(tx, "CREATE TEMP TABLE t (v int) ON COMMIT DROP")
			closed, err := tx.Prepare("SELECT 99 WHERE 1 = $1")
			if err != nil {
				return err.Error()
			}
			nested := func() (err error) {
				switch kind {
				case "query with an argument":
					_, err = tx.QueryContext(ctx, "SELECT 99 WHERE 1 = $1", 1)
				case "exec with an argument":
					_, err = tx.ExecContext(ctx, "INSERT INTO t VALUES ($1)", 1)
				case "query":
					_, err = tx.Query("SELECT 99")
				case "exec":
					_, err = tx.Exec("INSERT INTO t VALUES (1)")
				}
				return err
			}
			refused := func() string {
				if err := nested(); err != nil {
					return " refused "
				}
				return " accepted "
			}
			rows, err := tx.QueryContext(ctx, "SELECT generate_series(1, 3)")
			if err != nil {
				return err.Error()
			}
			rows.Next()
			seen += refused() + readAll(rows, nil).String()
			seen += fmt.Sprint(closed.Close())
			if a.adapter.name == "pq" {
				copying, err := tx.Prepare(pq.CopyIn("t", "v"))
				if err != nil {
					return err.Error()
				}
				if _, err := copying.Exec(7); err != nil {
					return err.Error()
				}
				seen += refused()
				_, err = copying.Exec()
				seen += fmt.Sprint(err, copying.Close())
			}
			return seen + ask(tx, "SELECT count(*) FROM t") + fmt.Sprint(tx.Commit())
		}
	}
	onEach(t, func(a *app) {
		dsns := []string{a.dsn}
		if a.adapter.name == "pq" {
			dsns = append(dsns, a.dsn+"&binary_parameters=yes") // texts without arguments go another way then
		}
		for _, a.dsn = range dsns {
			for _, kind := range []string{"query with an argument", "exec with an argument", "query", "exec"} {
				for _, ctx := range []context.Context{context.Background(), a.ctx()} {
					plain, pooled := "", ""
					if plain, pooled = a.beside(program(a, ctx, kind)); a.adapter.name == "pgx" { // plain pgx may lose its connection here
						plain = ` refused [generate_series] int64 "2"; int64 "3";<nil>[count] int64 "0";<nil>`
					}
					if plain != pooled {
						a.Errorf("%s, %s:\nplain  %s\npooled %s", a.dsn, kind, plain, pooled)
					}
				}
			}
		}
	})
}

// A statement may be closed while rows are open, when neither driver can close it: it is closed before
// the next loan. Plain lib/pq would lose the connection.
func TestAStatementThatIsClosedInsideOthersRowsCostsNothing(t *testing.T) {
	onEach(t, func(a *app) {
		pool, db := a.pool(sqlpool.Config{MaxConns: 1})
		tx, err := db.Begin()
		a.must(err)
		defer tx.Rollback()
		st, err := tx.Prepare("SELECT 40 + $1::int")
		a.must(err)
		rows, err := tx.Query("SELECT generate_series(1, $1::int)", 3)
		a.must(err)
		rows.Next()
		a.must(st.Close())
		if seen := readAll(rows, nil).String(); seen != `[generate_series] int64 "2"; int64 "3";` {
			a.Errorf("the rows: %s", seen)
		}
		a.must(tx.Commit())
		if open := ask(db, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 40 %'"); open != `[count] int64 "0";` {
			a.Errorf("it is open still: %s", open)
		}
		if s := pool.Stats(); s.DialCount != 1 {
			a.Errorf("%d connections were opened, want 1", s.DialCount)
		}
	})
}

// Bulk statements have a text for each number of rows. A server keeps no more of them than on the plain driver.
func TestBulkStatementsFillNoMoreOfTheServersMemory(t *testing.T) {
	onEach(t, func(a *app) {
		tells, err := a.server.Query(a.ctx(), "SELECT 1 FROM pg_views WHERE viewname = 'pg_backend_memory_contexts'")
		a.must(err)
		if len(tells) == 0 {
			a.Skip("before PostgreSQL 14 the server does not tell of its memory")
		}
		var used [2]int64
		i := 0
		_, _ = a.beside(func(db *sql.DB) string {
			a.exec(db, "CREATE TABLE bulk (a int, b text)")
			for n := 1; n <= 120; n++ {
				var text strings.Builder
				args := []any{}
				for row := range 5 * n {
					fmt.Fprintf(&text, ", ($%d, $%d)", 2*row+1, 2*row+2)
					args = append(args, row, "x")
				}
				a.exec(db, "INSERT INTO bulk VALUES "+text.String()[2:], args...)
			}
			a.must(db.QueryRowContext(a.ctx(), "SELECT sum(total_bytes) FROM pg_backend_memory_contexts").Scan(&used[i]))
			i++
			return ""
		})
		if used[1] > used[0]+used[0]/5+1<<20 {
			a.Errorf("the server's process uses %d KB, on the plain driver %d KB", used[1]>>10, used[0]>>10)
		}
	})
}

// Each query of a transaction may have a context of its own; nothing of it stays until the transaction's end.
func TestALongTransactionDoesNotGrow(t *testing.T) {
	onEach(t, func(a *app) {
		_, db := a.pool(sqlpool.Config{MaxConns: 1})
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		tx, err := db.BeginTx(ctx, nil)
		a.must(err)
		defer tx.Rollback()
		query := func(n int) {
			for range n {
				each, cancel := context.WithTimeout(context.Background(), time.Minute)
				var x int
				a.must(tx.QueryRowContext(each, "SELECT $1::int", 1).Scan(&x))
				cancel()
			}
		}
		heap := func() int64 {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		query(200)
		before, routines := heap(), runtime.NumGoroutine()
		const n = 3000
		query(n)
		if grown := heap() - before; grown > 100*n {
			a.Errorf("%d bytes of each query stay", grown/n)
		}
		if now := runtime.NumGoroutine(); now > routines+10 {
			a.Errorf("%d goroutines, %d before", now, routines)
		}
	})
}
