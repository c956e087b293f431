package sqlpool_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqlpool/go/internal/fakedb"
	"github.com/sqlpool/go/sqlpool"
)

// shapes are the kinds of driver that fakedb can be.
var shapes = map[string]fakedb.Shape{
	"Full": fakedb.Full, "Std": fakedb.Std, "NoAlive": fakedb.NoAlive, "NoTxStatus": fakedb.NoTxStatus,
	"NoSent": fakedb.NoSent, "NoAbort": fakedb.NoAbort, "Skipper": fakedb.Skipper, "Minimal": fakedb.Minimal,
	"Legacy": fakedb.Legacy, "Converter": fakedb.Converter, "StmtChecker": fakedb.StmtChecker,
}

// Whatever the driver lacks, the pool gives the answers that plain database/sql
// gives: values, errors and their identity.
func TestAnswersAreThoseOfPlainDatabaseSQL(t *testing.T) {
	for name, shape := range shapes {
		for caching, configure := range map[string]func(*fakedb.DB, *sqlpool.Config){
			"":             func(*fakedb.DB, *sqlpool.Config) {},
			"as text":      func(_ *fakedb.DB, c *sqlpool.Config) { c.Statements = sqlpool.StatementsAsText },
			"cached texts": func(s *fakedb.DB, c *sqlpool.Config) { s.SetCacheQueries(true); c.CacheQueries = true },
		} {
			t.Run(name+"/"+caching, func(t *testing.T) {
				plain := sql.OpenDB(fakedb.New().ConnectorAs(shape))
				defer plain.Close()
				server, cfg := fakedb.New(), sqlpool.Config{MaxConns: 2}
				configure(server, &cfg)
				pooled, p, _ := newDBOn(t, server, shape, cfg)
				for _, q := range questions {
					if caching == "as text" && q.kind == "prepared" && (name == "StmtChecker" || q.counts) {
						continue // no statement is there to convert or count: see StatementsAsText
					}
					want, got := answer(plain, q), answer(pooled, q)
					if want != got {
						t.Errorf("%s %q %v:\nplain  %s\npooled %s", q.kind, q.text, q.args, want, got)
					}
				}
				rest(t, p)
				if g := p.Stats().Generation; g != 0 {
					t.Errorf("a caller's own mistake was taken for the server's death %d times", g)
				}
			})
		}
	}
}

// question is one thing to ask of a *sql.DB.
type question struct {
	kind, text string
	args       []any
	counts     bool // it has the wrong number of arguments for a statement
	opts       sql.TxOptions
}

var (
	errValue = errors.New("no value")
	aTime    = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
)

var questions = func() []question {
	arguments := [][]any{
		{}, {1}, {"a", []byte("b"), 1.5, true, nil, aTime}, {int8(1), uint16(2), float32(3)}, {uint64(1) << 63},
		{sql.NullString{}}, {sql.NullInt64{Int64: 7, Valid: true}}, {valuer{"v", nil}}, {&valuer{"p", nil}}, {(*valuer)(nil)},
		{valuer{nil, errValue}}, {valuer{struct{}{}, nil}}, {struct{}{}}, {make(chan int)}, {(*int)(nil)}, {new(int)},
		{fakedb.Remove{}, 5}, {6, fakedb.Remove{}}, {fakedb.Remove{}}, {sql.Named("n", 8)}, {sql.Named("1", 8)}, {sql.Named("n", struct{}{})},
		{valuer{nil, io.EOF}}, {valuer{nil, context.Canceled}}, {valuer{nil, &fakedb.Error{Code: "57P01"}}},
		{valuer{nil, fmt.Errorf("wrapped: %w", driver.ErrSkip)}}, {sql.RawBytes("raw")}, {driver.Value("dv")},
	}
	var all []question
	for _, kind := range []string{"exec", "query", "prepared", "tx"} {
		for _, args := range arguments {
			all = append(all,
				question{kind: kind, text: "SELECT ?", args: args, counts: len(args) != 1 || args[0] == fakedb.Remove{}},
				question{kind: kind, text: "ECHO", args: args})
		}
		for _, text := range []string{"", "SELECT 7", "SELECT 1; SELECT 2", "SERIES 3", "FAIL 23505", "FAIL 42601", "SHOW x", "COPY t", "/* c */ SELECT 5", "-- name: x :one\nSELECT ?"} {
			all = append(all, question{kind: kind, text: text, counts: strings.Contains(text, "?")})
		}
	}
	for _, level := range []sql.IsolationLevel{sql.LevelDefault, sql.LevelSerializable} {
		for _, readOnly := range []bool{false, true} {
			all = append(all, question{kind: "tx", text: "SELECT 1", opts: sql.TxOptions{Isolation: level, ReadOnly: readOnly}})
		}
	}
	return append(all, question{kind: "ping"})
}()

// answer asks and writes down everything that a caller can see.
func answer(db *sql.DB, q question) string {
	ctx := context.Background()
	switch q.kind {
	case "exec":
		return told(db.ExecContext(ctx, q.text, q.args...))
	case "query":
		return rowsOf(db.QueryContext(ctx, q.text, q.args...))
	case "ping":
		return fault(db.PingContext(ctx))
	case "prepared":
		stmt, err := db.PrepareContext(ctx, q.text)
		if err != nil {
			return "prepare " + fault(err)
		}
		defer stmt.Close()
		return told(stmt.Exec(q.args...)) + rowsOf(stmt.Query(q.args...))
	case "tx":
		tx, err := db.BeginTx(ctx, &q.opts)
		if err != nil {
			return "begin " + fault(err)
		}
		text := told(tx.Exec(q.text, q.args...)) + rowsOf(tx.Query(q.text, q.args...))
		return text + " commit " + fault(tx.Commit())
	}
	return ""
}

func told(res sql.Result, err error) string {
	if err != nil {
		return fault(err)
	}
	n, err := res.RowsAffected()
	_, noID := res.LastInsertId()
	return fmt.Sprint("affected ", n, fault(err), fault(noID))
}

func rowsOf(rows *sql.Rows, err error) string {
	if err != nil {
		return fault(err)
	}
	defer rows.Close()
	text := ""
	for more := true; more; more = rows.NextResultSet() {
		columns, err := rows.Columns()
		types, typesErr := rows.ColumnTypes()
		text += fmt.Sprint(columns, fault(err), fault(typesErr))
		if len(types) > 0 {
			text += types[0].DatabaseTypeName()
		}
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			err := rows.Scan(into...)
			for _, v := range values {
				text += fmt.Sprintf("(%T %v)", v, v)
			}
			text += fault(err)
		}
	}
	return text + fault(rows.Err())
}

// fault is an error as a caller can tell it from others.
func fault(err error) string {
	if err == nil {
		return " ok;"
	}
	var is []string
	for name, target := range map[string]error{
		"ErrBadConn": driver.ErrBadConn, "ErrSkip": driver.ErrSkip, "EOF": io.EOF, "Canceled": context.Canceled,
		"value": errValue, "ErrTxDone": sql.ErrTxDone, "ErrNoRows": sql.ErrNoRows,
	} {
		if errors.Is(err, target) {
			is = append(is, name)
		}
	}
	slices.Sort(is)
	var state *fakedb.Error
	if errors.As(err, &state) {
		is = append(is, state.Code)
	}
	return fmt.Sprintf(" error %q is %v;", err, is)
}

// valuer is an argument that converts itself.
type valuer struct {
	v   driver.Value
	err error
}

func (v valuer) Value() (driver.Value, error) { return v.v, v.err }
