package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/stmts"
)

// PrepareContext implements driver.ConnPrepareContext. The statement is bound
// to the session, not to the connection: it follows the session's loans.
func (s *session) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	defer s.remember(ctx)
	if s.endsUnseen() && s.tx == nil {
		return s.prepareAlone(ctx, query)
	}
	st, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	st.ofDB = s.endsUnseen() && preparesAgain() // Tx.StmtContext prepares a *sql.DB's statement, which keeps it for later
	return st, nil
}

func (s *session) prepare(ctx context.Context, query string) (st *stmt, err error) {
	if !s.tells() {
		return s.tryPrepare(ctx, query)
	}
	e := Executing{Op: OpPrepare, Text: query}
	err = s.told(ctx, &e, func() (err error) {
		st, err = s.tryPrepare(ctx, e.Text)
		return err
	})
	return st, err
}

func (s *session) tryPrepare(ctx context.Context, query string) (*stmt, error) {
	ctx, unbind := s.tx.bind(ctx)
	if unbind != nil {
		defer unbind()
	}
	a := attempt{harmless: true}
	for {
		c, err := s.enter(ctx, &a, "")
		if err != nil {
			return nil, err
		}
		st := &stmt{session: s, text: query}
		if err = st.prepareOn(ctx, c); err == nil {
			if s.tx == nil || a.sentBy(c) { // else a BEGIN that waits may still wait on another connection
				s.used = true
			}
			s.live++
			return st, nil
		}
		if err = s.leave(ctx, c, &a, "prepare", err); err != nil {
			return nil, err
		}
	}
}

// prepareOn prepares the statement on the connection that the session holds
// now, so that an error in its text shows at once.
func (st *stmt) prepareOn(ctx context.Context, c *Conn) error {
	if stmts.IsCopy(st.text) {
		inner, err := driverx.Prepare(ctx, c.inner, st.text)
		if err != nil {
			return err
		}
		st.pin, st.pinConn, st.pinLoan = inner, c, c.loan
		c.pinned++
		return nil
	}
	if st.asText(c) {
		return nil
	}
	_, err := st.on(ctx, c)
	if err != nil && st.source != nil {
		st.leaveSource(false)
	}
	return err
}

// asText reports whether the statement is sent as its text each time. A driver
// that cannot do that prepares it all the same.
func (st *stmt) asText(c *Conn) bool {
	return c.pool.cfg.Statements == StatementsAsText && st.pin == nil && !st.notAsText && driverx.TakesExec(c.inner) && driverx.TakesQuery(c.inner)
}

var errPinGone = errors.New("sqlpool: the statement ended with the transaction or connection it was prepared in")

// on returns the statement prepared on c.
func (st *stmt) on(ctx context.Context, c *Conn) (driver.Stmt, error) {
	if st.pin != nil {
		if c != st.pinConn || c.loan != st.pinLoan {
			return nil, errPinGone
		}
		return st.pin, nil
	}
	if st.source == nil {
		st.source = st.session.join(st.text)
		st.session.open = append(st.session.open, st)
	}
	if inner := c.stmts.Held(st.source); inner != nil {
		return inner, nil
	}
	c.stmts.Collect(c.pool.sources.Ended())
	if err := c.stmts.CloseGone(st.text); err != nil {
		return nil, err
	}
	inner, err := c.prepare(ctx, st.text)
	if err == nil {
		c.stmts.Hold(st.source, inner)
		c.pool.sources.HeldOn(st.source, c)
	}
	return inner, err
}

// cached returns a text of a query prepared on c.
func (c *Conn) cached(ctx context.Context, text string) (driver.Stmt, error) {
	if st := c.stmts.Get(text); st != nil {
		return st, nil
	}
	st, err := c.prepare(ctx, text)
	if err == nil {
		c.stmts.Add(text, st)
	}
	return st, err
}

// prepare closes first what waits for that, if it has become much.
func (c *Conn) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	if c.stmts.Crowded() {
		if err := c.stmts.CloseGone(""); err != nil {
			return nil, err
		}
	}
	return driverx.Prepare(ctx, c.inner, text)
}
