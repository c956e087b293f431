package fakedb

import (
	"fmt"
	"maps"
	"slices"
)

// Counts is what has happened so far. Live, Dialing, OpenStmts and OpenRows are of the moment.
type Counts struct {
	ConnectsTried, Connects, ConnectsFailed int
	Dialing, PeakDialing                    int // Connects in progress
	Live, PeakLive                          int // connected, and Close has not returned: what a server sees
	Closes, DoubleCloses                    int // all calls of Close; those on a closed connection

	Pings, Resets, Validations, Alives, Aborts int
	Prepares, OpenStmts                        int
	Execs, Queries                             int // on the connection
	StmtExecs, StmtQueries                     int // on a prepared statement
	OpenRows                                   int
	Begins, Commits, Rollbacks                 int // through driver.Tx; texts count as Execs
}

type prepared struct {
	conn int64
	text string
}

// maxViolations bounds the list: one bug in a storm makes thousands.
const maxViolations = 100

// Counts returns the counters. Calls that began before are in it, calls that failed too.
func (db *DB) Counts() Counts {
	db.mu.Lock()
	defer db.mu.Unlock()
	calls, stmts, rows := db.gone, 0, 0
	for _, c := range db.live {
		for p := range calls {
			calls[p] += c.calls[p].Load()
		}
		stmts += int(c.stmts.Load())
		rows += int(c.rows.Load())
	}
	of := func(p Point) int { return int(calls[p]) }
	return Counts{
		ConnectsTried: int(db.tried.Load()), Connects: int(db.lastID), ConnectsFailed: int(db.failed.Load()),
		Dialing: int(db.dialing.Load()), PeakDialing: int(db.peakDialing.Load()),
		Live: len(db.live), PeakLive: db.peakLive,
		Closes: int(db.closes.Load()), DoubleCloses: int(db.doubleCloses.Load()),
		Pings: of(Ping), Resets: of(ResetSession), Validations: of(IsValid), Alives: of(Alive), Aborts: int(db.aborts.Load()),
		Prepares: of(Prepare), OpenStmts: stmts,
		Execs: of(Exec), Queries: of(Query), StmtExecs: of(StmtExec), StmtQueries: of(StmtQuery), OpenRows: rows,
		Begins: of(BeginTx), Commits: of(Commit), Rollbacks: of(Rollback),
	}
}

// Prepares says how many times the text was prepared, on all connections together and on the one with the most.
// Connections that are closed count too.
func (db *DB) Prepares(text string) (total, mostOnOne int) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for key, n := range db.prepares {
		if key.text == text {
			total += n
			mostOnOne = max(mostOnOne, n)
		}
	}
	return total, mostOnOne
}

// Written says how many times the token was written, in autocommit or by a transaction that committed.
func (db *DB) Written(token string) int {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.written[token]
}

// Ledger returns a copy of the ledger: token to how many times it was written.
func (db *DB) Ledger() map[string]int {
	db.mu.Lock()
	defer db.mu.Unlock()
	return maps.Clone(db.written)
}

// Violations lists the broken rules of a driver's use, at most 100: two calls at once on one connection, a call after
// Close, ResetSession with open rows.
func (db *DB) Violations() []string {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Clone(db.violations)
}

func (db *DB) violation(format string, args ...any) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(db.violations) < maxViolations {
		db.violations = append(db.violations, fmt.Sprintf(format, args...))
	}
}

func (db *DB) write(tokens ...string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, t := range tokens {
		db.written[t]++
	}
	db.standing.writes += len(tokens)
}
