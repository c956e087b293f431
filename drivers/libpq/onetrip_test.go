package libpq

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/pgserver"
)

// columns are types that an argument may meet.
var columns = []string{
	"text", "varchar(5)", "char(5)", "name", "\"char\"", "bytea", "json", "jsonb", "xml", "uuid", "inet", "bool", "int2", "int4", "int8",
	"numeric", "numeric(5,2)", "float4", "float8", "money", "date", "time", "timetz", "timestamp", "timestamptz", "interval",
	"bit(3)", "varbit", "point", "int4range", "oid", "regclass", "text[]", "int4[]", "bytea[]", "jsonb[]", "tsvector", "mood", "named", "pair", "blob",
}

// arguments are values that a column may meet.
var arguments = []any{
	nil, "", "x", "1", "-1", "true", "abc   ", "too long for five", "ok", "é", "日本", "\x00", "a\x00b", "\xff", "a\xffb", `\`, `\\`, `a\b`, `\x6162`, `\000`, `\134`,
	`{"a": 1}`, `{"a": "\n"}`, `{"a": "\u0000"}`, `[1,2]`, `<a/>`, `<a>\</a>`, "NaN", "Infinity", "12.345", "1e400", "9223372036854775808",
	"2001-02-03", "2001-02-03 04:05:06.789+02", "04:05:06", "24:00:00", "infinity", "1 day", "101", "(1,2)", "[1,3)", "pg_class",
	"{}", "{a,b}", `{"a\\b"}`, `{"\\x61"}`, "{1,2}", "a:1 b:2", "(1,x)", "c0ffee00-0000-0000-0000-000000000000", "10.0.0.1/8",
	[]byte(nil), []byte{}, []byte("x"), []byte("1"), []byte("é"), []byte{0}, []byte{0xff}, []byte("a\x00b"), []byte{0, 0, 0, 5}, []byte(`\x61`), []byte(`a\b`),
	[]byte(`{"a": 1}`), []byte(`{"a": "\n"}`), []byte("\x01{}"), []byte("{1,2}"), []byte("true"),
	int64(0), int64(1), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(32768), int64(1) << 31, uint64(math.MaxUint64),
	0.0, 1.5, -1.5, 1e300, 1e-300, math.MaxFloat64, math.NaN(), math.Inf(1), math.Copysign(0, -1), 0.1,
	true, false,
	time.Date(2001, 2, 3, 4, 5, 6, 789_000_000, time.UTC), time.Date(2001, 2, 3, 4, 5, 6, 0, time.FixedZone("", 5400)), time.Time{},
	pq.Array([]string{"a", `b\c`, "é"}), pq.Array([]int64{1, 2}), pq.Array([][]byte{{0}, []byte("a")}), pq.ByteaArray{{1, 2}}, sql.NullString{}, []string{"x"},
	binaryValue{}, []byte(strings.Repeat("long", 5000)),
}

// binaryValue says something else with binary_parameters.
type binaryValue struct{}

func (binaryValue) Value() (driver.Value, error) { return "text", nil }
func (binaryValue) BinaryValue() ([]byte, error) { return []byte("binary"), nil }

// Each argument, written to each type of column and read back by itself, is what
// it is to lib/pq alone: the same rows, the same errors.
func TestEveryArgumentInEveryColumn(t *testing.T) {
	for _, encoding := range []string{"UTF8", "LATIN1"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			dsn := databaseIn(t, encoding)
			plain, err := sql.Open("postgres", dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			ours := open(t, dsn)
			trips := 0
			for _, db := range []*sql.DB{plain, ours} {
				db.SetMaxOpenConns(1)
				must(t, db, "SET search_path = pg_temp, public; SET lc_messages = 'C'; CREATE TYPE pg_temp.mood AS ENUM ('ok', 'sad'); "+
					"CREATE DOMAIN pg_temp.named AS text CHECK (value <> 'x'); CREATE TYPE pg_temp.pair AS (n int, s text); CREATE DOMAIN pg_temp.blob AS bytea")
				for i, column := range columns {
					must(t, db, fmt.Sprintf("CREATE TEMP TABLE c%d (v %s)", i, column))
				}
			}
			for i, column := range columns {
				if encoding != "UTF8" && i%4 != 1 { // bytea among them
					continue
				}
				for _, arg := range arguments {
					for _, query := range []string{
						fmt.Sprintf("INSERT INTO c%d VALUES ($1) RETURNING v, v::text, 'now'::text", i),
						fmt.Sprintf("-- name: cast :one\nSELECT $1::%s, $2::int, $3::text", column),
					} {
						args := []any{arg}
						if strings.Contains(query, "$3") {
							args = []any{arg, 7, "y"}
						}
						want, got := result(plain.Query(query, args...)), result(ours.Query(query, args...))
						if want != got {
							t.Errorf("%s, %T %.40q:\n%s\nlib/pq alone  %s\nthe adapter   %s", column, arg, fmt.Sprint(arg), query, want, got)
						}
						trips++
					}
				}
			}
			t.Logf("%d queries", trips)
		})
	}
}

// Texts whose parameters lib/pq counts before it executes them.
func TestTheNumberOfArgumentsIsCheckedAsPlainDoes(t *testing.T) {
	dsn := pgserver.Database(t)
	plain, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	ours := open(t, dsn)
	for _, db := range []*sql.DB{plain, ours} {
		db.SetMaxOpenConns(1)
		must(t, db, "SET lc_messages = 'C'; CREATE TEMP TABLE t (v int)")
	}
	for _, q := range []struct {
		text string
		args []any
	}{
		{"SELECT 1", []any{1}}, {"SELECT $1::int", []any{1, 2}}, {"SELECT $2::int", []any{1, 2}}, {"SELECT $1::int, $2::int", []any{1}},
		{"SELECT '$1'", []any{1}}, {"SELECT $1::text || '$2'", []any{"a"}}, {"SELECT $1::int -- $2", []any{1}}, {"", []any{1}}, {";", []any{1}},
		{"SELECT $0", []any{1}}, {"SELECT $65536::int", []any{1}}, {"SELECT $99999999999::int", []any{1}}, {"SELECT 1; SELECT $1::int", []any{1}},
		{"CREATE VIEW w AS SELECT $1::int", []any{1}}, {"COPY (SELECT $1::int) TO STDOUT", []any{1}}, {"DO $$BEGIN PERFORM $1; END$$", []any{1}},
		{"NOTIFY a, $1", []any{"x"}}, {"SET work_mem = $1", []any{"4MB"}}, {"SHOW $1", []any{1}}, {"PREPARE p AS SELECT $1::int", []any{1}},
		{"CREATE TEMP TABLE x AS SELECT $1::int AS v", []any{1}}, {"EXPLAIN (COSTS off) SELECT $1::int", []any{1}}, {"VALUES ($1::int)", []any{1}},
		{"(SELECT $1::int)", []any{1}}, {"/* a /* b */ c */ SELECT $1::int", []any{1}}, {"WITH a AS (INSERT INTO t VALUES ($1) RETURNING v) SELECT v FROM a", []any{1}},
		{"DELETE FROM t WHERE v = $1", []any{1}}, {"SELECT $1", []any{1}}, {"SELECT v FROM t WHERE v = $1 FOR UPDATE", []any{"x"}},
		{"SELECT $1::int, $$ $2 $$, \"$3\", a$4 FROM (SELECT 1 AS \"$3\", 2 AS a$4) AS x", []any{1}}, {"SELECT $1::int -- \r, $2::int", []any{1}},
		{`SELECT E'\'$2', $1::text`, []any{"a"}}, {"SET standard_conforming_strings = off", nil}, {`SELECT '\'$2', $1::text`, []any{"a"}}, {`SELECT '\', $1::text, '$2'`, []any{"a"}},
		{"SET standard_conforming_strings = on", nil}, {"INSERT INTO t VALUES ($1)", []any{"x"}}, {"SELECT 1/$1::int", []any{0}}, {"nonsense $1", []any{1}}, {"SELECT $1::int", []any{struct{}{}}},
	} {
		want, got := inTx(plain, q.text, q.args, false, true), inTx(ours, q.text, q.args, false, true)
		if want != got {
			t.Errorf("%q %v:\nlib/pq alone  %s\nthe adapter   %s", q.text, q.args, want, got)
		}
	}
}

