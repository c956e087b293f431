//go:build !go1.27

package sqlpool

import "database/sql/driver"

func loanRows(rows driver.Rows, s *session) driver.Rows { return &rowsOfLoan{rows, s} }
