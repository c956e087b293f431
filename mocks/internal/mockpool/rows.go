package mockpool

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// rows are the mock's. An error of theirs may end the connection, as a real
// driver's would, and a connection that is gone has no more rows.
type rows struct {
	driver.RowsNextResultSet
	conn *conn
}

// definedRows are rows whose columns have a definition. database/sql asks for
// these methods, so the other rows must not have them.
type definedRows struct {
	rows
	types columnTypes
}

type columnTypes interface {
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// rowsOf returns the mock's rows as those of a connection.
func rowsOf(inner driver.Rows, c *conn) driver.Rows {
	sets, ok := inner.(driver.RowsNextResultSet)
	if !ok {
		return inner
	}
	r := rows{sets, c}
	if types, ok := inner.(columnTypes); ok {
		return &definedRows{r, types}
	}
	return &r
}

// Next implements driver.Rows. As of both drivers in production, an error of
// the connection is told as it is: package sqlpool does not see it.
func (r *rows) Next(dest []driver.Value) error {
	if r.conn.refused("") != nil {
		return r.conn.LastError()
	}
	err := r.RowsNextResultSet.Next(dest)
	if err != io.EOF { // the usual end
		r.conn.judge(err)
	}
	return err
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	err := r.RowsNextResultSet.Close()
	r.conn.judge(err)
	return err
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *definedRows) ColumnTypeDatabaseTypeName(i int) string {
	return r.types.ColumnTypeDatabaseTypeName(i)
}

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r *definedRows) ColumnTypeLength(i int) (int64, bool) { return r.types.ColumnTypeLength(i) }

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r *definedRows) ColumnTypeNullable(i int) (nullable, ok bool) {
	return r.types.ColumnTypeNullable(i)
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r *definedRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return r.types.ColumnTypePrecisionScale(i)
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *definedRows) ColumnTypeScanType(i int) reflect.Type { return r.types.ColumnTypeScanType(i) }
