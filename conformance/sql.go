package conformance

import (
	"database/sql"
	"fmt"
)

var sqlRules = []Rule{
	{
		ID:     "SQL-01",
		Rule:   "a query has the same columns and values, of the same types, as without the pool",
		Why:    "a program that scans into any, or maps columns by name, would see other data",
		Source: "database/sql: Rows.Columns, Rows.Scan",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, query := range append([]string{x.target.Dialect.One}, x.target.Dialect.Types...) {
					rows, err := db.QueryContext(x.ctx, query)
					r.rows(query, rows, err)
				}
			})
		},
	},
	{
		ID:     "SQL-02",
		Rule:   "the column types of a query are the same as without the pool",
		Why:    "tools that build their output from ColumnTypes would print something else, or panic",
		Source: "database/sql: Rows.ColumnTypes",
		check: func(x *trial) {
			x.compare(func(r *transcript, db *sql.DB) {
				for _, query := range append([]string{x.target.Dialect.One}, x.target.Dialect.Types...) {
					r.columnTypes(x, query, db)
				}
			})
		},
	},
}

func (r *transcript) columnTypes(x *trial, query string, db *sql.DB) {
	rows, err := db.QueryContext(x.ctx, query)
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
			c.Name(), c.DatabaseTypeName(), fmt.Sprint(c.ScanType()), length, hasLength, precision, scale, hasScale, nullable, tells)
	}
}
