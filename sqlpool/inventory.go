package sqlpool

import (
	"github.com/sqlpool/go/sqlpool/internal/idle"
	"github.com/sqlpool/go/sqlpool/internal/slots"
)

// inventory is every connection of a pool. Pool.mu protects it.
type inventory struct {
	conns connSet           // those that hold a slot
	slots slots.Book        // what each of them is used for, and every count of that
	idle  idle.Stack[*Conn] // those that may be lent at once
}

// moveLocked takes a connection from its state to the next. It is the one place
// where a state changes: package slots has the moves that there are, and counts.
func (p *Pool) moveLocked(c *Conn, to slots.State) {
	from := c.state
	p.slots.Move(&c.state, to)
	if from == slots.Dialing {
		p.conns.add(c)
	}
	if from.HoldsSlot() && !to.HoldsSlot() {
		p.conns.remove(c)
	}
	if (from == slots.Granted || from == slots.Reserved) && (to <= slots.Granted || to == slots.Closing) {
		c.loan-- // it was none
	}
	if to == slots.Granted {
		c.loan++
	}
	if from == slots.Inspecting && p.slots.Inspecting() == 0 {
		p.pacer.Looked()
	}
}

// connSet is a set of connections, in no order. Conn.place is where each is in it.
type connSet []*Conn

func (s *connSet) add(c *Conn) {
	c.place = len(*s)
	*s = append(*s, c)
}

func (s *connSet) remove(c *Conn) {
	all := *s
	last := len(all) - 1
	all[c.place], all[last].place = all[last], c.place
	all[last] = nil
	*s = all[:last]
}

// popIdleLocked takes the connection used last out of the stack, or returns nil: also
// while the pool is paused.
func (p *Pool) popIdleLocked() *Conn {
	if p.paused {
		return nil
	}
	c, _ := p.idle.Pop()
	return c
}

// tickLocked notes a reading of the clock.
func (p *Pool) tickLocked(now int64) {
	if now > p.clock {
		p.clock = now
	}
}
