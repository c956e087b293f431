//go:build unix

package pgserver

import (
	"context"
	"fmt"
	"regexp"
)

// Mark is a moment in the server's log.
type Mark struct{ entry int }

// Prepare is one Parse message that the server has carried out: a statement prepared through the protocol.
type Prepare struct {
	PID         int // of the backend: a pid is a physical connection
	Database    string
	Application string
	Name        string // empty for the unnamed statement
	SQL         string
}

// LogStatements makes new sessions of a database log each protocol step, which [Server.Prepares] counts. It costs several
// log lines a query, hence it is per database and off by default.
func (s *Server) LogStatements(ctx context.Context, database string) error {
	return s.Exec(ctx, "ALTER DATABASE "+quoteName(database)+" SET log_min_duration_statement = 0")
}

// Mark returns the moment now: everything that the server has answered so far is before it.
func (s *Server) Mark(ctx context.Context) (Mark, error) {
	s.mu.Lock()
	s.marks++
	n, post := s.marks, s.post
	s.mu.Unlock()
	if post == nil {
		return Mark{}, errNotRunning
	}
	// The log is one pipe: when our own message has come out of it, so has all that was written earlier.
	if err := s.Exec(ctx, fmt.Sprintf("DO $$BEGIN RAISE LOG '%s%d'; END$$", markMessage, n)); err != nil {
		return Mark{}, err
	}
	if err := s.log.wait(ctx, post.silent, func() bool { return s.log.marked >= n }); err != nil {
		return Mark{}, fmt.Errorf("pgserver: waiting for a mark in the log: %w", err)
	}
	return Mark{s.log.next()}, nil
}

// Log returns the log's entries from the mark to now. The zero Mark is the server's beginning; of a very long log only the
// last 100,000 entries or more are kept.
func (s *Server) Log(ctx context.Context, since Mark) ([]Entry, error) {
	if _, err := s.Mark(ctx); err != nil {
		return nil, err
	}
	return s.log.since(since.entry), nil
}

// CountLog counts the entries from the mark to now whose message matches.
func (s *Server) CountLog(ctx context.Context, since Mark, pattern *regexp.Regexp) (int, error) {
	entries, err := s.Log(ctx, since)
	n := 0
	for _, e := range entries {
		if pattern.MatchString(e.Message) {
			n++
		}
	}
	return n, err
}

var parsed = regexp.MustCompile(`(?s)^duration: [0-9.]+ ms  parse (.+?): (.*)$`)

// Prepares lists the statements prepared in sessions that match the filter from the mark to now. The database's statements
// have to be logged: [Server.LogStatements]. SQL's own PREPARE is not among them.
func (s *Server) Prepares(ctx context.Context, since Mark, f Filter) ([]Prepare, error) {
	entries, err := s.Log(ctx, since)
	if err != nil {
		return nil, err
	}
	var prepares []Prepare
	for _, e := range entries {
		found := parsed.FindStringSubmatch(e.Message)
		if found == nil || !f.matches(e.Database, e.Application) {
			continue
		}
		p := Prepare{PID: e.PID, Database: e.Database, Application: e.Application, Name: found[1], SQL: found[2]}
		if p.Name == "<unnamed>" {
			p.Name = ""
		}
		prepares = append(prepares, p)
	}
	return prepares, nil
}

func (f Filter) matches(database, application string) bool {
	return application != ownName &&
		(f.Database == "" || f.Database == database) && (f.Application == "" || f.Application == application)
}
