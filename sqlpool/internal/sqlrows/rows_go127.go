//go:build go1.27

package sqlrows

import "database/sql/driver"

// scanningRows are rowsToClose of a driver that scans columns itself, which
// Go 1.27 has made possible.
type scanningRows struct {
	*rowsToClose
	scanner driver.RowsColumnScanner
}

var _ driver.RowsColumnScanner = scanningRows{}

// OnClose returns rows that call closed when they have been closed, once, with the first
// error that ended the reading early, or nil.
func OnClose(rows driver.Rows, closed func(error)) driver.Rows {
	of := &rowsToClose{Rows: rows, closed: closed}
	if scanner, ok := rows.(driver.RowsColumnScanner); ok {
		return scanningRows{of, scanner}
	}
	return of
}

// NextRow implements driver.RowsColumnScanner.
func (r scanningRows) NextRow() error { return r.note(r.scanner.NextRow()) }

// ScanColumn implements driver.RowsColumnScanner.
func (r scanningRows) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	return r.scanner.ScanColumn(ctx, index, dest)
}
