package conformance

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// arguments are one of each kind that drivers treat differently.
var arguments = []any{
	"text", "", int64(7), int8(-3), uint16(9), uint64(1) << 63, true, 2.5, nil, []byte("bytes"), []byte(nil),
	time.Date(2001, 2, 3, 4, 5, 6, 789000000, time.UTC), time.Minute,
	sql.NullString{}, sql.NullString{String: "valid", Valid: true}, (*string)(nil), new(int), valuer("v"), (*valuer)(nil),
	brokenValuer{}, struct{}{}, make(chan int),
}

type valuer string

// Value implements driver.Valuer.
func (v valuer) Value() (driver.Value, error) { return "the value of " + string(v), nil }

type brokenValuer struct{}

// Value implements driver.Valuer.
func (brokenValuer) Value() (driver.Value, error) { return nil, context.Canceled }

// prepared is a statement that returns its argument, or nil where nothing can be
// prepared.
func (x *trial) prepared(r *transcript, db *sql.DB) *sql.Stmt {
	if x.target.lacks(NeedPrepares) != "" {
		return nil
	}
	stmt, err := db.PrepareContext(x.ctx, x.target.Dialect.Echo)
	r.err("prepare", err)
	return stmt
}

// queries are all that the dialect has to compare answers with.
func (x *trial) queries() []string {
	return append([]string{x.target.Dialect.One}, x.target.Dialect.Types...)
}

func (r *transcript) columnTypes(query string, rows *sql.Rows, err error) {
	r.err(query, err)
	if err != nil {
		return
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	r.err(query+": column types", err)
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasScale := c.DecimalSize()
		nullable, tells := c.Nullable()
		r.note("%s: column %q is a %s, scanned into %v, length %d %v, decimal %d %d %v, nullable %v %v", query,
			c.Name(), c.DatabaseTypeName(), c.ScanType(), length, hasLength, precision, scale, hasScale, nullable, tells)
	}
}

// affects are the numbers of rows that a statement is to affect, if there is one
// whose number can be chosen.
func affects(statement string) []int {
	if statement == "" {
		return nil
	}
	return []int{0, 1, 2, 3, 127, 128, 255, 256, 257, 1000}
}

// series reads a query of that many rows, which may end early only with an error.
func (x *trial) series(db *sql.DB, most int) {
	rows, err := db.QueryContext(x.ctx, fmt.Sprintf(x.target.Dialect.Series, most))
	x.must("a long query", err)
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var got int
		x.must("scanning", rows.Scan(&got))
		if got != n+1 {
			x.fatalf("row %d is %d", n+1, got)
		}
	}
	if most = max(most, x.fewest()); n != most || rows.Err() != nil {
		x.errorf("%d of %d rows came, and the error is %v", n, most, rows.Err())
	}
}

// fewest is how many rows a query of no row has: some databases' has one.
func (x *trial) fewest() (n int) {
	rows, err := x.plain().QueryContext(x.ctx, fmt.Sprintf(x.target.Dialect.Series, 0))
	x.must("an empty query", err)
	defer rows.Close()
	for rows.Next() {
		n++
	}
	x.must("an empty query", rows.Err())
	return n
}
