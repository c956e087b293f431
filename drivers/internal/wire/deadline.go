package wire

import "time"

// SetDeadline implements net.Conn. A driver cannot set one beyond the limit,
// nor undo an interruption with it.
func (c *Conn) SetDeadline(t time.Time) error { return c.setDeadline(t, c.raw.SetDeadline) }

// SetReadDeadline implements net.Conn, as SetDeadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, c.raw.SetReadDeadline) }

// SetWriteDeadline implements net.Conn, as SetDeadline.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, c.raw.SetWriteDeadline) }

// SetLimit ends all reads and writes at t at the latest.
func (c *Conn) SetLimit(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = t
	if c.halt.Load() == nil && c.late.Load() == nil {
		c.raw.SetDeadline(t)
	}
}

func (c *Conn) setDeadline(t time.Time, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halt.Load() != nil || c.late.Load() != nil {
		return nil
	}
	if !c.limit.IsZero() && (t.IsZero() || t.After(c.limit)) {
		t = c.limit
	}
	return set(t)
}
