package fakedb

import (
	"context"
	"fmt"
	"strings"
)

// standing is where a server stands among a primary and its replicas. DB.mu of the primary guards what changes.
type standing struct {
	primary *DB // nil: this is the primary
	writes  int // of a primary: how many tokens were written
	held    int // of a replica that is held: how many it has replayed
	holds   bool
}

// begins is where the WAL of every server begins.
const begins = 100

var errReadOnly = &Error{"25006", "cannot execute INSERT in a read-only transaction"}

// Replica returns a server that replays at once what db writes, until it is held. It refuses INSERT with 25006, and
// both tell a router where they stand. Its ledger is empty: it counts what it was asked for, not what it replayed.
func (db *DB) Replica() *DB {
	r := New()
	r.standing.primary = db
	return r
}

// Hold stops a replica from replaying, until resume is called. There is no error: its form is that of package
// conformance.
func (db *DB) Hold(context.Context) (resume func() error, err error) {
	p := db.standing.primary
	hold := func(on bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		db.standing.holds, db.standing.held = on, p.standing.writes
	}
	hold(true)
	return func() error { hold(false); return nil }, nil
}

// asksPosition reports whether a text is a router's question, which only PostgreSQL's functions can answer.
func asksPosition(text string) bool { return strings.Contains(text, "pg_is_in_recovery()") }

// position is the answer: role, position, timeline, cluster.
func (db *DB) position() string {
	role, p := "primary", db
	if db.standing.primary != nil {
		role, p = "replica", db.standing.primary
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.standing.writes
	if db.standing.holds {
		n = db.standing.held
	}
	return fmt.Sprint(role, " ", begins+n, " 1 1")
}
