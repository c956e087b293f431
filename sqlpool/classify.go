package sqlpool

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// A Class says what an error means for the connection it came from and for the
// rest of the pool.
type Class int

const (
	// ClassUnknown leaves the decision to the pool's own table.
	ClassUnknown Class = iota

	// ClassStatement is the statement's own failure: the connection stays.
	ClassStatement

	// ClassConn ends this connection and says nothing about others, for
	// example an idle-session timeout of the server.
	ClassConn

	// ClassFatal ends this connection and puts every other one under suspicion:
	// each is proved alive before it is lent again.
	ClassFatal

	// ClassReadOnly is a write refused by a server that is not, or no longer,
	// the primary. The connection is retired and the others come under
	// suspicion, so that the next dial can find the primary.
	ClassReadOnly

	// ClassUnavailable is a dial that met a server which cannot take a
	// connection now and may later: starting up, shutting down, full.
	ClassUnavailable

	// ClassPermanent is a dial that waiting does not mend: a wrong password, a
	// database that does not exist. Acquires fail at once.
	ClassPermanent
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

// stateClasses is the table by which the pool classes errors that carry an
// SQLSTATE (both *pgconn.PgError and *pq.Error do). The longest match wins; what
// is not in it is ClassStatement. A pooler's own words come first, see
// refusals.go. docs/operations.md has the table too. Sources: PostgreSQL 17
// manual, appendix A (error codes), and the ereport calls of postmaster.c and
// postgres.c for which of them are FATAL. It is about errors that end a session or
// a dial: of a connection whose driver still tells its transaction status, every
// SQLSTATE but 25006 is ClassStatement, because a function may raise any as an ERROR.
var stateClasses = []stateClass{
	{"08", ClassFatal, "connection exception: the link itself failed"},
	{"08P01", ClassConn, "protocol violation: this connection is out of step"},
	{"25006", ClassReadOnly, "read-only transaction: not the primary, or not any more"},
	{"25P03", ClassConn, "idle-in-transaction timeout: the server ended this session"},
	{"25P04", ClassConn, "transaction timeout: the server ended this session"},
	{"28", ClassPermanent, "invalid authorization: user, password or pg_hba.conf"},
	{"3D000", ClassPermanent, "the database does not exist"},
	{"53300", ClassUnavailable, "too many connections: one may become free"},
	{"57P01", ClassFatal, "admin shutdown: the server or this backend is being stopped"},
	{"57P02", ClassFatal, "crash shutdown: the server restarts"},
	{"57P03", ClassUnavailable, "cannot connect now: the server is starting or stopping"},
	{"57P04", ClassFatal, "the database was dropped"},
	{"57P05", ClassConn, "idle-session timeout: the server ended this session"},
}

var classOfState = func() map[string]Class {
	m := make(map[string]Class)
	for _, row := range stateClasses {
		m[row.state] = row.class
	}
	return m
}()

// classify returns the class of an error that a statement or a dial returned.
// The caller's own cancellation is ClassStatement: it is never evidence
// against the server, whatever it did to the connection.
func (p *Pool) classify(err error) Class {
	if c := p.askClassify(err); c != ClassUnknown {
		return c
	}
	return classify(err)
}

// saysReadOnly reports whether it is the program's own Config.Classify that calls
// the error ClassReadOnly: that is to be heeded whichever servers were asked for.
func (p *Pool) saysReadOnly(err error) bool {
	return p.askClassify(err) == ClassReadOnly
}

// noteReadOnly counts a statement that was refused because the server only reads.
func (p *Pool) noteReadOnly(err error) {
	text := err.Error()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.ReadOnlyCount++
	p.noteErrorLocked(text)
}

// askClassify calls Config.Classify, which is not worth the process.
func (p *Pool) askClassify(err error) (class Class) {
	if p.cfg.Classify == nil {
		return ClassUnknown
	}
	var panicked error
	defer func() {
		if panicked != nil {
			p.noteError(panicked)
		}
	}()
	defer catch("Classify", &panicked)
	return p.cfg.Classify(err)
}

func classify(err error) Class {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		code := state.SQLState()
		if r := refusalOf(code, err); r != nil {
			return r.kind.class()
		}
		if c, ok := classOfState[code]; ok {
			return c
		}
		if len(code) >= 2 {
			if c, ok := classOfState[code[:2]]; ok {
				return c
			}
		}
		return ClassStatement
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return ClassStatement
	}
	var op *net.OpError
	var hidden *badConnHidden // by Conn.Exec and its like, from a hook that returns what they say
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.As(err, &hidden),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.As(err, &op),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ClassFatal
	}
	return ClassStatement
}

// badConnHidden is an error whose chain holds driver.ErrBadConn, cut off so
// that package sql does not take it for a request to run the statement again.
type badConnHidden struct{ text string }

// Error is the text of the error that is hidden.
func (e *badConnHidden) Error() string { return e.text }

// hideBadConn returns err, or a copy of its text when it unwraps to
// driver.ErrBadConn.
func hideBadConn(err error) error {
	if err == nil || !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return &badConnHidden{strings.TrimPrefix(err.Error(), "driver: ")}
}
