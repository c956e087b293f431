package sqlpool

import (
	"database/sql/driver"
	"slices"
)

// With the statement cache off, a statement of a session owns what it prepared
// on each connection and closes it when it is closed. The connection may then
// be anybody's.

// closeStmt closes a statement of c on behalf of a session: at once if the
// session holds c, else in the background, as soon as nobody does. Package sql
// closes the statements of an idle session with the whole *sql.DB locked, so a
// round trip there would stop everybody.
func (c *Conn) closeStmt(s *session, stmt driver.Stmt) error {
	if s.holds(c) {
		return stmt.Close()
	}
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.state != stateIdle || !p.dropIdleLocked(c) {
		c.orphans = append(c.orphans, stmt) // until the loan ends
		return nil
	}
	c.stmts.evicted = append(c.stmts.evicted, stmt)
	c.state = stateChecking
	p.checking++
	p.work.Go(func() { p.settle(c) })
	return nil
}

// withoutGone drops the statements of connections that are closed.
func (p *Pool) withoutGone(own []ownedStmt) []ownedStmt {
	if len(own) == 0 {
		return own
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(own, func(o ownedStmt) bool { return o.conn.state >= stateClosing })
}
