package sqlpool

import "slices"

// A call that its caller's deadline ended is no evidence against the server: it
// may have been slow by itself. But when the network swallows what is sent, it
// is all there is to see, and every connection that lies idle would cost one
// caller its deadline.

// askUnusedLocked has the idle connections that nobody has used since then asked
// for a sign of life, all at once and in the background, before they are lent
// again. Under traffic there are few, and they lie at the bottom of the stack.
func (p *Pool) askUnusedLocked(since int64) {
	unused, _ := slices.BinarySearchFunc(p.idle, since, func(c *Conn, t int64) int {
		if c.idleSince < t {
			return -1
		}
		return 1
	})
	for _, c := range p.idle[:unused] {
		c.state = stateChecking
		p.checking++
		p.work.Go(func() { p.askUnused(c) })
	}
	p.idle = slices.Delete(p.idle, 0, unused)
}

// askUnused makes a connection that answers idle again and retires one that does
// not.
func (p *Pool) askUnused(c *Conn) {
	reason := p.answers(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checking--
	switch {
	case reason != nil:
		p.closeLocked(c, reason)
	case p.closed:
		p.closeLocked(c, &Reason{Code: CodeShutdown})
	default:
		p.giveLocked(c, p.now())
	}
}

func (p *Pool) answers(c *Conn) (reason error) {
	defer catch("Ping", &reason)
	generation := p.generation.Load()
	if err := c.ask(p.life, p.cfg.PingTimeout); err != nil {
		if p.life.Err() == nil {
			p.suspectAll(c, err)
		}
		return because(CodeDead, err)
	}
	c.proven = generation
	return nil
}
