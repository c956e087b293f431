package sqlpool

import (
	"context"
	"database/sql/driver"

	"github.com/sqlpool/go/sqlpool/internal/driverx"
	"github.com/sqlpool/go/sqlpool/internal/sqlstack"
)

// stmt is what database/sql takes for a prepared statement. What is prepared on
// a physical connection is found when it executes:
//
//   - normally by its source;
//   - for COPY, as the one statement of one loan;
//   - with StatementsAsText, nowhere: the text is sent.
//
// Who closes what is prepared on a connection: Close, in the loan in which it is called;
// else Conn.cleanUp at the end of the loan that has the connection, or Pool.tidy on an idle one;
// Conn.heal and Conn.letOldGo when it may be stale; and whole.Close (retire.go) with the
// connection.
type stmt struct {
	session *session
	text    string
	closed  bool
	ofDB    bool // prepared by a *sql.DB and not by a *sql.Conn (see sql_hidden.go)

	notAsText bool // the driver wants it prepared after all

	source *source // nil while nothing needs to be prepared

	pin     driver.Stmt // for COPY
	pinConn *Conn
	pinLoan uint64
}

var (
	_ driver.Stmt             = (*stmt)(nil)
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
)

// ExecContext implements driver.StmtExecContext.
func (st *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return st.session.execFor(ctx, st, st.text, args)
}

// QueryContext implements driver.StmtQueryContext.
func (st *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return st.session.queryFor(ctx, st, st.text, args)
}

// NumInput implements driver.Stmt: the session checks the number of arguments
// itself, by the inner statement's count.
func (st *stmt) NumInput() int { return -1 }

// Exec implements driver.Stmt.
func (st *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return st.ExecContext(context.Background(), driverx.Named(args))
}

// Query implements driver.Stmt.
func (st *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return st.QueryContext(context.Background(), driverx.Named(args))
}

// Close implements driver.Stmt.
func (st *stmt) Close() error {
	if st.closed {
		return nil
	}
	st.closed = true
	s := st.session
	s.closed++
	defer s.endUnused(st)
	if st.pin != nil {
		return st.unpin()
	}
	// A statement that is taken for one closed by the program costs a round trip and no
	// answer.
	if st.source == nil || !st.leaveSource(s.conn == nil && sqlstack.Discarding()) {
		return nil
	}
	return s.closeEnded()
}

// closeEnded closes on the session's connection what has ended. It must not be put
// off to the end of the loan: a pooler in transaction mode may then have another server there, and the
// statement's name would stay taken on this one.
//
// Without a loan database/sql may hold the lock of the whole *sql.DB, and where a wrapper
// hides the end of loans, also with one.
func (s *session) closeEnded() error {
	c := s.conn
	if c == nil || s.raw || s.lost != nil || s.tx == nil && s.endsUnseen() {
		return nil
	}
	c.stmts.Collect(s.pool.sources.Ended())
	a := attempt{harmless: true, final: true}
	a.mark(c)
	if err := c.stmts.CloseGone(""); err != nil {
		return s.leave(context.Background(), c, &a, "close", err)
	}
	return nil
}

// unpin closes the statement of a COPY, unless it is gone with its loan.
func (st *stmt) unpin() error {
	c := st.pinConn
	if st.session.conn != c || c.loan != st.pinLoan {
		return nil
	}
	c.pinned--
	return hideBadConn(st.pin.Close())
}

// quit ends the statements of a session that ends, for a wrapper that has not
// closed them.
func (s *session) quit() {
	for len(s.open) > 0 {
		s.open[0].closed = true
		s.open[0].leaveSource(true)
	}
}
