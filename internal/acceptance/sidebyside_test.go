package acceptance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

var (
	steps = flag.Int("steps", 2_500, "random steps of each seed that each driver takes beside plain database/sql")
	seeds = flag.Int("seeds", 8, "how many seeds of such steps")
	seed  = flag.Uint64("seed", 1, "the first of them")
)

// Random interleavings of texts, statements, transactions, savepoints, changes of
// schema and of the session, and ended contexts, on the plain driver and on the
// pool, a step at a time. A context ends while its statement, its rows or its COMMIT waits for a lock, or between two
// statements of its transaction: moments that are known on both sides. Every row, error, count and outcome of a transaction is the same.
//
// What may differ, each for a reason:
//
//   - A *sql.Stmt that the server has forgotten, or that a change of schema has made
//     stale, fails on the plain driver until it is closed, with an SQLSTATE or because pgx
//     holds an argument against a type of before. On the pool it is prepared
//     anew, as it is after an error that its age may have caused. The pool's answer, outside
//     the transaction if there is one, must then be what the plain driver
//     says once its statement is prepared again; or the pool's succeeds, prepared at its last error
//     when another table had this name, and both do the same prepared again.
//   - On a *sql.Conn, a context that has ended before it is used costs the plain drivers the connection, and
//     the pool nothing; no step does that.
//   - pgx finds what a *sql.Stmt has prepared under its text, and so a query's text is in
//     pgx's own cache or not. After a change of schema or DISCARD ALL what is in there fails once;
//     executed again the answers are the same.
//   - For the same reason a query on plain pgx fails for as long as a *sql.Stmt of its
//     text is open that is stale. On the pool that has been prepared anew. With the
//     *sql.Stmt closed, the answers are the same.
//   - In a failed transaction pgx "prepares" a text that it has prepared, and refuses an argument
//     of it itself; a text that it has not, the server refuses (25P02). Which it has
//     differs, as above.
//   - What pgx refuses because rows are open is driver.ErrBadConn on the plain
//     driver, which may lose the rows and the connection, too; only lib/pq is asked that here.
//   - A transaction that a program begins or ends as text inside its sql.Tx loses lib/pq the connection,
//     and the words are the pool's; no step does that.
//   - Where the plain driver tells of a cancelled statement in the server's words (57014), the pool may tell the
//     context's error, if the answer did not come in time.
//   - A transaction that was cut is over on both sides, and what is kept of it is the same. On the plain drivers its
//     connection is lost as a rule, and what follows says ErrBadConn or "conn closed"; the pool says what was lost, or has kept the
//     connection, so that the server answers (25P02) and Rollback and Conn.Close succeed. [walk.lost] has the pairs.
func TestThePoolAnswersAsThePlainDriver(t *testing.T) {
	onEach(t, func(a *app) {
		a.Parallel()
		for s := *seed; s < *seed+uint64(*seeds); s++ {
			a.walk(s, *steps)
		}
	})
	t.Run("eager", func(t *testing.T) {
		onAll(t, adaptersOf(true), func(a *app) {
			a.Parallel()
			a.walk(*seed, *steps)
		})
	})
}

// walk takes the steps that a seed draws.
func (a *app) walk(seed uint64, steps int) {
	w := &walk{app: a, rng: rand.New(rand.NewPCG(seed, 1)), plain: &side{}, pooled: &side{}}
	plainDSN := a.server.TCP().URL(a.server.NewDatabase(a))
	var err error
	w.plain.db, err = sql.Open(map[string]string{"pgx": "pgx", "pq": "postgres"}[a.adapter.name], plainDSN)
	a.must(err)
	defer w.plain.db.Close()
	w.plain.db.SetMaxOpenConns(1)
	_, w.pooled.db = a.pool(sqlpool.Config{MaxConns: 1})
	for s, dsn := range map[*side]string{w.plain: plainDSN, w.pooled: a.dsn} {
		s.watcher = w.watch(dsn)
		defer s.watcher.close()
	}
	w.both(resetStep)
	for i := range steps {
		if st := w.draw(); !w.both(st) || st.cuts != "" && !w.afterCut(st.cuts) {
			a.Errorf("seed %d, step %d; the last steps:\n%s", seed, i, strings.Join(w.log, "\n"))
			break
		}
	}
	w.both(w.end(false)) // a transaction
	w.both(w.end(false)) // and the Conn it was on
	for slot := range w.plain.stmts {
		w.both(closeStmt(slot))
	}
	a.Logf("seed %d: %d steps in %d transactions, %d cuts; a plain statement was stale %d times", seed, steps, w.transactions, w.cuts, w.stale)
}

