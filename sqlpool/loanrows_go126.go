//go:build !go1.27

package sqlpool

import "database/sql/driver"

func loanRows(rows driver.Rows, closed func(error)) driver.Rows {
	return &rowsOfLoan{Rows: rows, closed: closed}
}
