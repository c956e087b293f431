package conformance

import (
	"context"
	"database/sql/driver"
)

var sqlMutants = []mutant{
	{"SQL-01", "column names are upper case", above(func(c *conn) driver.Conn {
		return rowsConn{c, func(r driver.Rows) driver.Rows { return loudRows{r} }}
	})},
	{"SQL-02", "rows are wrapped without their optional interfaces", above(func(c *conn) driver.Conn {
		return rowsConn{c, func(r driver.Rows) driver.Rows { return struct{ driver.Rows }{r} }}
	})},
}

// rowsConn changes the rows of queries.
type rowsConn struct {
	*conn
	change func(driver.Rows) driver.Rows
}

func (c rowsConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return c.change(rows), nil
}

type loudRows struct{ driver.Rows }

func (r loudRows) Columns() []string {
	names := r.Rows.Columns()
	for i := range names {
		names[i] += "!"
	}
	return names
}
