package mockpool

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
)

// judge notes an error of the mock's if it ends the connection: a driver would
// not use it again.
func (c *conn) judge(err error) {
	if err != nil && ends(err) {
		c.broken.CompareAndSwap(nil, &err)
	}
}

// ends reports whether an error means that the connection is gone.
func ends(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return strings.HasPrefix(state.SQLState(), "08") || strings.HasPrefix(state.SQLState(), "57P")
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// refused returns why a call on a lent connection does not reach the mock, or
// nil. A connection that is gone refuses all, and nothing of the call is sent.
func (c *conn) refused(query string) error {
	var err error
	if c.m.opts.Call != nil {
		err = c.m.opts.Call(query) // which may break the connection
	}
	if c.broken.Load() != nil {
		return driver.ErrBadConn
	}
	return err
}

// IsValid implements driver.Validator.
func (c *conn) IsValid() bool { return c.broken.Load() == nil }

// LastError tells the pool, and the rows, what broke the connection.
func (c *conn) LastError() error {
	if err := c.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// Sent counts the calls that reached the mock. The pool knows by it whether the
// server may have seen a statement.
func (c *conn) Sent() uint64 { return c.sent.Load() }

// breakAll ends every connection that is out.
func (m *mockDB) breakAll(cause error) {
	m.loans.mu.Lock()
	defer m.loans.mu.Unlock()
	for _, out := range m.loans.out {
		out.conn.broken.CompareAndSwap(nil, &cause)
	}
}