// resetStep makes what the steps change as it was.
var resetStep = step{name: "reset", do: func(s *side) answer {
	if _, err := s.scope().ExecContext(context.Background(), "DISCARD ALL"); err != nil {
		return answer{err: err}
	}
	return text(reset)(s)
}}

const reset = `SET lc_messages = 'C'; SET statement_timeout = '20s';
	DROP SCHEMA IF EXISTS s1 CASCADE; DROP SCHEMA IF EXISTS s2 CASCADE; DROP TABLE IF EXISTS public.items, public.clock, public.log; DROP TYPE IF EXISTS mood CASCADE;
	CREATE SCHEMA s1; CREATE SCHEMA s2; CREATE TYPE public.mood AS ENUM ('ok', 'sad', 'old');
	CREATE TABLE public.items (id int, name text); INSERT INTO public.items VALUES (1, 'a'), (2, 'b');
	CREATE TABLE s1.items (id bigint, name text, more int); INSERT INTO s1.items VALUES (1, 's1', 7), (3000000000, 'big', 8);
	CREATE TABLE public.clock (ts timestamptz); INSERT INTO public.clock VALUES ('2001-01-01 12:00+00'), ('2100-01-01 12:00+00');
	CREATE TABLE public.log (line text)`

// texts are executed as queries and as statements. The flag says that they write.
var texts = []struct {
	text   string
	args   int
	writes bool
}{
	{"SELECT * FROM items WHERE id = $1 ORDER BY 1, 2", 1, false},
	{"SELECT name FROM items WHERE id = $1 ORDER BY 1", 1, false},
	{"SELECT count(*) FROM items WHERE name = $1", 1, false},
	{"SELECT count(*) FROM items", 0, false},
	{"INSERT INTO items VALUES ($1, $2)", 2, true},
	{"INSERT INTO items (id, name) VALUES ($1, $2) RETURNING id, name", 2, true},
	{"UPDATE items SET name = $2 WHERE id = $1", 2, true},
	{"DELETE FROM items WHERE id = $1", 1, true},
	{"INSERT INTO log VALUES ($1)", 1, true},
	{"SELECT count(*), max(line) FROM log WHERE line <> $1", 1, false},
	{"SELECT ts > '2001-01-01 12:30', $1::text FROM clock ORDER BY ts", 1, false},
	{"SELECT count(*) FROM clock WHERE ts < 'now' AND $1::text <> ''", 1, false},
	{"SELECT 10 / $1::int", 1, false},
	{"SELECT $1::mood, 'ok'::mood", 1, false},
	{"SELECT $1::bytea, $2::jsonb", 2, false},
	{"SELECT current_setting('search_path'), current_setting('TimeZone'), $1::text", 1, false},
	{"nonsense $1", 1, false},
}

var values = []any{
	1, 2, 0, -1, int64(3_000_000_000), "1", "a", "ok", "sad", "old", "x", "", nil, "é", `a\b`, `{"a": "\n"}`, "{}", []byte("1"), []byte{0, 1}, []byte(`\x61`),
	true, 1.5, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC),
}

