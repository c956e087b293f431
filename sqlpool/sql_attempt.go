package sqlpool

import "database/sql/driver"

// attempt is the state of one operation across its tries.
type attempt struct {
	sent      uint64 // what the connection had sent before this try
	converted bool   // the arguments are converted; a second try must not do it again
	args      []driver.NamedValue
	prepared  bool  // the last try executed a prepared statement
	refused   bool  // an argument was refused: the error says nothing of the connection
	restated  bool  // a stale statement has been prepared anew, or must not be
	harmless  bool  // the operation leaves nothing on a connection that dies: trying again is always safe
	broken    int64 // Pool.now when the first loan broke before anything was sent, or zero
	stillborn int   // of those, how many were a connection's first
	final     bool  // there is no second try
}

// mostStillborn bounds how many new connections one operation goes through that
// die at its first statement. The next one would fare no better.
const mostStillborn = 4

// mark notes what the connection has sent before a try.
func (a *attempt) mark(c *Conn) {
	if c.can.sent != nil {
		a.sent = c.can.sent()
	}
}

// sentBy reports whether something of the try may have reached the server.
func (a *attempt) sentBy(c *Conn) bool {
	return c.can.sent == nil || c.can.sent() != a.sent
}

// moves notes that the operation is tried on another connection than c.
func (a *attempt) moves(c *Conn) {
	a.stillborn = a.stillbornWith(c)
	if a.broken == 0 {
		a.broken = max(c.pool.now(), 1)
	}
}

// exhausted reports whether an operation is tried no more when c, too, breaks
// before it had any effect: AcquireTimeout has passed since the first that broke.
// Old connections that are dead come to an end; new ones need not.
func (a *attempt) exhausted(c *Conn) bool {
	return a.stillbornWith(c) >= mostStillborn || a.broken != 0 && c.pool.now()-a.broken >= int64(c.pool.cfg.AcquireTimeout)
}

func (a *attempt) stillbornWith(c *Conn) int {
	if c.loan == 1 {
		return a.stillborn + 1
	}
	return a.stillborn
}
