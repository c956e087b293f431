package sqlpool

import (
	"context"
	"database/sql/driver"
)

// enter begins a try: it sees to it that there is a loan and that the caller
// still wants the answer. A context that has ended must not reach the driver,
// because pgx would take it for a broken connection.
func (s *session) enter(ctx context.Context, a *attempt, text string) (*Conn, error) {
	if err := s.refuses(ctx); err != nil {
		return nil, err
	}
	if s.reserved.held.Load() {
		c, err := s.pool.claim(ctx, &s.reserved)
		if err == nil {
			err = s.take(c)
		}
		if err != nil {
			return nil, err
		}
	}
	if s.tx != nil && s.tx.inner == nil {
		if err := s.beginAgain(ctx, a); err != nil {
			return nil, err
		}
	}
	if s.conn == nil {
		if err := s.acquire(ctx, a.broken); err != nil {
			return nil, err
		}
	}
	c := s.conn
	if text != "" {
		c.note(text)
	}
	if s.pinned && s.endsUnseen() {
		c.noteEndUnseen(&s.from.isValid)
	}
	a.mark(c)
	return c, nil
}

// refuses says why nothing is tried at all, or nil.
func (s *session) refuses(ctx context.Context) error {
	if err := s.sticky; err != nil {
		s.sticky = nil
		return err
	}
	if s.lost != nil {
		return s.lost
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.tx != nil { // when its context ends database/sql rolls it back, on another goroutine: what comes before that would be undone
		return s.tx.caller.Err()
	}
	return nil
}

// enterText is enter for what executes a text. What was prepared under it and is
// of no use any more is closed first.
func (s *session) enterText(ctx context.Context, a *attempt, st *stmt, text string) (*Conn, error) {
	if st == nil {
		s.pool.tidy(s.pool.sources.EndKept(text))
	}
	for {
		c, err := s.enter(ctx, a, text)
		if err == nil {
			c.letOldGo()
		}
		if err != nil || !c.stmts.Collect(s.pool.sources.Ended()) {
			return c, err
		}
		stop := c.abortAtEnd(ctx) // a Close has no context
		err = c.stmts.CloseGone(text)
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err == nil {
			a.mark(c)
			return c, nil
		}
		closing := attempt{harmless: true, broken: a.broken, stillborn: a.stillborn, final: a.final}
		if err = s.leave(ctx, c, &closing, "close", err); err != nil {
			return nil, err
		}
		a.broken, a.stillborn = closing.broken, closing.stillborn
	}
}

// leave ends a try that failed. It returns the error for the caller, or nil
// when the operation is to be tried again: only if it certainly had no effect,
// and on another connection only if nothing of the session has been used on
// the old one. driver.ErrBadConn never leaves: database/sql would run the
// statement a second time without knowing what the first did.
func (s *session) leave(ctx context.Context, c *Conn, a *attempt, op string, err error) error {
	if err == driver.ErrSkip {
		return err
	}
	left := s.conclude(ctx, c, a, op, err)
	if left != nil {
		c.noteError(left)
	}
	return left
}

// succeeded notes that the server has answered an operation.
func (s *session) succeeded(c *Conn) {
	s.used, c.answered = true, true
}

// inTransaction reports whether c is, or may be, in a transaction.
func (s *session) inTransaction(c *Conn) bool {
	return s.tx != nil || c.can.txStatus != nil && c.can.txStatus() != 'I'
}

// Ping implements driver.Pinger.
func (s *session) Ping(ctx context.Context) error {
	defer s.remember(ctx)
	if s.endsUnseen() {
		return s.pingAlone(ctx)
	}
	return s.ping(ctx)
}

func (s *session) ping(ctx context.Context) error {
	if !s.tells() {
		return s.tryPing(ctx)
	}
	return s.told(ctx, &Executing{Op: OpPing}, func() error { return s.tryPing(ctx) })
}

func (s *session) tryPing(ctx context.Context) error {
	ctx, unbind := s.tx.bind(ctx)
	if unbind != nil {
		defer unbind()
	}
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
			s.succeeded(c)
			return nil
		}
		if err = s.leave(ctx, c, &a, "ping", err); err != nil {
			return err
		}
	}
}
