// Package pgerror says what an error of PostgreSQL, of a pooler or of the network means, by its SQLSTATE, its words or
// its type: its class, what to look at, and whether the age of a prepared statement may be the reason.
package pgerror

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"
)

// A Class is a sqlpool.Class, whose constants say what each means.
type Class int

// The classes, in the order of their names.
const (
	Unknown Class = iota
	Statement
	Conn
	Fatal
	ReadOnly
	Unavailable
	Permanent
)

// String returns the class's name in lower case.
func (c Class) String() string {
	names := [...]string{"unknown", "statement", "conn", "fatal", "read-only", "unavailable", "permanent"}
	if c < 0 || int(c) >= len(names) {
		return "invalid"
	}
	return names[c]
}

// stateClass is a row of the table: an SQLSTATE, or the two letters of its class,
// with its meaning.
type stateClass struct {
	state string // five characters, or the first two
	class Class
	why   string
}

// stateClasses is the table for errors that carry an SQLSTATE (both *pgconn.PgError
// and *pq.Error do). The longest match wins; what is not in it is Statement. A
// pooler's own words come first, see refusals.go. docs/operations.md has the table
// too. Sources: PostgreSQL 17 manual, appendix A (error codes), and the ereport calls
// of postmaster.c and postgres.c for which of them are FATAL. It is about errors that
// end a session or a dial: of a connection whose driver still tells its transaction
// status, every SQLSTATE but 25006 is Statement, because a function may raise any as
// an ERROR.
var stateClasses = []stateClass{
	{"08", Fatal, "connection exception: the link itself failed"},
	{"08P01", Conn, "protocol violation: this connection is out of step"},
	{"25006", ReadOnly, "read-only transaction: not the primary, or not any more"},
	{"25P03", Conn, "idle-in-transaction timeout: the server ended this session"},
	{"25P04", Conn, "transaction timeout: the server ended this session"},
	{"28", Permanent, "invalid authorization: user, password or pg_hba.conf"},
	{"3D000", Permanent, "the database does not exist"},
	{"53300", Unavailable, "too many connections: one may become free"},
	{"57P01", Fatal, "admin shutdown: the server or this backend is being stopped"},
	{"57P02", Fatal, "crash shutdown: the server restarts"},
	{"57P03", Unavailable, "cannot connect now: the server is starting or stopping"},
	{"57P04", Fatal, "the database was dropped"},
	{"57P05", Conn, "idle-session timeout: the server ended this session"},
}

var classOfState = func() map[string]Class {
	m := make(map[string]Class)
	for _, row := range stateClasses {
		m[row.state] = row.class
	}
	return m
}()

// Classify returns the class of an error that a statement or a dial returned.
// The caller's own cancellation is Statement: it is never evidence against the
// server, whatever it did to the connection.
func Classify(err error) Class {
	var state stated
	if errors.As(err, &state) {
		return classify(state.SQLState(), err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Statement
	}
	if brokeLink(err) {
		return Fatal
	}
	return Statement
}

func classify(state string, err error) Class {
	if r := refusalOf(state, err); r != nil {
		return r.kind.class()
	}
	if c, ok := classOfState[state]; ok {
		return c
	}
	if len(state) >= 2 {
		if c, ok := classOfState[state[:2]]; ok {
			return c
		}
	}
	return Statement
}

// brokeLink reports whether an error without an SQLSTATE is one of the network.
func brokeLink(err error) bool {
	var op *net.OpError
	var hidden *badConnHidden // by Conn.Exec and its like, from a hook that returns what they say
	return errors.As(err, &hidden) || errors.As(err, &op) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
