package libpq

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// pqRows is what rows of lib/pq implement.
type pqRows interface {
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// rows are lib/pq's, but for one error: when the connection breaks while they
// are read, lib/pq says driver.ErrBadConn, which by its contract means that
// nothing was executed. Of an INSERT … RETURNING that is wrong, and a caller
// who believes it writes twice.
type rows struct {
	pqRows
	conn *conn
}

func (c *conn) newRows(inner driver.Rows) driver.Rows {
	if r, ok := inner.(pqRows); ok {
		return &rows{r, c}
	}
	return inner
}

// Next implements driver.Rows.
func (r *rows) Next(dest []driver.Value) error {
	r.conn.enter()
	err := r.pqRows.Next(dest)
	r.conn.inside = false
	switch {
	case err == nil:
		return nil
	case err == io.EOF && r.conn.wire.Asked() != r.conn.asked:
		if doubt := r.conn.doubt(); doubt != nil {
			return doubt
		}
		return err
	case err == io.EOF:
		return err
	}
	return r.conn.lost(r.conn.reason(err))
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *rows) NextResultSet() error {
	r.conn.enter()
	err := r.pqRows.NextResultSet()
	r.conn.inside = false
	if err == nil || err == io.EOF {
		return err
	}
	return r.conn.lost(r.conn.reason(err))
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	r.conn.enter()
	err := r.pqRows.Close()
	return r.conn.lost(r.conn.end(err))
}

var errRowsLost = errors.New("the server's side has ended")

// lost gives driver.ErrBadConn its reason.
func (c *conn) lost(err error) error {
	if !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	cause := c.LastError()
	if cause == nil || errors.Is(cause, driver.ErrBadConn) {
		cause = errRowsLost
	}
	return fmt.Errorf("libpq: connection lost while rows were read: %w", cause)
}
