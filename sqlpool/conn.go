package sqlpool

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/slots"
	"github.com/sqlpool/go/sqlpool/internal/stmts"
)

// Conn is a physical connection with which a borrower, or a hook that may use the
// network, works: it has the methods that do, and those of ConnRef. It is its
// holder's until the hook returns or the loan ends; Raw, Ping, Exec, Query and SetUp
// are for the holder's goroutine.
type Conn struct {
	ConnRef

	stmts    stmts.Cache[*Conn]                   // owned like condition
	pinned   int                                  // open statements that cannot outlive the loan; owned likewise
	deferred []func(context.Context, *Conn) error // work asked for by Defer; owned likewise
}

// ConnRef is what may be asked of a physical connection at every moment: it has
// no method that talks to the server. A hook may keep it, and use the methods marked
// so from any goroutine at any time, the others only until it returns.
type ConnRef struct {
	origins
	books
	condition
	record

	executed statements // by the borrower

	// told is the loan whose end the OnRelease hooks have seen. A borrower that
	// releases and a Shutdown that cuts it off may both come to tell them.
	told atomic.Uint64

	inTx atomic.Bool
}

// origins are what a connection brings with it from its dial. They do not change
// once the pool has it, but for what its driver cannot do after all.
type origins struct {
	pool     *Pool
	id       uint64
	inner    driver.Conn
	can      abilities
	openedAt int64 // Pool.now at the end of the dial
	took     time.Duration
	backend  Backend
	ticket   uint64 // of the pacer, when its dial began
}

// books are what the pool keeps of a connection. Pool.mu protects them; state and
// loan are written by Pool.moveLocked alone.
type books struct {
	state      slots.State
	place      int     // in Pool.conns
	loan       uint64  // the number of the present or last loan, from 1: a Loan holds it
	acquiredAt int64   // when the present loan began
	waited     int64   // how long its borrower was in the queue
	waiter     *waiter // what it waited with, until the loan begins; nil when it did not wait
	idleSince  int64   // when the last loan ended
	leaves     error   // why it is to be closed when its loan ends, or nil
	trial      bool    // it was lent unverified while a login proved nothing
}

// condition is what a connection is found to be while it is used. The borrower, the
// acquire or the upkeep that has it owns this; the hand-over happens under Pool.mu.
type condition struct {
	fresh    bool         // it has never passed a check
	proven   uint64       // Pool.generation at the dial or at the last proof of life
	broken   error        // why it must not be lent again
	silence  silence      // the server did not answer in time
	silentAt int64        // since when it has been waited for then
	unborn   *dialFailure // it died at the first statement of its life
	answered bool         // the server's last word of this loan was an answer, as far as the pool can see
	handed   bool         // the borrower has the driver's own connection
	sentAt   uint64       // what it had sent then
	askAlive bool         // a WhileIdle hook wants it pinged
}

// silence says for whom the server did not answer in time.
type silence int8

const (
	heard         silence = iota
	silentForCall         // a caller's deadline passed: it may be the statement that is slow
	silentForPing         // a ping's did: it is the server, or the network
)

// record is what hooks and people may ask while the borrower works; mu protects it.
type record struct {
	mu       sync.Mutex
	values   []struct{ key, value any } // slots of hooks
	text     string                     // last statement
	failed   error                      // of the last statement that failed
	failOf   uint64                     // the loan's number at that time
	origin   fmt.Stringer
	from     uint64  // the loan's number when origin was set
	unseen   uint64  // the number of a loan whose end a wrapper hides,
	unseenBy *notice // if it hides this
}

func newConn(p *Pool, inner driver.Conn) *Conn {
	return &Conn{ConnRef: ConnRef{
		origins: origins{
			pool:    p,
			backend: backendOf(inner),
			id:      p.lastID.Add(1),
			inner:   inner,
			can:     abilitiesOf(inner),
		},
		condition: condition{fresh: true},
	}}
}

// ID numbers the pool's connections from 1 in the order of their dials. Any
// goroutine.
func (c *ConnRef) ID() uint64 { return c.id }

// Pool returns the name of the pool. Any goroutine.
func (c *ConnRef) Pool() string { return c.pool.cfg.Name }

// Age is how long the connection has been open. Any goroutine.
func (c *ConnRef) Age() time.Duration { return time.Duration(c.pool.now() - c.openedAt) }

// IdleTime is how long ago its last loan ended, or its age when it was never
// lent.
func (c *ConnRef) IdleTime() time.Duration { return time.Duration(c.pool.now() - c.idleSince) }

// Took is how long its dial took. Any goroutine.
func (c *ConnRef) Took() time.Duration { return c.took }

// Loans is how many loans it has had, the present one included.
func (c *ConnRef) Loans() uint64 { return c.loan }

// Generation is the pool's generation when it was last known to be alive.
func (c *ConnRef) Generation() uint64 { return c.proven }

// Lending reports the present loan: its number, and how long it has been out.
// ok is false when the connection is not lent. Any goroutine.
func (c *ConnRef) Lending() (loan uint64, held time.Duration, ok bool) {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.state.Lent() {
		return 0, 0, false
	}
	return c.loan, time.Duration(p.now() - c.acquiredAt), true
}

// Value returns what SetValue stored under key, or nil. Keys are compared like
// map keys; a hook uses a key of its own type.
func (c *ConnRef) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == key {
			return c.values[i].value
		}
	}
	return nil
}

// SetValue stores a value for a hook until the connection closes.
func (c *ConnRef) SetValue(key, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == key {
			c.values[i].value = value
			return
		}
	}
	c.values = append(c.values, struct{ key, value any }{key, value})
}

// String names the connection in logs.
func (c *ConnRef) String() string {
	return fmt.Sprintf("connection %d of pool %q", c.id, c.pool.cfg.Name)
}
