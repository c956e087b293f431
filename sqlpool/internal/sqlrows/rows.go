// Package sqlrows wraps a driver's rows, so that something is done when they are closed:
// a loan ends with them, a limit of time, or the context that binds them to their
// transaction. Database/sql sees what it would see of the driver's own rows.
package sqlrows

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// rowsToClose has all optional methods. Where the driver's rows lack one, it has the
// answer that database/sql would have given itself.
type rowsToClose struct {
	driver.Rows
	closed func(error) // is told what ended the reading early; nil once they are closed
	failed error
}

var (
	_ driver.RowsNextResultSet              = (*rowsToClose)(nil)
	_ driver.RowsColumnTypeScanType         = (*rowsToClose)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*rowsToClose)(nil)
	_ driver.RowsColumnTypeLength           = (*rowsToClose)(nil)
	_ driver.RowsColumnTypeNullable         = (*rowsToClose)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rowsToClose)(nil)
)

// Close implements driver.Rows.
func (r *rowsToClose) Close() error {
	if closed := r.closed; closed != nil {
		r.closed = nil
		defer func() { closed(r.failed) }()
	}
	return r.note(r.Rows.Close())
}

// Next implements driver.Rows.
func (r *rowsToClose) Next(dest []driver.Value) error { return r.note(r.Rows.Next(dest)) }

// note keeps the first error of the reading.
func (r *rowsToClose) note(err error) error {
	if err != nil && err != io.EOF && r.failed == nil {
		r.failed = err
	}
	return err
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *rowsToClose) HasNextResultSet() bool {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *rowsToClose) NextResultSet() error {
	if n, ok := r.Rows.(driver.RowsNextResultSet); ok {
		return r.note(n.NextResultSet())
	}
	return io.EOF
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *rowsToClose) ColumnTypeScanType(index int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *rowsToClose) ColumnTypeDatabaseTypeName(index int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r *rowsToClose) ColumnTypeLength(index int) (length int64, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypeLength); has {
		return t.ColumnTypeLength(index)
	}
	return 0, false
}

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r *rowsToClose) ColumnTypeNullable(index int) (nullable, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypeNullable); has {
		return t.ColumnTypeNullable(index)
	}
	return false, false
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r *rowsToClose) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypePrecisionScale); has {
		return t.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}