// inTx executes a query in a transaction, goes on in it and commits, as Query or as Exec,
// and tells everything that it saw.
func inTx(db *sql.DB, query string, args []any, asExec ...bool) string {
	var seen strings.Builder
	for _, exec := range asExec {
		tx, err := db.Begin()
		if err != nil {
			return "begin: " + err.Error()
		}
		if exec {
			res, err := tx.Exec(query, args...)
			fmt.Fprint(&seen, " exec ", whole(err))
			if err == nil {
				fmt.Fprint(&seen, " ", fmt.Sprint(res.RowsAffected()))
			}
		} else {
			rows, err := tx.Query(query, args...)
			fmt.Fprint(&seen, " query ", whole(err))
			if err == nil {
				fmt.Fprint(&seen, " ", read(rows))
			}
		}
		var one int
		fmt.Fprint(&seen, "; then ", whole(tx.QueryRow("SELECT 1").Scan(&one)), "; commit ", whole(tx.Commit()), ";")
	}
	return seen.String()
}

func result(rows *sql.Rows, err error) string {
	if err != nil {
		return whole(err)
	}
	return read(rows)
}

func read(rows *sql.Rows) string {
	var seen strings.Builder
	defer rows.Close()
	names, err := rows.Columns()
	fmt.Fprint(&seen, names, err)
	types, err := rows.ColumnTypes()
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, ok := c.DecimalSize()
		fmt.Fprint(&seen, " ", c.DatabaseTypeName(), c.ScanType(), length, hasLength, precision, scale, ok, err)
	}
	for rows.Next() {
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		err := rows.Scan(into...)
		for _, v := range values {
			fmt.Fprintf(&seen, " %T %q", v, fmt.Sprint(v))
		}
		fmt.Fprint(&seen, err)
	}
	fmt.Fprint(&seen, whole(rows.Err()), whole(rows.Close()))
	return seen.String()
}

