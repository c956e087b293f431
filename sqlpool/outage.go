package sqlpool

import (
	"errors"
	"math"
	"time"
)

// While an acquire waits or has just been refused, the next dial of an outage is
// never further away than a quarter of the time that the outage has lasted,
// within these limits: so the end of a short one is seen soon, and a long one is
// not met with more dials. For as long the last failed dial is news.
const (
	probeWithinFirst = int64(200 * time.Millisecond) // or Backoff.First, if that is more
	probeWithin      = int64(time.Second)
)

// outage is what the pool knows about dials that fail. One dial at a time, the
// probe, tries until one succeeds, whether or not anybody waits. Pool.mu
// protects it.
type outage struct {
	failures int   // in a row, those under way together as one; zero when there is no outage
	dials    int   // that failed since it began, each for itself
	since    int64 // the first of them
	lastAt   int64 // the last of them
	why      dialFailure
	nextAt   int64 // when the backoff has the next one due
	wanted   bool  // an acquire was refused since the last one
	open     bool  // the circuit: acquires without an idle connection fail at once
	timer    *time.Timer
}

// dialFailure is a failed dial as far as it matters here. It is found out
// before the lock is taken, because an error's methods and Config.Classify are
// somebody else's code.
type dialFailure struct {
	err   error
	text  string
	class Class
	hook  bool // a hook refused the new connection
}

func (p *Pool) judgeDial(err error) dialFailure {
	var refusal *hookRefusal
	return dialFailure{err: err, text: err.Error(), class: p.classify(err), hook: errors.As(err, &refusal)}
}

// dialFailedLocked begins or continues an outage. Dials that were under way
// together fail together: seen tells them, and to the backoff they are one.
func (p *Pool) dialFailedLocked(failure dialFailure, seen uint64, now int64) {
	o := &p.outage
	if o.failures == 0 {
		o.since = now
	}
	o.dials++
	if o.failures == 0 || seen+1 == p.stats.DialErrorCount {
		o.failures++
		o.nextAt = later(now, p.cfg.Backoff.delay(o.failures))
	}
	o.why = failure
	o.lastAt = now
	o.wanted = false
	p.dialErr = failure.err
	p.noteErrorLocked(failure.text)
	p.giveUpLocked(now)
	p.armLocked(now)
}

// giveUpLocked opens the circuit when it is time, and ends every wait once it
// is open.
func (p *Pool) giveUpLocked(now int64) {
	if p.outage.open || p.givesUpLocked(now) {
		p.outage.open = true
		p.waiters.Fail(endedByOutage)
	}
}

// givesUpLocked reports whether waiting for the database is over.
func (p *Pool) givesUpLocked(now int64) bool {
	why := &p.outage.why
	switch {
	case p.neverConnectedLocked() && p.dialing == 0:
		return true // it was never there: more likely a wrong address than an outage
	case why.class == ClassPermanent, why.hook:
		return p.inUse == 0 // else the connections that still work are worth waiting for
	case why.class == ClassUnavailable && p.inUse > 0:
		return false // the server is full, and part of that is ours to come back
	default:
		return now-p.outage.since >= int64(p.cfg.FailFastAfter)
	}
}

// dialSucceededLocked ends an outage.
func (p *Pool) dialSucceededLocked() {
	if p.outage.failures == 0 {
		return
	}
	p.outage.timer.Stop()
	p.outage = outage{timer: p.outage.timer}
}

// refusesLocked reports whether the open circuit refuses an acquire. The next
// probe is then due soon, or at once.
func (p *Pool) refusesLocked(now int64) bool {
	o := &p.outage
	if !o.open {
		return false
	}
	if !o.wanted {
		o.wanted = true
		p.armLocked(now)
	}
	return true
}

// probeAtLocked is when the next probe is due.
func (p *Pool) probeAtLocked() int64 {
	o := &p.outage
	if o.wanted || p.waiters.Len() > 0 {
		return p.wantedAtLocked()
	}
	return o.nextAt
}

// wantedAtLocked is when the next probe is due once somebody wants it.
func (p *Pool) wantedAtLocked() int64 {
	o := &p.outage
	first := max(probeWithinFirst, int64(p.cfg.Backoff.First))
	return min(o.nextAt, o.lastAt+min(max(first, (o.lastAt-o.since)/4), probeWithin))
}

// armLocked sets the timer for whatever comes next: the probe, unless one is
// under way, or the end of the callers' patience.
func (p *Pool) armLocked(now int64) {
	o := &p.outage
	at := int64(math.MaxInt64)
	if p.dialing == 0 {
		at = p.probeAtLocked()
	}
	if end := later(o.since, p.cfg.FailFastAfter); !o.open && end > now {
		at = min(at, end)
	}
	left := time.Duration(max(at-now, 0))
	if o.timer == nil {
		o.timer = time.AfterFunc(left, p.probe)
	} else {
		o.timer.Reset(left)
	}
}

// probe is called when a probe may be due, or the circuit is to open although
// a probe is still under way.
func (p *Pool) probe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.outage.failures == 0 {
		return
	}
	now := p.now()
	before := p.stateLocked()
	if !p.outage.open {
		p.giveUpLocked(now)
		p.changeLocked(before, p.outage.why.err)
	}
	p.dialMoreLocked()
	if p.dialing > 0 {
		p.armLocked(now)
	}
	if len(p.changes) > 0 {
		p.work.Go(p.tellStates)
	}
}

// probeDueLocked reports whether the next probe may start, and sees to it that
// it is started when not.
func (p *Pool) probeDueLocked() bool {
	now := p.now()
	if now >= p.probeAtLocked() {
		return true
	}
	p.armLocked(now)
	return false
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
