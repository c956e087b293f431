package pgerror

import (
	"errors"
	"strings"
)

// stated is an error of a server or a pooler: *pgconn.PgError and *pq.Error are.
type stated interface{ SQLState() string }

// HasState reports whether err is the server's own.
func HasState(err error) bool {
	var state stated
	return errors.As(err, &state)
}

// State returns the SQLSTATE of an error, or nothing.
func State(err error) string {
	var state stated
	if !errors.As(err, &state) {
		return ""
	}
	if s := state.SQLState(); len(s) == 5 {
		return s
	}
	return ""
}

// Starting reports whether a server says that it starts or stops, or a pooler that
// its server is not there: sessions that it had may be gone.
func Starting(err error) bool {
	state := State(err)
	r := refusalOf(state, err)
	return state == "57P03" || r != nil && r.kind == refusedStarting
}

// Cancelled reports whether the server says that it has cancelled a statement.
func Cancelled(err error) bool { return State(err) == "57014" }

// Stale recognises the errors of a prepared statement that the server has
// forgotten (26000) or whose result has changed its shape since (0A000 with
// just this message, PostgreSQL's plancache.c). Whether anything was executed
// before is another question: a procedure that commits and then fails has the same
// SQLSTATE.
func Stale(err error) bool {
	switch State(err) {
	case "26000":
		return true
	case "0A000":
		return strings.Contains(err.Error(), "cached plan must not change result type")
	}
	return false
}

// MayBeAge reports whether the age of a program's *sql.Stmt may be the reason for an
// SQLSTATE. The classes left out speak of rows, transactions and the server, and are
// part of an application's day: a unique violation must not cost a prepare each time.
func MayBeAge(state string) bool {
	switch state[:2] {
	case "23", "25", "40", "53", "55", "57", "P0": // constraint, transaction state, rollback, resources, locks, operator, RAISE
		return false
	}
	return true
}

// Remedy says what to look at after a dial that failed, by the SQLSTATE of
// PostgreSQL's documentation, appendix A.
func Remedy(dial error) string {
	var state stated
	if errors.As(dial, &state) {
		if r := refusalOf(state.SQLState(), dial); r != nil {
			return r.kind.remedy()
		}
		switch state.SQLState() {
		case "28P01", "28000":
			return "check the user, the password and the server's pg_hba.conf"
		case "3D000":
			return "check the database's name"
		case "42704": // a name in the connection string that is no parameter of the server
			return "check the names in the connection string: settings of the pool begin with pool_ (pool_max_conns), all others must be the driver's or the server's"
		case "53300":
			return "check the server's max_connections, and who uses them"
		}
	}
	return "check the server's address, credentials and state"
}
