package sqlrows_test

import (
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/sqlpool/go/sqlpool/internal/sqlrows"
)

var errBroken = errors.New("broken")

// plain are rows without any optional method.
type plain struct {
	next, close error
	closes      int
}

func (p *plain) Columns() []string         { return []string{"a"} }
func (p *plain) Next([]driver.Value) error { return p.next }
func (p *plain) Close() error              { p.closes++; return p.close }

func TestWhatIsToBeDoneAtTheEndIsDoneOnceAndToldTheFirstError(t *testing.T) {
	for name, row := range map[string]struct {
		rows plain
		want error
	}{
		"read to the end":       {plain{next: io.EOF}, nil},
		"broken while read":     {plain{next: errBroken, close: io.ErrClosedPipe}, errBroken},
		"broken while closed":   {plain{next: io.EOF, close: errBroken}, errBroken},
		"closed before the end": {plain{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var told []error
			rows := sqlrows.OnClose(&row.rows, func(err error) {
				if row.rows.closes == 0 {
					t.Error("told before the driver's rows were closed")
				}
				told = append(told, err)
			})
			if err := rows.Next(make([]driver.Value, 1)); err != row.rows.next {
				t.Errorf("Next: %v", err)
			}
			if err := rows.Close(); err != row.rows.close {
				t.Errorf("Close: %v", err)
			}
			_ = rows.Close()
			if len(told) != 1 || told[0] != row.want {
				t.Errorf("told %v, want %v once", told, row.want)
			}
		})
	}
}

// Where the driver's rows lack an optional method, database/sql sees its own default.
func TestWhatTheDriverLacksHasDatabaseSQLsOwnAnswer(t *testing.T) {
	rows := sqlrows.OnClose(&plain{}, func(error) {})
	if sets := rows.(driver.RowsNextResultSet); sets.HasNextResultSet() || sets.NextResultSet() != io.EOF {
		t.Error("a further result set")
	}
	if of := rows.(driver.RowsColumnTypeScanType).ColumnTypeScanType(0); of != reflect.TypeFor[any]() {
		t.Errorf("scan type %v", of)
	}
	if name := rows.(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(0); name != "" {
		t.Errorf("type name %q", name)
	}
	if _, ok := rows.(driver.RowsColumnTypeLength).ColumnTypeLength(0); ok {
		t.Error("a length")
	}
	if _, ok := rows.(driver.RowsColumnTypeNullable).ColumnTypeNullable(0); ok {
		t.Error("nullable")
	}
	if _, _, ok := rows.(driver.RowsColumnTypePrecisionScale).ColumnTypePrecisionScale(0); ok {
		t.Error("a precision")
	}
}
