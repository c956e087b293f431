package conformance

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// probedRows are rows of a probedConn. Where the inner rows lack an optional
// method, this has the answer that package sql would have given itself.
type probedRows struct {
	conn  *probedConn
	ctx   context.Context // the query's
	text  string
	inner driver.Rows
}

var (
	_ driver.RowsNextResultSet              = (*probedRows)(nil)
	_ driver.RowsColumnTypeScanType         = (*probedRows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*probedRows)(nil)
	_ driver.RowsColumnTypeLength           = (*probedRows)(nil)
	_ driver.RowsColumnTypeNullable         = (*probedRows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*probedRows)(nil)
)

// Columns implements driver.Rows.
func (r *probedRows) Columns() []string { return r.inner.Columns() }

// Next implements driver.Rows. The end of the rows is an io.EOF, as always.
func (r *probedRows) Next(dest []driver.Value) error {
	return r.conn.call(r.ctx, OpNext, r.text, func() error { return r.inner.Next(dest) })
}

// Close implements driver.Rows.
func (r *probedRows) Close() error {
	return r.conn.call(context.Background(), OpUnrows, r.text, r.inner.Close)
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *probedRows) HasNextResultSet() bool {
	n, ok := r.inner.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *probedRows) NextResultSet() error {
	n, ok := r.inner.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	return r.conn.call(r.ctx, OpNextSet, r.text, n.NextResultSet)
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *probedRows) ColumnTypeScanType(index int) reflect.Type {
	if t, ok := r.inner.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *probedRows) ColumnTypeDatabaseTypeName(index int) string {
	if t, ok := r.inner.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r *probedRows) ColumnTypeLength(index int) (length int64, ok bool) {
	if t, has := r.inner.(driver.RowsColumnTypeLength); has {
		return t.ColumnTypeLength(index)
	}
	return 0, false
}

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r *probedRows) ColumnTypeNullable(index int) (nullable, ok bool) {
	if t, has := r.inner.(driver.RowsColumnTypeNullable); has {
		return t.ColumnTypeNullable(index)
	}
	return false, false
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r *probedRows) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if t, has := r.inner.(driver.RowsColumnTypePrecisionScale); has {
		return t.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}
