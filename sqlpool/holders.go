package sqlpool

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Holder is a loan that is out.
type Holder struct {
	Conn          uint64        // Conn.ID
	Held          time.Duration // so far
	LastStatement string        // text only, or empty
	InTransaction bool
	Backend       Backend  // the server's side of it
	Activity      Activity // running, idle in hand, or unknown
	Origin        string   // where it was acquired, when a hook knows (see Acquired.SetOrigin)

	// EndUnseen: a *sql.Conn acquired it, and a wrapper above the pool hides
	// driver.Validator, so the Conn may be closed already. Then the loan ends when
	// database/sql uses or discards its session next.
	EndUnseen bool
}

// String describes the holder in one clause.
func (h Holder) String() string {
	text := fmt.Sprintf("connection %d held for %v", h.Conn, h.Held.Round(time.Millisecond))
	if h.InTransaction {
		text += " in a transaction"
	}
	if h.Activity != ActivityUnknown {
		text += ", " + string(h.Activity)
	}
	if h.Backend.PID != 0 {
		text += fmt.Sprintf(", backend pid %d", h.Backend.PID)
	}
	if h.LastStatement != "" {
		text += fmt.Sprintf(", last statement %q", shorten(h.LastStatement, 80))
	}
	if h.Origin != "" {
		text += ", acquired at " + h.Origin
	}
	if h.EndUnseen {
		text += ", or closed already: a wrapper above the pool hides driver.Validator"
	}
	return text
}

// Holders returns the loans that are out, the longest first. Its cost grows
// with MaxConns; it may be called from any goroutine.
func (p *Pool) Holders() []Holder {
	return p.holders(-1)
}

// holders returns at most that many of the longest loans, or all of them when
// most is negative.
func (p *Pool) holders(most int) []Holder {
	all, now := p.held()
	return describe(all, most, now)
}

// heldLoan is a loan that is out, as seen under the lock.
type heldLoan struct {
	c     *Conn
	loan  uint64
	since int64
	lent  bool // else it is granted, and its borrower still checks it
}

// held returns the loans that are out, and the time.
func (p *Pool) held() (all []heldLoan, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heldLocked(), p.now()
}

func (p *Pool) heldLocked() []heldLoan {
	all := make([]heldLoan, 0, p.slots.InUse())
	for _, c := range p.conns {
		if c.state.Borrowed() {
			all = append(all, c.heldLocked())
		}
	}
	return all
}

func (c *Conn) heldLocked() heldLoan {
	return heldLoan{c, c.loan, c.acquiredAt, c.state.Lent()}
}

// describe sorts the longest loans first. It asks hooks where a loan came from,
// which may take long and may call the pool: not under the lock.
func describe(all []heldLoan, most int, now int64) []Holder {
	slices.SortFunc(all, func(a, b heldLoan) int { return cmp.Compare(a.since, b.since) })
	if most >= 0 && len(all) > most {
		all = all[:most]
	}
	holders := make([]Holder, len(all))
	for i, h := range all {
		holders[i] = h.c.describe(h.loan, time.Duration(now-h.since))
	}
	return holders
}

func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 { // not inside a UTF-8 sequence
		most--
	}
	return s[:most] + "…"
}
