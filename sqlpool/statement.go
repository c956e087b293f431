package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
)

// exec runs a text on the loan's connection, through the statement cache when
// the driver gains from that.
func (s *session) exec(ctx context.Context, c *Conn, a *attempt, query string, args []driver.NamedValue) (driver.Result, error) {
	ctx = s.tx.bind(ctx)
	args, err := a.convert(c.inner, nil, args, -1)
	if err != nil {
		return nil, err
	}
	if c.cachesText(query, args) {
		st, err := c.prepared(ctx, query)
		if err != nil {
			return nil, err
		}
		res, err := stmtExec(ctx, st, args)
		c.dropStale(query, err)
		return res, err
	}
	return innerExec(ctx, c.inner, query, args)
}

// query is exec for rows.
func (s *session) query(ctx context.Context, c *Conn, a *attempt, query string, args []driver.NamedValue) (driver.Rows, error) {
	ctx = s.tx.bind(ctx)
	args, err := a.convert(c.inner, nil, args, -1)
	if err != nil {
		return nil, err
	}
	if c.cachesText(query, args) {
		st, err := c.prepared(ctx, query)
		if err != nil {
			return nil, err
		}
		rows, err := stmtQuery(ctx, st, args)
		c.dropStale(query, err)
		return rows, err
	}
	return innerQuery(ctx, c.inner, query, args)
}

// convert converts the arguments once per operation: the rules do not change
// from one connection of a connector to the next, and a rule need not accept
// its own result.
func (a *attempt) convert(conn driver.Conn, stmt driver.Stmt, args []driver.NamedValue, want int) ([]driver.NamedValue, error) {
	if len(args) == 0 && want <= 0 {
		return args, nil
	}
	if a.converted {
		return args[:a.kept], nil
	}
	args, err := convertArgs(conn, stmt, args, want)
	a.converted, a.kept = true, len(args)
	return args, err
}

// cachesText reports whether a text with arguments goes through the statement
// cache.
func (c *Conn) cachesText(query string, args []driver.NamedValue) bool {
	return len(args) > 0 && c.can.cacheQueries && c.stmts.most > 0 &&
		c.pool.cfg.Statements == StatementsPrepared && cacheable(query)
}

// prepared returns the connection's prepared statement for a text.
func (c *Conn) prepared(ctx context.Context, text string) (driver.Stmt, error) {
	if st := c.stmts.get(text); st != nil {
		return st, nil
	}
	st, err := innerPrepare(ctx, c.inner, text)
	if err != nil {
		return nil, err
	}
	c.stmts.add(text, st)
	return st, nil
}

func (c *Conn) dropStale(text string, err error) {
	if err != nil && isStale(err) {
		c.stmts.drop(text)
	}
}

// PrepareContext implements driver.ConnPrepareContext. The statement is bound
// to the session, not to the connection: it follows the session's loans.
func (s *session) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	a := attempt{harmless: true}
	for {
		c, err := s.enter(ctx, &a, query)
		if err != nil {
			return nil, err
		}
		st := &stmt{session: s, text: query}
		if err = st.prepareOn(s.tx.bind(ctx), c); err == nil {
			s.used = true
			s.live++
			return st, nil
		}
		if err = s.leave(ctx, c, &a, "prepare", err); err != nil {
			return nil, err
		}
	}
}

