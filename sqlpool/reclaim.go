package sqlpool

// Reclaim ends a loan by force and reports whether it was still out: its
// connection is cut, so that the borrower's next call fails, and the slot can
// be dialed into again. The borrower's release, whenever it comes, is harmless.
// loan is what Lending returned: a later loan of the same connection is left
// alone. Any goroutine.
//
// It is for a loan that is certainly lost. One that is merely slow loses its
// transaction.
func (c *Conn) Reclaim(loan uint64) bool {
	p := c.pool
	p.mu.Lock()
	if !c.lentLocked() || loan == 0 || p.closed || c.loan != loan {
		p.mu.Unlock()
		return false
	}
	now, began := p.now(), c.acquiredAt
	p.inUse--
	p.stats.ReleaseCount++
	p.abandonLocked(c)
	p.dialMoreLocked()
	p.mu.Unlock()

	reason := &Reason{Code: CodeForced}
	go c.abort() // not even a driver that hangs here holds up the caller
	if err := p.tellReleasedAside(c, loan, began, reason); err != nil {
		p.noteError(err)
	}
	p.tellClosed(c, reason, now, 0)
	return true
}
