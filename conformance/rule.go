package conformance

import (
	"context"
	"slices"
	"strings"
)

// A Rule is one sentence that must hold of a *sql.DB on a driver, and the check
// of it. Rules are data: [Rules] lists them.
type Rule struct {
	// ID is the family and a number, for example "SQL-01". It never changes and
	// is never used again for another rule.
	ID string

	// Rule is the sentence.
	Rule string

	// Why says what breaks for a user without it.
	Why string

	// Source is where the rule comes from: a contract of package sql or
	// database/sql/driver, or a promise of this pool.
	Source string

	// Optional rules may fail: the failure is shown and does not count.
	Optional bool

	// Check is the check of a rule of one's own (see [Target].Own): it is given the
	// context of the rule and what it may use, and its error is what was seen. Rules
	// of this package have none.
	Check func(context.Context, *Bench) error

	needs []Need
	check func(*trial)
}

// The families, in the order of the report.
var families = []Family{
	{"SQL", "the same answers as plain database/sql"},
	{"ACQ", "acquiring: order, limits, deadlines"},
	{"DIAL", "opening connections"},
	{"HOOK", "hooks see a connection's whole life"},
	{"RST", "what one borrower leaves to the next"},
	{"REC", "replacing connections"},
	{"INV", "the books balance"},
	{"OUT", "losing the server and getting it back"},
	{"LEAK", "connections that are not given back"},
	{"OVL", "more callers than connections"},
	{"ADM", "administration: start, shutdown, settings on a live *sql.DB"},
	{"OBS", "what can be seen from outside"},
	{"CFG", "configuration"},
	{"REP", "read-only work on replicas"},
}

// Family is the part of the ID before the number.
func (r Rule) Family() string {
	family, _, _ := strings.Cut(r.ID, "-")
	return family
}

// A Need is something that a rule's check cannot do without. A target that
// lacks it skips the rule, and the report says why.
type Need string

// The needs. Those of a database are fields of [Dialect], those of a driver are
// found out on a connection of it or declared in [Target.Lacks].
const (
	NeedPool     Need = "sqlpool's own interface"
	NeedProbe    Need = "a driver.Connector below the pool"
	NeedKill     Need = "a way to end a session"
	NeedSession  Need = "a query for the session's identity"
	NeedState    Need = "session variables"
	NeedSleep    Need = "a statement that takes its time"
	NeedFail     Need = "a statement that fails with a code"
	NeedTables   Need = "tables"
	NeedLedger   Need = "a row that can be counted"
	NeedSets     Need = "several result sets"
	NeedSeries   Need = "a query of several rows"
	NeedTextTx   Need = "transactions begun by text"
	NeedStale    Need = "prepared statements that a DDL statement makes stale"
	NeedDiscard  Need = "a statement that drops prepared statements"
	NeedPrepares Need = "statements prepared on the connection"
	NeedLife     Need = "a driver that tells a dead connection without a round trip"
	NeedTxStatus Need = "a driver that tells its transaction status"
	NeedSent     Need = "a driver that tells whether a statement was sent"
	NeedAbort    Need = "a driver whose calls can be cut off"
	NeedEcho     Need = "a query that returns its argument"
	NeedReset    Need = "a statement that takes session variables back"
	NeedRestates Need = "a driver that tells a statement which was not executed from one that failed"
	NeedBreak    Need = "connections that can be broken"
	NeedCancel   Need = "a driver whose statements end with their context"
	NeedRaise    Need = "a statement that fails with any code"
	NeedCloses   Need = "a driver whose statements do not end with their connection"
	NeedStubborn Need = "a statement that succeeds when it is cancelled"
	NeedReplicas Need = "two replicas of the database"
	NeedHold     Need = "replicas whose replay can be held"
	NeedRead     Need = "a way to mark a statement as a read"
	NeedOwnReads Need = "sessions that read their own writes"
)

// A Family is a group of rules about one thing.
type Family struct {
	Name  string // as in the rules' IDs
	Title string // in a few words
}

// Families returns the families in the order of the report.
func Families() []Family { return slices.Clone(families) }
