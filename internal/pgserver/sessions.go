//go:build unix

package pgserver

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
)

// loggedSession is one backend's life, in numbers of log entries.
type loggedSession struct {
	database, application string
	start                 int
	end                   int // 0 while it lives
	fatal                 int // of its FATAL message, 0 without one
}

// sessionBook knows every session there ever was from the server's log, so that a count of it misses none, however short.
type sessionBook struct {
	all  []loggedSession
	live map[int]int // pid to index in all
}

var authorized = regexp.MustCompile(
	`^connection authorized: user=.* database=(.*?)(?: application_name=(.*?))?(?: SSL enabled .*| GSS .*)?$`)

// follow takes in log entry number n.
func (b *sessionBook) follow(n int, e Entry) {
	if b.live == nil {
		b.live = map[int]int{}
	}
	index, known := b.live[e.PID]
	switch {
	case e.Severity == "LOG" && strings.HasPrefix(e.Message, "connection authorized: "):
		if found := authorized.FindStringSubmatch(e.Message); found != nil {
			b.live[e.PID] = len(b.all)
			b.all = append(b.all, loggedSession{database: found[1], application: found[2], start: n})
		}
	case known && e.Severity == "LOG" && strings.HasPrefix(e.Message, "disconnection: "):
		b.all[index].end = n
		delete(b.live, e.PID)
	case known && e.Severity == "FATAL":
		// A disconnection follows, unless the session failed before it began (a missing database).
		b.all[index].fatal = n
	case strings.HasPrefix(e.Message, "all server processes terminated"),
		strings.HasPrefix(e.Message, "starting PostgreSQL"):
		for pid, index := range b.live {
			b.all[index].end = n
			delete(b.live, pid)
		}
	}
}

// PeakBackends returns the most sessions matching the filter that were open at once from the mark to now. It is exact: the
// server logs each session's begin (after it has its backend) and end (after it has given it back).
func (s *Server) PeakBackends(ctx context.Context, since Mark, f Filter) (int, error) {
	if _, err := s.Mark(ctx); err != nil {
		return 0, err
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.sessions.peak(since.entry, f), nil
}

// peak sweeps over the begins and ends in the order of the log.
func (b *sessionBook) peak(since int, f Filter) int {
	type step struct{ at, by int }
	var steps []step
	for _, session := range b.all {
		end := cmp.Or(session.end, session.fatal)
		if !f.matches(session.database, session.application) || (end != 0 && end < since) {
			continue
		}
		steps = append(steps, step{session.start, 1})
		if end != 0 {
			steps = append(steps, step{end, -1})
		}
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	open, peak := 0, 0
	for _, s := range steps {
		open += s.by
		peak = max(peak, open)
	}
	return peak
}
