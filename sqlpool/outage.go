package sqlpool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sqlpool/go/sqlpool/internal/alarm"
	"github.com/sqlpool/go/sqlpool/internal/dialing"
	"github.com/sqlpool/go/sqlpool/internal/pgerror"
)

// What the pool knows of its database comes from its dials and from its
// connections. A dial that fails begins an outage; one dial at a time, the
// probe, tries until one succeeds, whether or not a caller waits. The circuit
// opens only when no connection has proved for FailFastAfter that the database
// is there: by a loan that ended well, or by an answer to a ping. The rules are
// in internal/dialing; here is what tells them and what acts on them.

// database is what a pool knows of its server. Pool.mu protects it.
type database struct {
	dialing []*dial       // under way
	pacer   dialing.Pacer // when to dial, and whether to wait for the server
	redial  alarm.Alarm   // a dial was held back, the probe is due, or the callers' patience ends
	dialErr error         // what the last failed dial said
	useful  bool          // a connection has proved itself, ever

	noted   State          // the state as OnState is told of it
	changes []StateChanged // not yet told to OnState
	telling bool           // a goroutine is telling them
}

func newPacer(cfg *Config) dialing.Pacer {
	return dialing.Pacer{Rules: dialing.Rules{
		First: cfg.Backoff.First, Max: cfg.Backoff.Max, Factor: cfg.Backoff.Factor,
		Draw: func(limit int64) int64 {
			if limit <= 0 || cfg.Backoff.NoJitter {
				return limit
			}
			return int64(rand.Uint64N(uint64(limit) + 1))
		},
		Patience: cfg.FailFastAfter,
		Overtake: max(time.Second, cfg.ConnectTimeout/time.Duration(min(cfg.MaxDialing, cfg.MaxConns))), // as evenly as there is room for
	}}
}

// dialFailure is a failed dial as far as it matters here. It is found out
// before the lock is taken, because an error's methods and Config.Classify are
// code of others.
type dialFailure struct {
	err    error
	text   string
	kind   dialing.Kind
	hollow bool // the login had succeeded
}

func (p *Pool) judgeDial(err error) dialFailure {
	f := dialFailure{err: err, text: err.Error()}
	var refusal *hookRefusal
	switch class, _ := p.classify(err); {
	case errors.As(err, &refusal) && errors.Is(refusal.err, ErrUnavailable):
		f.kind = dialing.Deferred
	case class == ClassUnavailable && !pgerror.Starting(err):
		f.kind = dialing.Refused
	case class == ClassConn, class == ClassFatal: // also to a hook: it says nothing of the next connection
	case errors.Is(err, context.DeadlineExceeded): // ConnectTimeout, in a hook or before it
	case class == ClassPermanent, errors.As(err, &refusal):
		f.kind = dialing.Hopeless
	}
	return f
}

// dialFailedLocked begins or continues an outage.
func (p *Pool) dialFailedLocked(f dialFailure, ticket uint64, now int64) {
	p.pacer.Failed(now, ticket, f.kind, f.hollow)
	p.dialErr = f.err
	p.noteErrorLocked(f.text)
	p.reviewLocked(now)
}

// reviewLocked opens the circuit when it is time, and ends every wait while it
// is open.
func (p *Pool) reviewLocked(now int64) {
	if !p.pacer.Failing() || p.closed {
		return
	}
	ask, again := p.pacer.Review(now, p.needLocked())
	if ask {
		p.probeUnusedLocked(now + 1) // all of them
	}
	if p.pacer.Open() {
		p.waiters.Fail(endedByOutage)
	}
	p.redialAtLocked(again, now)
}

// doubtsLogins reports whether a login proves nothing at present.
func (p *Pool) doubtsLogins() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pacer.Hollow()
}

// provedLocked is called when c has proved that the database is there. Outside of
// an outage it costs nothing.
func (p *Pool) provedLocked(c *Conn) {
	p.useful = true
	trial := c.trial
	c.trial = false // also when the outage is over: in the next one it proves no login
	if !p.pacer.Failing() || p.closed {
		return
	}
	now := p.now()
	if p.pacer.Proved(now); trial {
		p.pacer.Succeeded(c.took)
	}
	p.reviewLocked(now) // when to look again
	p.stateMayMoveLocked(p.dialErr)
}

// diedUnusedLocked is called for a connection that did not live to be of any use,
// and for the last one when it has stopped answering: that is as good as a
// failed dial. The server, or what stands before it, takes logins and no more.
func (p *Pool) diedUnusedLocked(f dialFailure, ticket uint64, now int64) {
	if p.closed {
		return
	}
	f.hollow = true
	p.dialFailedLocked(f, ticket, now)
	p.stateMayMoveLocked(f.err)
	p.dialMoreLocked()
}

// hollowError is the error of a connection that was of no use although its login
// had succeeded.
func hollowError(err error) error {
	return fmt.Errorf("the login succeeded, but the connection ended at the first statement: %w", err)
}

// hookRefusal is a new connection that a hook did not accept.
type hookRefusal struct {
	moment string
	err    error
}

// Error names the moment whose hook refused the connection, and why.
func (e *hookRefusal) Error() string {
	return "sqlpool: hook " + e.moment + " refused the new connection: " + e.err.Error()
}

// Unwrap returns what the hook returned.
func (e *hookRefusal) Unwrap() error { return hideBadConn(e.err) }