// commands change the schema or the session.
var commands = []string{
	"ALTER TABLE items ALTER COLUMN id TYPE bigint", "ALTER TABLE items ALTER COLUMN id TYPE text USING id::text",
	"ALTER TABLE items ALTER COLUMN id TYPE int USING 5", "ALTER TABLE items ALTER COLUMN name TYPE varchar(2) USING left(name::text, 2)",
	"ALTER TABLE items ALTER COLUMN name TYPE text", "ALTER TABLE items ALTER COLUMN name TYPE mood USING 'ok'",
	"ALTER TABLE items ADD COLUMN more int DEFAULT 3", "ALTER TABLE items DROP COLUMN more", "ALTER TABLE items RENAME COLUMN more TO name2",
	"DROP TABLE items", "CREATE TABLE items (id int, name text)", "CREATE TABLE items (id bigint, name mood)", "CREATE TABLE items (name text, id text)",
	"CREATE TABLE s2.items (id int, name text); INSERT INTO s2.items VALUES (1, 's2')", "DROP TABLE IF EXISTS s2.items",
	"CREATE TEMP TABLE items (id int, name text); INSERT INTO pg_temp.items VALUES (1, 'temp')", "DROP TABLE IF EXISTS pg_temp.items", "TRUNCATE items",
	"CREATE TYPE mood2 AS ENUM ('ok', 'sad'); ALTER TYPE mood RENAME TO gone; ALTER TYPE mood2 RENAME TO mood; DROP TYPE gone CASCADE",
	"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'x'", "DROP TYPE mood CASCADE", "CREATE TYPE mood AS ENUM ('sad', 'x')",
	"SET search_path = public", "SET search_path = s1, public", "SET search_path = s2, public", "SET LOCAL search_path = s1, public",
	"SET TIME ZONE 'UTC'", "SET TIME ZONE 'America/New_York'", "SET LOCAL TIME ZONE 'Asia/Tokyo'", "RESET ALL", "SET lc_messages = 'C'",
	"DISCARD ALL", "DISCARD PLANS", "DISCARD TEMP", "DEALLOCATE ALL", "SELECT 1; SELECT 2", "SELECT 1/0",
}

// side is a program on one of the two.
type side struct {
	db    *sql.DB
	conn  *sql.Conn
	tx    *sql.Tx
	stmts [4]*sql.Stmt

	ending  *due // the transaction's context, if it can end
	watcher *watcher
}

// scope is what executes now.
func (s *side) scope() interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
} {
	switch {
	case s.tx != nil:
		return s.tx
	case s.conn != nil:
		return s.conn
	}
	return s.db
}

// step does the same on both sides and says what it saw.
type step struct {
	name string
	do   func(s *side) answer
	slot int // of the statement that is executed or prepared, plus 1
	text int // that is executed as a query, plus 1

	prepares bool
	cuts     string // see cutKinds
	lost     bool   // it asks a transaction that was cut
	over     error  // what has ended the transaction's context
}

// answer is what a program sees.
type answer struct {
	seen string
	err  error
}

func (a answer) String() string {
	if a.err == nil {
		return a.seen
	}
	if state := stateOf(a.err); state != "" {
		return a.seen + " SQLSTATE " + state
	}
	if errors.Is(a.err, driver.ErrBadConn) || strings.Contains(a.err.Error(), "conn busy") {
		return a.seen + " refused"
	}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(a.err, end) {
			return a.seen + " " + end.Error()
		}
	}
	return a.seen + " " + a.err.Error()
}