// stmt is what package sql takes for a prepared statement. What is prepared on
// a physical connection is found when it executes:
//
//   - normally in the connection's cache, by text;
//   - with the cache off, among the statements this one owns, one for each
//     connection that executed it;
//   - for COPY, as the one statement of one loan;
//   - with StatementsAsText, nowhere: the text is sent each time.
type stmt struct {
	session *session
	text    string
	closed  bool

	own []ownedStmt // with the cache off

	pin     driver.Stmt // of COPY
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

var errPinGone = errors.New("sqlpool: the statement ended with the transaction or connection it was prepared in")

// prepareOn prepares the statement on the connection that the session holds
// now, so that an error in its text shows at once.
func (st *stmt) prepareOn(ctx context.Context, c *Conn) error {
	switch {
	case !cacheable(st.text):
		inner, err := innerPrepare(ctx, c.inner, st.text)
		if err != nil {
			return err
		}
		st.pin, st.pinConn, st.pinLoan = inner, c, c.loan
		c.pinned++
		return nil
	case c.pool.cfg.Statements == StatementsAsText:
		return nil
	default:
		_, err := st.on(ctx, c)
		return err
	}
}

// on returns the statement prepared on c.
func (st *stmt) on(ctx context.Context, c *Conn) (driver.Stmt, error) {
	if st.pin != nil {
		if c != st.pinConn || c.loan != st.pinLoan {
			return nil, errPinGone
		}
		return st.pin, nil
	}
	if c.stmts.most > 0 {
		return c.prepared(ctx, st.text)
	}
	for _, o := range st.own {
		if o.conn == c {
			return o.stmt, nil
		}
	}
	inner, err := innerPrepare(ctx, c.inner, st.text)
	if err == nil {
		st.own = append(st.own, ownedStmt{c, inner})
	}
	return inner, err
}

// forget drops a statement that the server has forgotten, so that the next try
// prepares it anew.
func (st *stmt) forget(c *Conn, err error) {
	if err == nil || !isStale(err) {
		return
	}
	c.stmts.drop(st.text)
	for i, o := range st.own {
		if o.conn == c {
			c.stmts.evicted = append(c.stmts.evicted, o.stmt)
			st.own = append(st.own[:i], st.own[i+1:]...)
			return
		}
	}
}

// Close implements driver.Stmt. A cached statement stays prepared for the next
// one with its text.
func (st *stmt) Close() error {
	if st.closed {
		return nil
	}
	st.closed = true
	st.session.live--
	if st.pin != nil {
		if st.session.conn != st.pinConn || st.pinConn.loan != st.pinLoan {
			return nil // gone with its loan
		}
		st.pinConn.pinned--
		return hideBadConn(st.pin.Close())
	}
	return st.closeOwn()
}

// closeOwn closes what the statement prepared for itself: at once where its
// session holds the connection or nobody does, else when the connection comes
// back.
func (st *stmt) closeOwn() error {
	var first error
	for _, o := range st.own {
		if err := o.conn.closeStmt(st.session, o.stmt); err != nil && first == nil {
			first = hideBadConn(err)
		}
	}
	st.own = nil
	return first
}

// closeStmt closes a statement of c on behalf of a session.
func (c *Conn) closeStmt(s *session, stmt driver.Stmt) error {
	p := c.pool
	if s.conn == c && !s.parked.Load() {
		return stmt.Close()
	}
	p.mu.Lock()
	if c.state != stateIdle || !p.dropIdleLocked(c) {
		c.orphans = append(c.orphans, stmt)
		p.mu.Unlock()
		return nil
	}
	c.state = stateChecking
	p.checking++
	p.mu.Unlock()

	err := stmt.Close()

	p.mu.Lock()
	defer p.mu.Unlock()
	p.checking--
	if p.closed {
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	} else {
		p.giveLocked(c, p.now())
	}
	return err
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

// ExecContext implements driver.StmtExecContext.
func (st *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s := st.session
	var a attempt
	for {
		c, err := s.enter(ctx, &a, st.text)
		if err != nil {
			return nil, err
		}
		res, err := st.exec(s.tx.bind(ctx), c, &a, args)
		if err == nil {
			s.used = true
			return res, nil
		}
		if err = s.leave(ctx, c, &a, "exec", err); err != nil {
			return nil, err
		}
	}
}

// QueryContext implements driver.StmtQueryContext.
func (st *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s := st.session
	var a attempt
	for {
		c, err := s.enter(ctx, &a, st.text)
		if err != nil {
			return nil, err
		}
		rows, err := st.query(s.tx.bind(ctx), c, &a, args)
		if err == nil {
			s.used = true
			return rows, nil
		}
		if err = s.leave(ctx, c, &a, "query", err); err != nil {
			return nil, err
		}
	}
}

func (st *stmt) exec(ctx context.Context, c *Conn, a *attempt, args []driver.NamedValue) (driver.Result, error) {
	if st.asText(c) {
		args, err := a.convert(c.inner, nil, args, -1)
		if err != nil {
			return nil, err
		}
		return innerExec(ctx, c.inner, st.text, args)
	}
	inner, err := st.on(ctx, c)
	if err != nil {
		return nil, err
	}
	if args, err = a.convert(c.inner, inner, args, inner.NumInput()); err != nil {
		return nil, err
	}
	res, err := stmtExec(ctx, inner, args)
	st.forget(c, err)
	return res, err
}

func (st *stmt) query(ctx context.Context, c *Conn, a *attempt, args []driver.NamedValue) (driver.Rows, error) {
	if st.asText(c) {
		args, err := a.convert(c.inner, nil, args, -1)
		if err != nil {
			return nil, err
		}
		return innerQuery(ctx, c.inner, st.text, args)
	}
	inner, err := st.on(ctx, c)
	if err != nil {
		return nil, err
	}
	if args, err = a.convert(c.inner, inner, args, inner.NumInput()); err != nil {
		return nil, err
	}
	rows, err := stmtQuery(ctx, inner, args)
	st.forget(c, err)
	return rows, err
}

func (st *stmt) asText(c *Conn) bool {
	return st.pin == nil && c.pool.cfg.Statements == StatementsAsText
}