// whole is an error with all that it says.
func whole(err error) string {
	var e *pq.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%T %v %s %q %q %q %q", err, err, e.Severity, e.Detail, e.Hint, e.Where, e.ErrorWithDetail())
	}
	return fmt.Sprintf("%T %v", err, err)
}

func databaseIn(t *testing.T, encoding string) (dsn string) {
	dsn = pgserver.Database(t)
	if encoding == "UTF8" {
		return dsn
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := strings.ToLower("args_" + encoding)
	must(t, db, "DROP DATABASE IF EXISTS "+name)
	must(t, db, fmt.Sprintf("CREATE DATABASE %s ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", name, encoding))
	return pgserver.Shared(t).DSN(name)
}

func must(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%.60s: %v", query, err)
	}
}

// A query with arguments leaves in one write, and lib/pq's own way is taken where
// the answer could differ.
func TestOneRoundTrip(t *testing.T) {
	c := adapter(t, pgserver.DSN(t))
	ctx := context.Background()
	reads := 0
	for _, q := range []struct {
		text  string
		arg   driver.Value
		trips int
	}{
		{"SELECT $1::text", "x", 1}, {"SELECT $1::bytea", []byte("x"), 1}, {"SELECT $1::int", int64(1), 1}, {"SELECT $1::text", nil, 1},
		{"SELECT $1::text", `a\b`, 2}, {"SELECT $1::bytea", []byte{0}, 2}, {"SELECT $1::bytea", []byte{0xff}, 2},
		{"SELECT $1::text", "é", 2}, {"SELECT $1::text, '$2'", "x", 1}, {"CREATE TEMP TABLE one AS SELECT $1::text", "x", 2},
	} {
		c.wire.OnRead = func([]byte) { reads++ }
		reads = 0
		rows, err := c.QueryContext(ctx, q.text, []driver.NamedValue{{Ordinal: 1, Value: q.arg}})
		if err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if reads != q.trips {
			t.Errorf("%s with %T %q took %d round trips, want %d", q.text, q.arg, fmt.Sprint(q.arg), reads, q.trips)
		}
	}
}

