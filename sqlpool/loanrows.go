package sqlpool

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// rowsOfLoan are rows whose closing ends something: the loan (see loanend.go), or
// the context that binds them to their transaction. Where the driver's rows lack an optional method, this has the answer that database/sql
// would have given itself.
type rowsOfLoan struct {
	driver.Rows
	closed func(error) // is told what ended the reading early; nil once they are closed
	failed error
}

var (
	_ driver.RowsNextResultSet              = (*rowsOfLoan)(nil)
	_ driver.RowsColumnTypeScanType         = (*rowsOfLoan)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*rowsOfLoan)(nil)
	_ driver.RowsColumnTypeLength           = (*rowsOfLoan)(nil)
	_ driver.RowsColumnTypeNullable         = (*rowsOfLoan)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rowsOfLoan)(nil)
)

// Close implements driver.Rows.
func (r *rowsOfLoan) Close() error {
	if closed := r.closed; closed != nil {
		r.closed = nil
		defer func() { closed(r.failed) }()
	}
	return r.note(r.Rows.Close())
}

// Next implements driver.Rows.
func (r *rowsOfLoan) Next(dest []driver.Value) error { return r.note(r.Rows.Next(dest)) }

// note keeps the first error of the reading.
func (r *rowsOfLoan) note(err error) error {
	if err != nil && err != io.EOF && r.failed == nil {
		r.failed = err
	}
	return err
}

// HasNextResultSet implements driver.RowsNextResultSet.
func (r *rowsOfLoan) HasNextResultSet() bool {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *rowsOfLoan) NextResultSet() error {
	if n, ok := r.Rows.(driver.RowsNextResultSet); ok {
		return r.note(n.NextResultSet())
	}
	return io.EOF
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *rowsOfLoan) ColumnTypeScanType(index int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *rowsOfLoan) ColumnTypeDatabaseTypeName(index int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r *rowsOfLoan) ColumnTypeLength(index int) (length int64, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypeLength); has {
		return t.ColumnTypeLength(index)
	}
	return 0, false
}

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r *rowsOfLoan) ColumnTypeNullable(index int) (nullable, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypeNullable); has {
		return t.ColumnTypeNullable(index)
	}
	return false, false
}

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r *rowsOfLoan) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypePrecisionScale); has {
		return t.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}
