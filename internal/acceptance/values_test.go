package acceptance

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/sqlpool/go/sqlpool"
)

// Values come back exactly as from plain database/sql on the same driver: each
// query runs on both, and what Scan sees, the column types and the errors must
// be the same.
func TestValuesAreThoseOfPlainPackageSQL(t *testing.T) {
	queries := []struct {
		text string
		args []any
	}{
		{"SELECT ARRAY[1,2,NULL]::int[], ARRAY['a','b,c']::text[]", nil},
		{"SELECT $1::int[]", []any{pq.Array([]int64{1, 2, 3})}},
		{"SELECT $1::text[]", []any{pq.Array([]string{"x", `y"z`})}},
		{"SELECT 12345678901234567890.0123456789::numeric(40,10), 'NaN'::numeric, $1::numeric", []any{"1e-20"}},
		{`SELECT '{"a": [1, null]}'::jsonb, $1::jsonb, '{"b":1}'::json`, []any{`{"k": "v"}`}},
		{"SELECT $1::bytea, '\\x00ff'::bytea, ''::bytea", []any{[]byte{0, 1, 255}}},
		{"SELECT '2024-02-29 12:34:56.789123+05:30'::timestamptz, '2024-02-29'::date, '12:00'::time, '1 day 02:03'::interval", nil},
		{"SELECT $1::timestamptz", []any{time.Date(2024, 2, 29, 1, 2, 3, 4000, time.FixedZone("X", 3600))}},
		{"SELECT '2024-02-29 12:34:56'::timestamp", nil},
		{"SELECT NULL, NULL::int, NULL::text, NULL::bytea", nil},
		{"SELECT $1::text, $2::int", []any{nil, sql.NullInt64{}}},
		{"SELECT true, 1::smallint, 2::bigint, 1.5::real, 2.5::float8, 'c'::char(3), 'v'::varchar(9)", nil},
		{"SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '10.0.0.1/8'::inet, '(1,2)'::point, '[1,5)'::int4range", nil},
		{"SELECT 'sad'::mood, $1::mood", []any{"happy"}},
		{"SELECT ROW(1,'x'), 5::posint", nil},
		{"SELECT $1::posint", []any{-1}},
		{"SELECT g, g * 2 FROM generate_series(1, 5) g", nil},
		{"SELECT 1/0", nil},
		{"SELECT nonsense", nil},
		{"SELECT $1::int", []any{"not a number"}},
		{"SELECT $1::int, $2::int", []any{1}},
		{"SELECT 1", []any{1}},
		{"SELECT $1::int", []any{struct{ A int }{1}}},
		{"INSERT INTO kinds (n) VALUES (1) RETURNING n", nil},
		{"UPDATE kinds SET n = n", nil},
		{"", nil},
		{"SELECT 1; SELECT 'two', 3", nil},
	}
	onEach(t, func(a *app) {
		_, pooled := a.pool(sqlpool.Config{MaxConns: 2})
		plain := a.plain()
		a.exec(plain, "CREATE TYPE mood AS ENUM ('sad', 'happy')")
		a.exec(plain, "CREATE DOMAIN posint AS int CHECK (VALUE > 0)")
		a.exec(plain, "CREATE TABLE kinds (n int)")
		for _, q := range queries {
			for range 2 { // the second time the statement is cached
				want := observe(a.ctx(), plain, q.text, q.args)
				got := observe(a.ctx(), pooled, q.text, q.args)
				if got != want {
					a.Errorf("%q %v:\nplain  %s\npooled %s", q.text, q.args, want, got)
				}
			}
			want, got := observeExec(a.ctx(), plain, q.text, q.args), observeExec(a.ctx(), pooled, q.text, q.args)
			if got != want {
				a.Errorf("exec %q %v:\nplain  %s\npooled %s", q.text, q.args, want, got)
			}
			want, got = observeStmt(a.ctx(), plain, q.text, q.args), observeStmt(a.ctx(), pooled, q.text, q.args)
			if got != want {
				a.Errorf("prepared %q %v:\nplain  %s\npooled %s", q.text, q.args, want, got)
			}
		}
	})
}

func observe(ctx context.Context, db *sql.DB, text string, args []any) string {
	rows, err := db.QueryContext(ctx, text, args...)
	return describe(rows, err)
}

func observeStmt(ctx context.Context, db *sql.DB, text string, args []any) string {
	stmt, err := db.PrepareContext(ctx, text)
	if err != nil {
		return fmt.Sprintf("prepare error %T %v", err, err)
	}
	defer stmt.Close()
	rows, err := stmt.QueryContext(ctx, args...)
	return describe(rows, err)
}

func observeExec(ctx context.Context, db *sql.DB, text string, args []any) string {
	res, err := db.ExecContext(ctx, text, args...)
	if err != nil {
		return fmt.Sprintf("error %T %v", err, err)
	}
	n, nerr := res.RowsAffected()
	id, iderr := res.LastInsertId()
	return fmt.Sprint(n, nerr, id, iderr)
}

// describe is all that a program can see of a result.
func describe(rows *sql.Rows, err error) string {
	if err != nil {
		return fmt.Sprintf("error %T %v", err, err)
	}
	defer rows.Close()
	out := ""
	for set := 0; set == 0 || rows.NextResultSet(); set++ {
		types, err := rows.ColumnTypes()
		if err != nil {
			return fmt.Sprintf("%s; column types: %v", out, err)
		}
		for _, c := range types {
			length, hasLength := c.Length()
			precision, scale, hasPrecision := c.DecimalSize()
			nullable, hasNullable := c.Nullable()
			out += fmt.Sprint(c.Name(), c.DatabaseTypeName(), c.ScanType(), length, hasLength, precision, scale, hasPrecision, nullable, hasNullable, "; ")
		}
		for rows.Next() {
			values := make([]any, len(types))
			targets := make([]any, len(types))
			for i := range values {
				targets[i] = &values[i]
			}
			if err := rows.Scan(targets...); err != nil {
				out += "scan: " + err.Error()
			}
			for _, v := range values {
				out += fmt.Sprintf("%v=%#v, ", reflect.TypeOf(v), v)
			}
		}
	}
	return fmt.Sprintf("%s; err %v", out, rows.Err())
}
