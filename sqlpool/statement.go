package sqlpool

import (
	"context"
	"database/sql/driver"
)

// stmt is what package sql takes for a prepared statement. What is prepared on
// a physical connection is found when it executes:
//
//   - normally in the connection's cache, by text;
//   - with the cache off, among the statements this one owns, one for each
//     connection that executed it;
//   - for COPY, as the one statement of one loan;
//   - with StatementsAsText, nowhere: the text is sent.
type stmt struct {
	session *session
	text    string
	closed  bool
	ofDB    bool // prepared by a *sql.DB and not by a *sql.Conn (see loanend.go)

	notAsText bool // the driver wants it prepared after all

	own []ownedStmt

	pin     driver.Stmt // for COPY
	pinConn *Conn
	pinLoan uint64
}

type ownedStmt struct {
	conn *Conn
	stmt driver.Stmt
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
	return st.ExecContext(context.Background(), named(args))
}

// Query implements driver.Stmt.
func (st *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return st.QueryContext(context.Background(), named(args))
}

func named(args []driver.Value) []driver.NamedValue {
	list := make([]driver.NamedValue, len(args))
	for i, v := range args {
		list[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return list
}

// Close implements driver.Stmt. A cached statement stays prepared for the next
// one with its text.
func (st *stmt) Close() error {
	if st.closed {
		return nil
	}
	st.closed = true
	st.session.closed++
	defer st.session.endUnused(st)
	if st.pin != nil {
		return st.unpin()
	}
	var first error
	for _, o := range st.own {
		if err := o.conn.closeStmt(st.session, o.stmt); err != nil && first == nil {
			first = hideBadConn(err)
		}
	}
	st.own = nil
	return first
}

// unpin closes the statement of a COPY, unless it is gone with its loan.
func (st *stmt) unpin() error {
	c := st.pinConn
	if !st.session.holds(c) || c.loan != st.pinLoan {
		return nil
	}
	c.pinned--
	return hideBadConn(st.pin.Close())
}