func stateOf(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

type walk struct {
	*app
	rng           *rand.Rand
	plain, pooled *side
	log           []string
	stale         int
	transactions  int
	cuts          int
	ofScope       [4]bool // the statement ends with the transaction or Conn
	written       [4]int  // which text it is of, plus 1
	failed        [4]bool // it has, since it was prepared
}

// both takes a step on both sides and reports whether they agree.
func (w *walk) both(st step) bool {
	want, got := st.do(w.plain), st.do(w.pooled)
	w.log = append(w.log, fmt.Sprintf("%s\n\tplain  %v\t%v\n\tpooled %v\t%v", st.name, want, want.err, got, got.err))
	if len(w.log) > 40 {
		w.log = w.log[1:]
	}
	if st.slot > 0 {
		w.failed[st.slot-1] = !st.prepares && (w.failed[st.slot-1] || want.err != nil || got.err != nil)
	}
	if want.String() == got.String() {
		return true
	}
	if stateOf(want.err) == "57014" && (errors.Is(got.err, context.Canceled) || errors.Is(got.err, context.DeadlineExceeded)) {
		return true
	}
	if st.lost && w.lost(st, want.err, got.err) {
		return true
	}
	if st.prepares && want.err == nil && stateOf(got.err) == "25P02" {
		return closeStmt(st.slot-1).do(w.plain).err == nil
	}
	if st.text > 0 && w.adapter.name == "pgx" && (want.err != nil || got.err != nil) {
		return w.again(st, want, got)
	}
	if want.err != nil && got.err != nil && w.plain.tx != nil && w.adapter.name == "pgx" &&
		(stateOf(want.err) == "25P02" && stateOf(got.err) == "" || stateOf(want.err) == "" && stateOf(got.err) == "25P02") {
		return true
	}
	if st.slot > 0 && want.err != nil && w.plain.tx != nil && stateOf(got.err) == "25P02" {
		return true
	}
	if st.slot == 0 || st.prepares || !w.failed[st.slot-1] {
		return false
	}
	return w.renewed(st, want, got)
}

// openStmt returns the slot of an open statement of a text, or -1.
func (w *walk) openStmt(text int) int {
	for slot, stmt := range w.plain.stmts {
		if stmt != nil && w.written[slot] == text {
			return slot
		}
	}
	return -1
}

// again deals with a text that pgx has prepared on one side only, for its own cache or for a
// *sql.Stmt that has become stale: without that statement, what failed is executed once more.
func (w *walk) again(st step, want, got answer) bool {
	w.stale++
	inTx := w.plain.tx != nil
	if inTx { // it has failed on one side
		w.rollBack()
	}
	if slot := w.openStmt(st.text); slot >= 0 {
		if w.plain.conn != nil {
			w.both(w.end(false))
		}
		w.both(closeStmt(slot))
	}
	for range 2 { // at the first of them outside the transaction, either may still find what it had prepared before
		if want.err != nil || inTx {
			want = st.do(w.plain)
		}
		if got.err != nil || inTx {
			got = st.do(w.pooled)
		}
		if !inTx || want.String() == got.String() {
			break
		}
		inTx = false
	}
	w.log = append(w.log, fmt.Sprintf("once more: plain %v, pooled %v", want, got))
	return want.String() == got.String()
}

// rollBack has both sides start again where one transaction has failed.
func (w *walk) rollBack() {
	w.log = append(w.log, "both roll back")
	for _, s := range []*side{w.plain, w.pooled} {
		_ = s.tx.Rollback()
		s.tx, s.ending = nil, nil
	}
	w.forgetScoped()
}

// renewed deals with a plain statement that does something else than the pool's, which has been
// prepared anew: prepared again, it must do the same.
func (w *walk) renewed(st step, want, got answer) (same bool) {
	w.stale++
	slot := st.slot - 1
	if w.plain.tx != nil { // it has failed the transaction there, so both start again, and so does the pool's outside
		if w.rollBack(); w.plain.stmts[slot] == nil {
			return true // it was the transaction's own
		}
		if w.plain.conn != nil {
			w.both(w.end(false))
		}
		defer func() {
			if !same {
				w.log = append(w.log, fmt.Sprintf("outside the transaction: pooled %v", got))
			}
		}()
		got = st.do(w.pooled)
	}
	_ = w.plain.stmts[slot].Close()
	var again answer
	w.plain.stmts[slot], again.err = w.plain.scope().PrepareContext(context.Background(), texts[w.written[slot]-1].text)
	if again.err == nil {
		again = st.do(w.plain)
	} else {
		w.plain.stmts[slot] = nil
		defer closeStmt(slot).do(w.pooled)
	}
	w.log = append(w.log, fmt.Sprintf("prepared again, plain: %v", again))
	if want.err == nil {
		defer w.both(resetStep) // it may have written what the pool's has not
	}
	if again.String() == got.String() {
		return true
	}
	if got.err != nil || w.plain.stmts[slot] == nil || w.pooled.stmts[slot] == nil {
		return false
	}
	// The pool's is as old as its last error, and may read a table that another one shadows by now.
	defer w.both(resetStep)
	_ = w.pooled.stmts[slot].Close()
	if w.pooled.stmts[slot], got.err = w.pooled.scope().PrepareContext(context.Background(), texts[w.written[slot]-1].text); got.err != nil {
		w.pooled.stmts[slot] = nil
		return false
	}
	again, got = st.do(w.plain), st.do(w.pooled)
	w.log = append(w.log, fmt.Sprintf("both prepared again: plain %v, pooled %v", again, got))
	return again.String() == got.String()
}

func (w *walk) draw() step {
	inTx, onConn := w.plain.tx != nil, w.plain.conn != nil
	switch n := w.rng.IntN(100); {
	case n < 34:
		return w.text()
	case n < 52:
		return w.exec()
	case n < 60:
		return w.prepare()
	case n < 64:
		return w.close(w.rng.IntN(len(w.plain.stmts)))
	case n < 78:
		command := commands[w.rng.IntN(len(commands))]
		return step{name: command, do: text(command)}
	case n < 82 && inTx:
		return w.savepoint()
	case n < 84 && inTx && w.adapter.name == "pq":
		return w.nested()
	case n < 90:
		if inTx || onConn && w.rng.IntN(2) == 0 {
			return w.end(w.rng.IntN(3) > 0)
		}
		return w.begin()
	case n < 92 && !inTx && !onConn:
		return step{name: "Conn", do: func(s *side) (a answer) {
			s.conn, a.err = s.db.Conn(context.Background())
			return a
		}}
	case n < 94 && !onConn:
		return step{name: "an ended context", do: func(s *side) answer {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			rows, err := s.scope().QueryContext(ctx, "SELECT $1::int", 1)
			return readAll(rows, err)
		}}
	case n < 95 || n < 97 && inTx:
		return w.cut()
	case n < 96 && !inTx && !onConn:
		return resetStep
	}
	return w.text()
}

func text(query string, args ...any) func(s *side) answer {
	return func(s *side) answer {
		res, err := s.scope().ExecContext(context.Background(), query, args...)
		if err != nil {
			return answer{err: err}
		}
		n, err := res.RowsAffected()
		return answer{fmt.Sprint(n, " affected ", err), nil}
	}
}

func (w *walk) args(n int) (args []any) {
	for range n {
		args = append(args, values[w.rng.IntN(len(values))])
	}
	return args
}

func (w *walk) text() step {
	which := w.rng.IntN(len(texts))
	t := texts[which]
	args := w.args(t.args)
	if w.rng.IntN(50) == 0 {
		args = append(args, "too many")
	}
	name := fmt.Sprintf("%s %q", t.text, args)
	if w.rng.IntN(2) == 0 {
		return step{name: "Exec " + name, text: which + 1, do: text(t.text, args...)}
	}
	return step{name: "Query " + name, text: which + 1, do: func(s *side) answer {
		rows, err := s.scope().QueryContext(context.Background(), t.text, args...)
		return readAll(rows, err)
	}}
}

// nested asks while rows are open, and goes on.
func (w *walk) nested() step {
	t := texts[w.rng.IntN(len(texts))]
	args := w.args(t.args)
	return step{name: fmt.Sprintf("while rows are open: %s %q", t.text, args), do: func(s *side) answer {
		rows, err := s.tx.Query("SELECT generate_series(1, 3)")
		if err != nil {
			return answer{err: err}
		}
		rows.Next()
		inner, err := s.tx.Query(t.text, args...)
		seen := "inside: " + readAll(inner, err).String()
		outer := readAll(rows, nil)
		return answer{seen + ", outside: " + outer.seen, outer.err}
	}}
}

func (w *walk) prepare() step {
	slot, which := w.rng.IntN(len(w.plain.stmts)), w.rng.IntN(len(texts))
	if w.plain.stmts[slot] != nil {
		return w.close(slot)
	}
	for other, has := range w.plain.stmts {
		if has != nil && w.adapter.name == "pgx" && w.written[other] == which+1 {
			return w.close(other) // plain pgx would share what is prepared, and keep it stale, until both are closed
		}
	}
	w.ofScope[slot], w.written[slot] = w.plain.tx != nil || w.plain.conn != nil, which+1
	return step{name: fmt.Sprintf("Prepare %d: %s", slot, texts[which].text), slot: slot + 1, prepares: true, do: func(s *side) answer {
		stmt, err := s.scope().PrepareContext(context.Background(), texts[which].text)
		if err == nil {
			s.stmts[slot] = stmt
		}
		return answer{"prepared", err}
	}}
}

// close closes a statement, but none of the *sql.DB's while a transaction or Conn is open: database/sql
// would put that off until the end of it.
func (w *walk) close(slot int) step {
	if (w.plain.tx != nil || w.plain.conn != nil) && !w.ofScope[slot] {
		return w.text()
	}
	return closeStmt(slot)
}

func closeStmt(slot int) step {
	return step{name: fmt.Sprint("Close ", slot), do: func(s *side) answer {
		if s.stmts[slot] == nil {
			return answer{}
		}
		err := s.stmts[slot].Close()
		s.stmts[slot] = nil
		return answer{"closed", err}
	}}
}

func (w *walk) exec() step {
	slot := w.rng.IntN(len(w.plain.stmts))
	if w.plain.stmts[slot] == nil || w.pooled.stmts[slot] == nil {
		return w.prepare()
	}
	if w.plain.conn != nil && !w.ofScope[slot] {
		return w.text() // it would wait for the one connection
	}
	t := texts[w.written[slot]-1]
	args, asExec := w.args(t.args), w.rng.IntN(2) == 0
	return step{name: fmt.Sprintf("Stmt %d: %s %q", slot, t.text, args), slot: slot + 1, do: func(s *side) answer {
		stmt := s.stmts[slot]
		if s.tx != nil && !w.ofScope[slot] {
			stmt = s.tx.Stmt(stmt)
		}
		if asExec {
			res, err := stmt.Exec(args...)
			if err != nil {
				return answer{err: err}
			}
			n, err := res.RowsAffected()
			return answer{fmt.Sprint(n, " affected ", err), nil}
		}
		rows, err := stmt.Query(args...)
		return readAll(rows, err)
	}}
}

func (w *walk) begin() step {
	w.transactions++
	opts := &sql.TxOptions{ReadOnly: w.rng.IntN(8) == 0, Isolation: []sql.IsolationLevel{0, 0, sql.LevelRepeatableRead, sql.LevelSerializable}[w.rng.IntN(4)]}
	ends := []error{nil, nil, context.Canceled, context.DeadlineExceeded}[w.rng.IntN(4)]
	return step{name: fmt.Sprintf("Begin %+v", *opts), do: func(s *side) (a answer) {
		ctx := context.Background()
		if s.ending = nil; ends != nil {
			s.ending = newDue(ends)
			ctx = s.ending
		}
		if s.conn != nil {
			s.tx, a.err = s.conn.BeginTx(ctx, opts)
		} else {
			s.tx, a.err = s.db.BeginTx(ctx, opts)
		}
		return a
	}}
}

// end ends the transaction or gives the Conn back.
func (w *walk) end(commit bool) step {
	inTx := w.plain.tx != nil
	w.forgetScoped()
	return step{name: fmt.Sprint("end, commit ", commit), do: func(s *side) (a answer) {
		switch {
		case inTx && commit:
			a.err = s.tx.Commit()
		case inTx:
			a.err = s.tx.Rollback()
		case s.conn != nil:
			a.err = s.conn.Close()
			s.conn = nil
		}
		if s.tx = nil; s.ending != nil {
			s.ending.end() // as a program's defer does
			s.ending = nil
		}
		return a
	}}
}

// forgetScoped closes the statements that end with their scope.
func (w *walk) forgetScoped() {
	for slot, scoped := range w.ofScope {
		if scoped {
			w.both(closeStmt(slot))
			w.ofScope[slot] = false
		}
	}
}

func (w *walk) savepoint() step {
	command := []string{"SAVEPOINT sp", "ROLLBACK TO SAVEPOINT sp", "ROLLBACK TO SAVEPOINT sp", "RELEASE SAVEPOINT sp"}[w.rng.IntN(4)]
	return step{name: command, do: text(command)}
}

func readAll(rows *sql.Rows, err error) answer {
	if err != nil {
		return answer{err: err}
	}
	defer rows.Close()
	var seen strings.Builder
	names, err := rows.Columns()
	if err != nil {
		return answer{err: err}
	}
	fmt.Fprint(&seen, names)
	for rows.Next() {
		row := make([]any, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return answer{seen.String(), err}
		}
		for _, v := range row {
			fmt.Fprintf(&seen, " %T %q", v, fmt.Sprint(v))
		}
		fmt.Fprint(&seen, ";")
	}
	return answer{seen.String(), errors.Join(rows.Err(), rows.Close())}
}