// What the server makes of an argument beyond ASCII depends on client_encoding, which a
// program may set. Stored is what lib/pq alone stores.
func TestAnotherClientEncoding(t *testing.T) {
	dsn := pgserver.Database(t)
	plain, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	ours := open(t, dsn)
	for _, encoding := range []string{"LATIN1", "SJIS", "SQL_ASCII", "UTF8"} {
		for _, arg := range []any{"é", []byte("é"), "x", []byte("x"), "\x7f~", "\r\n\t\x01"} {
			var seen [2]string
			for i, db := range []*sql.DB{plain, ours} {
				db.SetMaxOpenConns(1)
				must(t, db, "SET client_encoding = "+encoding)
				seen[i] = inTx(db, "SELECT $1::bytea, encode($1, 'hex')", []any{arg}, false)
				must(t, db, "RESET client_encoding")
			}
			if seen[0] != seen[1] {
				t.Errorf("%s, %T %q:\nlib/pq alone  %s\nthe adapter   %s", encoding, arg, fmt.Sprint(arg), seen[0], seen[1])
			}
		}
	}
}

// wildContext does something when lib/pq begins to watch it.
type wildContext struct {
	context.Context
	act func()
}

// Done implements context.Context.
func (c wildContext) Done() <-chan struct{} {
	c.act()
	return c.Context.Done()
}

// However a call in one round trip ends, lib/pq's switch is off behind it: left on, the
// next call would send other bytes.
func TestTheSwitchIsOffBehindEveryCall(t *testing.T) {
	c := adapter(t, pgserver.DSN(t))
	if c.one == nil {
		t.Fatal("this lib/pq has no switch for one round trip")
	}
	background := context.Background()
	arg := func(v driver.Value) []driver.NamedValue { return []driver.NamedValue{{Ordinal: 1, Value: v}} }
	off := func(when string) {
		t.Helper()
		if *c.one {
			t.Fatalf("the switch is on %s", when)
		}
	}
	seen := 0
	see := wildContext{background, func() {
		if seen++; !*c.one {
			t.Error("the switch is off during a call in one round trip")
		}
	}}
	for _, end := range []func(){func() { panic("of a context") }, runtime.Goexit} {
		for _, call := range []func(c *conn, ctx context.Context){
			func(c *conn, ctx context.Context) { c.ExecContext(ctx, "SELECT $1::int", arg(int64(1))) },
			func(c *conn, ctx context.Context) { c.QueryContext(ctx, "SELECT $1::int", arg(int64(1))) },
		} {
			cut := adapter(t, pgserver.DSN(t)) // each its own: such a connection is not used again
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				defer func() { recover() }()
				call(cut, wildContext{background, end})
				t.Error("the call went on")
			}()
			<-ended
			if *cut.one {
				t.Fatal("the switch is on after a call that did not return")
			}
		}
	}
	rows, err := c.QueryContext(see, "SELECT generate_series(1, $1::int)", arg(int64(3)))
	if err != nil || seen != 1 {
		t.Fatal(err, seen)
	}
	off("while rows are open")
	if _, err := c.QueryContext(background, "SELECT $1::int", arg(int64(1))); err == nil || !c.IsValid() {
		t.Fatalf("while rows are open: %v, valid %t", err, c.IsValid())
	}
	off("after a call that was refused")
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExecContext(see, "SELECT 1/$1::int", arg(int64(0))); err == nil {
		t.Fatal("no error")
	}
	off("after an error of the server's")
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	if _, err := c.ExecContext(ctx, "SELECT pg_sleep($1::int)", arg(int64(60))); err == nil {
		t.Fatal("no error")
	}
	off("after a context's end")
}

// lib/pq copies its configuration, the switch with it, on a goroutine that sends a cancel
// request. The race detector has nothing to say of that.
func TestTheSwitchAndACancelRequestDoNotMeet(t *testing.T) {
	dsn := pgserver.DSN(t)
	for range 20 {
		c := adapter(t, dsn)
		ctx, cancel := context.WithCancel(context.Background())
		tx, err := c.BeginTx(ctx, driver.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(cancel)
		for err == nil {
			_, err = c.ExecContext(context.Background(), "SELECT $1::int", []driver.NamedValue{{Ordinal: 1, Value: int64(1)}})
		}
		wg.Wait()
		_ = tx.Rollback()
	}
}
