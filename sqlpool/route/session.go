package route

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// session is what was written under a context from Session, by router: a program may have several.
type session struct {
	begun time.Time
	mu    sync.Mutex
	wrote map[*Router]writes
}

// writes is what a session has written through one router.
type writes struct {
	open    int    // lends of the primary in which a write may be under way
	written bool   // one has ended
	number  uint64 // of the last question to the primary when the last of them ended
	ended   time.Time
	token   token // that the session has begun with; zero without one

	// until then a write may still be under way in another request, and reads go to the primary.
	until time.Time
}

// needs reports whether there is anything that a read has to see.
func (w writes) needs() bool { return w.open > 0 || w.written || w.token != token{} || w.unsettled() }

func (w writes) unsettled() bool { return !w.until.IsZero() && time.Now().Before(w.until) }

// token is a position in the WAL.
type token struct {
	timeline uint32
	lsn      uint64
}

// String is the position for people and for parseToken; nothing for none.
func (t token) String() string {
	if t == (token{}) {
		return ""
	}
	return fmt.Sprintf("%X-%X/%X", t.timeline, t.lsn>>32, uint32(t.lsn))
}

// latest returns the one of two tokens that lies behind the other.
func (t token) latest(other token) token {
	if other.timeline > t.timeline || other.timeline == t.timeline && other.lsn > t.lsn {
		return other
	}
	return t
}

// in reports whether a replica that answers so has all up to t. One that follows a later timeline and has come as far has
// all of it that was not lost.
func (t token) in(a *answer) bool { return a.timeline >= t.timeline && a.lsn >= t.lsn }

// Session returns a context whose reads see what was written under it before: see the package's comment. It is for one
// user's work, such as a request; contexts derived from it, by Replica for example, are of the same session. Its contexts may be
// used by several goroutines.
//
// A *sql.Conn and a transaction on a replica show what that has replayed; the session is asked when they begin.
func Session(ctx context.Context) context.Context {
	return newSession(ctx, map[*Router]writes{})
}

func newSession(ctx context.Context, wrote map[*Router]writes) context.Context {
	return context.WithValue(ctx, markKey{}, &mark{to: markOf(ctx).to, session: &session{begun: time.Now(), wrote: wrote}})
}

// began notes that a write through the router may be under way.
func (s *session) began(r *Router) { s.change(r, func(w *writes) { w.open++ }) }

// ended notes that it has been acknowledged. Every question to the primary with a higher number is asked after that.
func (s *session) ended(r *Router) {
	s.change(r, func(w *writes) {
		w.open--
		w.number, w.ended = r.asked.Load(), time.Now()
		w.written = true
	})
}

func (s *session) change(r *Router, f func(*writes)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wrote[r]
	f(&w)
	s.wrote[r] = w
}

// of returns what the session has written through the router, or may have: what is unclaimed, unless it had ended before the
// session began.
func (s *session) of(r *Router) writes {
	w, unclaimed := s.own(r), r.unclaimed.own(r)
	w.open += unclaimed.open
	if unclaimed.written && !unclaimed.ended.Before(s.begun) {
		w.written, w.number = true, max(w.number, unclaimed.number)
	}
	return w
}

func (s *session) own(r *Router) writes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote[r]
}

// hasReached reports whether a replica has all that the session has written.
func (s *session) hasReached(r *Router, replica *server) bool {
	w := s.of(r)
	return w.open == 0 && !w.unsettled() && (!w.written || replica.reached.Load() > w.number) && w.token.in(replica.seen.Load())
}

// Token returns a text by which a session in another process, or a later one in this, sees what was written through the router
// under ctx: give it to WithToken there. It is a timeline and a position in the WAL, such as "1-0/16B3748", or empty when nothing was
// written. After a write it asks the primary, once, and returns when it has answered or ctx ends.
//
// A transaction that is not committed yet, and rows that are not closed, are not in it: call it after them.
func (r *Router) Token(ctx context.Context) (string, error) {
	s := markOf(ctx).session
	if s == nil {
		return "", errors.New("route: Token: the context is of no session: derive it from one that Session or WithToken returned")
	}
	w := s.of(r)
	if w.open > 0 { // what a *sql.Conn has been told so far is in every position from now on
		w.number = r.asked.Load()
	}
	if w.written || w.open > 0 {
		err := r.await(ctx, func() bool {
			answer, ok := r.positions.after(w.number)
			if ok {
				w.token = w.token.latest(token{r.origin.timeline, answer.lsn})
			} else {
				r.askPrimary()
			}
			return ok
		})
		if err != nil {
			return "", fmt.Errorf("route: Token: the primary has not told its position: %w", err)
		}
	}
	return w.token.String(), nil
}

// WithToken is Session with what Token returned for another session, of this router or of one in another process that
// has the same primary. With an empty token it is Session.
func (r *Router) WithToken(ctx context.Context, token string) (context.Context, error) {
	wrote := map[*Router]writes{}
	if token != "" {
		t, err := parseToken(token)
		if err != nil {
			return nil, err
		}
		wrote[r] = writes{token: t}
	}
	return newSession(ctx, wrote), nil
}

func parseToken(text string) (token, error) {
	timeline, position, _ := strings.Cut(text, "-")
	high, low, _ := strings.Cut(position, "/")
	t, noTimeline := strconv.ParseUint(timeline, 16, 32)
	h, notHigh := strconv.ParseUint(high, 16, 32)
	l, notLow := strconv.ParseUint(low, 16, 32)
	if noTimeline != nil || notHigh != nil || notLow != nil {
		return token{}, errors.New(`route: WithToken: the token is no position in the WAL: give what Token returned, such as "1-0/16B3748"`)
	}
	return token{uint32(t), h<<32 | l}, nil
}
