package route

import (
	"context"
	"fmt"
	"time"

	"github.com/sqlpool/go/sqlpool"
)

// verdict is whether a replica may be read from, and whether the primary is one.
type verdict struct {
	reason  string // why not; empty when it may
	other   bool   // where the primary should be there is a server that is not the primary
	refused bool   // the primary's server has answered the router with an error

	// until ends when a fit replica is fit no more: callers that wait for a connection to it go elsewhere then.
	until context.Context
	end   context.CancelFunc

	lag   time.Duration
	bytes int64 // how much of the primary's last position it has not replayed
}

func unfitBecause(reason string) *verdict { return &verdict{reason: reason} }

func (s *server) fit() bool { return s.verdict.Load().reason == "" }

// position is an answer of the primary.
type position struct {
	number uint64 // of the question
	at     time.Time
	lsn    uint64
}

// positions are answers of the primary, the oldest first.
type positions []position

// positionsKept bounds the list. When it is full every other answer is dropped but the oldest, so that a replica that is far
// behind is still placed, if less exactly: of the last 100 s there is one for each interval.
const positionsKept = 1024

// add appends an answer. Of many in a short time, as Token asks for them, the latest takes the place of the one before.
func (p *positions) add(next position) {
	if n := len(*p); n >= 2 && next.at.Sub((*p)[n-2].at) < interval {
		(*p)[n-1] = next
		return
	}
	if len(*p) == positionsKept {
		for i := range positionsKept / 2 {
			(*p)[i] = (*p)[2*i]
		}
		*p = (*p)[:positionsKept/2]
	}
	*p = append(*p, next)
}

// after returns the oldest answer to a question that was asked after the given one.
func (p positions) after(number uint64) (position, bool) {
	for _, a := range p {
		if a.number > number {
			return a, true
		}
	}
	return position{}, false
}

// reached returns the number of the latest question whose answer lies at or before lsn, and the oldest answer
// beyond it, if there is one.
func (p positions) reached(lsn uint64) (number uint64, lacks position) {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].lsn <= lsn {
			return p[i].number, lacks
		}
		lacks = p[i]
	}
	return 0, lacks
}

// lagLocked is how long a replica has lacked what it lacks, at the time of the primary's last answer: while the primary is
// silent no lag can be told, and its replicas serve on as they stood. Where its server does answer the router, with an
// error, while the primary's pool has connections to write by, it is the time until now.
func (r *Router) lagLocked(s *server, lsn uint64, lacks position) (lag time.Duration) {
	if s.lacks.number == 0 || lsn >= s.lacks.lsn { // else it is kept: the list may have dropped it
		s.lacks = lacks
	}
	last := r.positions[len(r.positions)-1].at
	if s.lacks.number != 0 {
		lag = last.Sub(s.lacks.at)
	}
	if p := r.primary(); p.verdict.Load().refused && p.pool.Stats().Open > 0 {
		lag = max(lag, time.Since(last))
	}
	return lag
}

// serves reports whether a pool serves callers. One that cannot dial does, by the connections that it has.
func serves(s sqlpool.Stats) bool {
	return s.State == sqlpool.StateUp || s.State == sqlpool.StateStarting || s.State == sqlpool.StateRetrying && s.Open > 0
}

// judge draws the verdict on a replica from its answer.
func (r *Router) judge(s *server, a answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &verdict{}
	if err == nil {
		s.seen.Store(&a)
	}
	stats := s.pool.Stats()
	switch number, lacks := r.positions.reached(a.lsn); {
	case err != nil:
		next.reason = "it does not answer: " + err.Error()
	case !a.recovering:
		next.reason = "it is not in recovery: it was promoted, or is no replica"
		if stats.Idle > stats.MinIdle { // a new primary needs the room, and each process of a fleet has some
			s.pool.CloseIdle()
		}
	case !serves(stats):
		next.reason = fmt.Sprintf("its pool is %v", stats.State)
		s.pool.ProbeSoon() // no caller comes whose waiting would have it dial
	case len(r.positions) == 0:
		next.reason = "the primary has not answered yet"
	case a.system != r.origin.system:
		next.reason = fmt.Sprintf("it is of another cluster than the primary: its system identifier is %d, and the primary's %d", a.system, r.origin.system)
	case a.timeline > r.origin.timeline && r.primary().verdict.Load().reason != "":
		before := *s.verdict.Load() // it follows the next primary already, which has not answered yet
		next = &before
	case a.timeline != r.origin.timeline: // its positions are not the primary's
		next.reason = fmt.Sprintf("it is known to be on timeline %d, and the primary is on %d", a.timeline, r.origin.timeline)
	case number == 0: // how far behind is not known
		next.reason = "it has not yet replayed what the primary had written when the router was opened"
	default:
		s.reached.Store(number)
		lag := r.lagLocked(s, a.lsn, lacks)
		next.lag, next.bytes = lag, max(0, int64(r.positions[len(r.positions)-1].lsn-a.lsn))
		if lag > r.cfg.MaxLag {
			next.reason = fmt.Sprintf("it is %v behind, and MaxLag is %v", lag.Round(time.Millisecond), r.cfg.MaxLag)
		}
	}
	r.announceLocked(s, next)
}

// announceLocked publishes a verdict.
func (r *Router) announceLocked(s *server, next *verdict) {
	before := s.verdict.Load()
	if next.reason == "" {
		if next.until, next.end = before.until, before.end; next.until == nil {
			next.until, next.end = context.WithCancel(r.life)
		}
	}
	s.verdict.Store(next)
	if next.reason != "" && before.end != nil {
		before.end()
	}
	close(r.changed)
	r.changed = make(chan struct{})
}
