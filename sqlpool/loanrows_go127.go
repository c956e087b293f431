//go:build go1.27

package sqlpool

import "database/sql/driver"

// scanningRowsOfLoan are rowsOfLoan of a driver that scans columns itself, which
// Go 1.27 has made possible.
type scanningRowsOfLoan struct {
	*rowsOfLoan
	scanner driver.RowsColumnScanner
}

var _ driver.RowsColumnScanner = scanningRowsOfLoan{}

func loanRows(rows driver.Rows, closed func(error)) driver.Rows {
	of := &rowsOfLoan{Rows: rows, closed: closed}
	if scanner, ok := rows.(driver.RowsColumnScanner); ok {
		return scanningRowsOfLoan{of, scanner}
	}
	return of
}

// NextRow implements driver.RowsColumnScanner.
func (r scanningRowsOfLoan) NextRow() error { return r.note(r.scanner.NextRow()) }

// ScanColumn implements driver.RowsColumnScanner.
func (r scanningRowsOfLoan) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	return r.scanner.ScanColumn(ctx, index, dest)
}
