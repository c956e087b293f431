package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/sqlrows"
)

// errDriverLeft is told where a driver's panic passes through.
var errDriverLeft = errors.New("sqlpool: the driver panicked or ended the goroutine")

// telling is one operation as the OnStatement hooks see it. It exists only where
// there are such hooks.
type telling struct {
	session  *session
	op       Op
	first    bool  // of its loan
	begun    *Conn // that its transaction was on, which it may leave for another
	began    int64
	answered int64
	ends     []func(Executed)
}

// tells reports whether an operation must be told.
func (s *session) tells() bool { return len(s.pool.hooks.onStatement) > 0 }

// told runs f between the two halves of the hooks.
func (s *session) told(ctx context.Context, e *Executing, f func() error) (err error) {
	t, err := s.tell(ctx, e)
	if err != nil {
		return err
	}
	err = errDriverLeft
	defer func() { t.end(err) }()
	err = f()
	return err
}

// toldQuery is told for rows.
func (s *session) toldQuery(ctx context.Context, e *Executing, f func() (driver.Rows, error)) (rows driver.Rows, err error) {
	t, err := s.tell(ctx, e)
	if err != nil {
		return nil, err
	}
	err = errDriverLeft
	defer func() {
		if err != nil {
			t.end(err)
		}
	}()
	if rows, err = f(); err != nil {
		return nil, err
	}
	t.answered = s.pool.now()
	return sqlrows.OnClose(rows, t.end), nil
}

// textFor is what is executed: the text of a statement that is prepared stays.
func (e *Executing) textFor(st *stmt) string {
	if st != nil {
		return st.text
	}
	return e.Text
}

// tell begins. An error is a hook's panic: the operation is not run.
func (s *session) tell(ctx context.Context, e *Executing) (*telling, error) {
	t := &telling{session: s, op: e.Op, first: !s.used && s.tx == nil, began: s.pool.now()}
	if s.tx != nil {
		t.begun = s.conn
	}
	err := error(&HookPanic{Moment: "OnStatement", Value: errHookExit})
	defer func() {
		switch {
		case err == nil:
			return
		case exited(err):
			t.giveUp(err)
		}
		t.end(err)
	}()
	for _, h := range s.pool.hooks.onStatement {
		err = watchOne("OnStatement", func(e *Executing) {
			if end := h(ctx, e); end != nil {
				t.ends = append(t.ends, end)
			}
		}, e)
		if err != nil {
			return nil, err
		}
		err = &HookPanic{Moment: "OnStatement", Value: errHookExit} // should the next one end the goroutine
	}
	err = nil
	return t, nil
}

// end tells the hooks in the opposite order, each of them whatever another does.
func (t *telling) end(err error) {
	s := t.session
	now := s.pool.now()
	if t.answered == 0 {
		t.answered = now
	}
	e := Executed{Answered: time.Duration(t.answered - t.began), Took: time.Duration(now - t.began), Err: err}
	if s.conn != nil {
		e.Conn = &s.conn.ConnRef
		if t.first || t.begun != nil && t.begun != s.conn {
			e.Waited = time.Duration(s.conn.waited)
		}
	}
	for _, end := range t.ends {
		defer t.endOne(end, e)
	}
}

// endOne tells one hook. Its panic retires the connection, at the end of the loan
// because the caller may be in a transaction.
func (t *telling) endOne(end func(Executed), e Executed) {
	err := error(&HookPanic{Moment: "OnStatement", Value: errHookExit})
	defer func() {
		switch s := t.session; {
		case err == nil, s.conn == nil:
		case exited(err):
			t.giveUp(err)
		case s.conn.broken == nil:
			s.conn.broken = err
		}
	}()
	err = watchOne("OnStatement", end, e)
}

// exited reports whether err is the end of a hook's goroutine.
func exited(err error) bool {
	p, ok := err.(*HookPanic)
	return ok && p.Value == error(errHookExit)
}

// giveUp ends the loan when a hook ends the goroutine, and with it the caller:
// database/sql does not give the session back after each kind of operation then. In
// a transaction the caller's own deferred Rollback comes, but for one whose Begin
// has not returned.
func (t *telling) giveUp(reason error) {
	s := t.session
	if s.conn == nil {
		return
	}
	c := s.conn
	if c.broken == nil {
		c.broken = reason
	}
	if s.tx != nil && t.op != OpBegin {
		return
	}
	if s.tx != nil {
		s.tx.cancel()
		c.inTx.Store(false)
	}
	s.conn, s.tx, s.raw, s.lost = nil, nil, false, reason
	s.pool.retire(c, reason)
}
