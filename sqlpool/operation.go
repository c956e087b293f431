package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// attempt is the state of one operation across its tries.
type attempt struct {
	sent      uint64 // what the connection had sent before this try
	converted bool   // the arguments are converted; a second try must not do it again
	kept      int    // how many of them remained
	restated  bool   // a stale statement has been prepared anew once
	harmless  bool   // the operation leaves nothing on a connection that dies: trying again is always safe
	loans     int    // loans that broke before anything was sent
}

// enter begins a try: it sees to it that there is a loan and that the caller
// still wants the answer. A context that has ended must not reach the driver,
// because pgx would take it for a broken connection.
func (s *session) enter(ctx context.Context, a *attempt, text string) (*Conn, error) {
	if err := s.sticky; err != nil {
		s.sticky = nil
		return nil, err
	}
	if s.lost != nil {
		return nil, s.lost
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.parked.Load() && s.pool.claim(s) {
		s.used = false
		if err := s.announce(); err != nil {
			return nil, err
		}
	}
	if s.conn == nil {
		if err := s.beginLoan(ctx); err != nil {
			return nil, err
		}
	}
	c := s.conn
	if text != "" {
		c.note(text)
	}
	if c.can.sent != nil {
		a.sent = c.can.sent()
	}
	return c, nil
}

// leave ends a try that failed. It returns the error for the caller, or nil
// when the operation is to be tried again: only if it certainly had no effect,
// and on another connection only if nothing of the session has been used on
// the old one. driver.ErrBadConn never leaves: package sql would run the
// statement a second time without knowing what the first did.
func (s *session) leave(ctx context.Context, c *Conn, a *attempt, op string, err error) error {
	if err == driver.ErrSkip {
		return err
	}
	class := s.pool.classify(err)
	if class == ClassReadOnly && (!s.pool.wantsPrimary || s.tx != nil && s.tx.readOnly) {
		class = ClassStatement // the caller's own doing
	}
	if class == ClassStatement {
		if isStale(err) && !a.restated && !s.inTransaction(c) {
			a.restated = true
			return nil
		}
		s.used = true
		return err
	}
	bad := errors.Is(err, driver.ErrBadConn)
	sent := c.can.sent == nil || c.can.sent() != a.sent
	if caller := ctx.Err(); caller != nil {
		if !sent {
			return caller // the driver saw the context end before it began: the connection is as it was
		}
		class, err = ClassConn, caller // no evidence against the server
	}
	c.fail(class, err)
	if !s.used && s.tx == nil && (a.harmless || !sent) && a.loans <= s.pool.cfg.MaxConns && ctx.Err() == nil {
		// Each of these tries retires a dead connection, so they end.
		a.loans++
		s.conn = nil
		s.pool.release(c)
		return nil
	}
	s.used = true
	if !bad {
		return err
	}
	s.lost = &ConnLostError{Conn: c.id, Op: op, Sent: sent && !a.harmless, Err: hideBadConn(err)}
	return s.lost
}

// fail marks a connection as not to be lent again and passes on what its error
// says about the others.
func (c *Conn) fail(class Class, err error) {
	code := CodeBroken
	if class == ClassReadOnly {
		code = CodeReadOnly
	}
	if c.broken == nil {
		c.broken = because(code, err)
	}
	if class == ClassFatal || class == ClassReadOnly {
		c.pool.suspectAll(c, err)
	}
}

// inTransaction reports whether c is, or may be, in a transaction.
func (s *session) inTransaction(c *Conn) bool {
	return s.tx != nil || c.can.txStatus != nil && c.can.txStatus() != 'I'
}

// isStale recognises the errors of a prepared statement that the server has
// forgotten (26000) or whose result has changed its shape since (0A000 with
// just this message, PostgreSQL's plancache.c). Neither has executed anything.
func isStale(err error) bool {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	switch state.SQLState() {
	case "26000":
		return true
	case "0A000":
		return strings.Contains(err.Error(), "cached plan must not change result type")
	}
	return false
}

// ExecContext implements driver.ExecerContext.
func (s *session) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	var a attempt
	for {
		c, err := s.enter(ctx, &a, query)
		if err != nil {
			return nil, err
		}
		res, err := s.exec(ctx, c, &a, query, args)
		if err == nil {
			s.used = true
			return res, nil
		}
		if err = s.leave(ctx, c, &a, "exec", err); err != nil {
			return nil, err
		}
	}
}

// QueryContext implements driver.QueryerContext. The rows are the driver's own.
func (s *session) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	var a attempt
	for {
		c, err := s.enter(ctx, &a, query)
		if err != nil {
			return nil, err
		}
		rows, err := s.query(ctx, c, &a, query, args)
		if err == nil {
			s.used = true
			return rows, nil
		}
		if err = s.leave(ctx, c, &a, "query", err); err != nil {
			return nil, err
		}
	}
}

// Ping implements driver.Pinger.
func (s *session) Ping(ctx context.Context) error {
	a := attempt{harmless: true}
	for {
		c, err := s.enter(ctx, &a, "")
		if err != nil {
			return err
		}
		p, ok := c.inner.(driver.Pinger)
		if !ok {
			return nil
		}
		if err = p.Ping(ctx); err == nil {
			s.used = true
			return nil
		}
		if err = s.leave(ctx, c, &a, "ping", err); err != nil {
			return err
		}
	}
}
