package sqlpool

import (
	"errors"
	"time"
)

// probeWithin is the longest that the next dial of an outage is away while an
// acquire waits or has just been refused, and how long the last failed dial is
// news.
const probeWithin = int64(time.Second)

// outage is what the pool knows about dials that fail. One dial at a time, the
// probe, tries until one succeeds, whether or not anybody waits. Pool.mu
// protects it.
type outage struct {
	failures int   // in a row; zero when there is no outage
	since    int64 // the first of them
	lastAt   int64 // the last of them
	err      error // what it said
	nextAt   int64 // when the backoff has the next one due
	wanted   bool  // an acquire was refused since the last one
	open     bool  // the circuit: acquires without an idle connection fail at once
	timer    *time.Timer
}

// dialFailedLocked begins or continues an outage.
func (p *Pool) dialFailedLocked(err error, now int64) *StateChanged {
	before := p.stateLocked()
	o := &p.outage
	if o.failures == 0 {
		o.since = now
	}
	o.failures++
	o.err = err
	o.lastAt = now
	o.nextAt = now + int64(p.cfg.Backoff.delay(o.failures))
	o.wanted = false
	p.stats.DialErrorCount++
	p.noteErrorLocked(err)
	if p.givesUpLocked(err, now) {
		o.open = true
		p.waiters.fail(ErrUnavailable, now)
	}
	p.armProbeLocked(now)
	return p.changeLocked(before, err)
}

// givesUpLocked reports whether waiting for the database is over.
func (p *Pool) givesUpLocked(err error, now int64) bool {
	var hook *hookRefusal
	switch class := p.classify(err); {
	case p.stats.DialCount == p.stats.DialErrorCount:
		return true // it was never there: more likely a wrong address than an outage
	case class == ClassPermanent, errors.As(err, &hook):
		return p.inUse == 0 // else the connections that still work are worth waiting for
	case class == ClassUnavailable && p.inUse > 0:
		return false // the server is full, and part of that is ours to come back
	default:
		return now-p.outage.since >= int64(p.cfg.FailFastAfter)
	}
}

// dialSucceededLocked ends an outage.
func (p *Pool) dialSucceededLocked() *StateChanged {
	if p.outage.failures == 0 {
		return nil
	}
	before := p.stateLocked()
	p.outage.timer.Stop()
	p.outage = outage{timer: p.outage.timer}
	return p.changeLocked(before, nil)
}

// refusesLocked reports whether the open circuit refuses an acquire. It does
// not when a probe is due this moment: that acquire waits for the answer.
func (p *Pool) refusesLocked(now int64) bool {
	o := &p.outage
	if !o.open || p.dialing == 0 && now >= min(o.nextAt, o.lastAt+probeWithin) {
		return false
	}
	if !o.wanted {
		o.wanted = true
		p.armProbeLocked(now)
	}
	return true
}

// probeAtLocked is when the next probe is due.
func (p *Pool) probeAtLocked() int64 {
	o := &p.outage
	if o.wanted || p.waiters.len > 0 {
		return min(o.nextAt, o.lastAt+probeWithin)
	}
	return o.nextAt
}

func (p *Pool) armProbeLocked(now int64) {
	left := time.Duration(max(p.probeAtLocked()-now, 0))
	if p.outage.timer == nil {
		p.outage.timer = time.AfterFunc(left, p.probe)
	} else {
		p.outage.timer.Reset(left)
	}
}

// probe is called when a probe may be due.
func (p *Pool) probe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialMoreLocked()
}

// probeDueLocked reports whether the next probe may start, and sees to it that
// it is started when not.
func (p *Pool) probeDueLocked() bool {
	now := p.now()
	if now >= p.probeAtLocked() {
		return true
	}
	p.armProbeLocked(now)
	return false
}

// changeLocked returns the event for a change of state, or nil.
func (p *Pool) changeLocked(before State, err error) *StateChanged {
	after := p.stateLocked()
	if before == after {
		return nil
	}
	return &StateChanged{From: before, To: after, Err: err}
}

func (p *Pool) tellState(change *StateChanged) {
	if change == nil {
		return
	}
	if err := watch("OnState", p.hooks.onState, *change); err != nil {
		p.noteError(err)
	}
}

// hookRefusal is a new connection that an AfterConnect hook did not accept.
type hookRefusal struct{ err error }

func (e *hookRefusal) Error() string {
	return "sqlpool: an AfterConnect hook refused the new connection: " + e.err.Error()
}

func (e *hookRefusal) Unwrap() error { return hideBadConn(e.err) }
