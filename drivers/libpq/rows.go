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
	conn   *conn
	ofStmt bool
	closed bool
}

// errInProgress is what lib/pq says of a text while rows of another text are open. While
// those of a statement are, it would take them for the text's answer and give the connection up.
var errInProgress = errors.New("libpq: there is already a query being processed on this connection: close its rows first")

// rowsOf ends a query with its rows, or with an error if they came after the cancel request.
// database/sql would close such rows itself, since their context has ended, and a QueryRow
// that reads them before that is told nothing of how they ended.
func (c *conn) rowsOf(inner driver.Rows, ofStmt bool) (driver.Rows, error) {
	c.inside = false
	rows := c.newRows(inner, ofStmt)
	if c.wire.Asked() == c.call.asked {
		return rows, nil
	}
	doubt := c.doubt()
	if doubt == nil {
		return rows, nil
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return nil, doubt
}

func (c *conn) newRows(inner driver.Rows, ofStmt bool) driver.Rows {
	if r, ok := inner.(pqRows); ok {
		c.rows++
		if ofStmt {
			c.stmtRows++
		}
		return &rows{pqRows: r, conn: c, ofStmt: ofStmt}
	}
	c.broken = true // nothing says when they are closed
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
	case err == io.EOF && r.conn.wire.Asked() != r.conn.call.asked:
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
	err := r.conn.finish(r.pqRows.Close())
	if !r.closed {
		r.closed = true
		r.conn.rows--
		if r.ofStmt {
			r.conn.stmtRows--
		}
	}
	return r.conn.lost(err)
}

// lost gives driver.ErrBadConn its reason.
func (c *conn) lost(err error) error {
	if !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return rowsLost(c.LastError())
}

// rowsLost is the error of rows whose connection broke as cause says. An io.EOF would
// be taken for the end of the rows.
func rowsLost(cause error) error {
	if cause == nil || errors.Is(cause, driver.ErrBadConn) || errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("libpq: connection lost while rows were read: %w", cause)
}
