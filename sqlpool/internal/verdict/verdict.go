// Package verdict decides what a failed try of an operation means for its connection, for a second try and for the
// caller. [Of] is a function of facts alone: it calls no driver, reads no clock and holds no lock, so that its test is
// a table and a proof over all facts.
package verdict

import "github.com/sqlpool/go/sqlpool/internal/pgerror"

// Facts are what is known of a try that failed.
type Facts struct {
	Class     pgerror.Class // what the error means, by its SQLSTATE or its type
	Explicit  bool          // Config.Classify has said so
	Answer    bool          // the error is the server's own
	Cancelled bool          // the server says that it has cancelled the statement
	Says      Word          // what the driver says of the connection now

	Refused bool // an argument was refused before the driver was called
	Stale   bool // nothing was executed, and a statement prepared anew may do
	Over    bool // the caller's context has ended
	Own     bool // the driver gave the connection up before, with a context that the caller ended
	Cut     bool // the pool has cut the call off
	Sent    bool // something of it may have reached the server

	Used      bool // the session has used the connection, perhaps in a transaction
	Final     bool // there is no second try
	Exhausted bool // there were enough tries on other connections
	Harmless  bool // it leaves nothing on a connection that dies: trying again is always safe
	ReadOnly  bool // the transaction is read-only, or the primary was not asked for
}

// Word is what a driver says of its connection.
type Word int8

// The words of a driver.
const (
	SaysNothing Word = iota
	SaysValid        // driver.Validator holds it to be good
	SaysReady        // so does the transaction status, which only a server that goes on sends
	SaysGone         // the driver has given it up
)

// Verdict is what follows from the facts.
type Verdict struct {
	Again Again // whether and where the operation is tried once more

	// Conn is what the failure means for the connection. It stays with
	// pgerror.Statement, and is not lent again with any other class.
	Conn   pgerror.Class
	Cause  Cause // what is kept as the reason
	Unborn bool  // if it was new, its death is as good as a failed dial

	Used    bool // the operation counts as one that has run on the loan
	Lost    bool // the session's loan is of no use any more
	Unknown bool // and what became of the operation on the server is not known
	Tell    Told
}

// Again says where the operation is tried once more.
type Again int8

// The places of a second try.
const (
	Never     Again = iota
	Here            // on this connection, with a statement prepared anew
	Elsewhere       // on another one
)

// Cause is the reason that is kept for a connection that is not lent again.
type Cause int8

// The causes.
const (
	CauseError   Cause = iota // the driver's error
	CauseContext              // the end of the caller's context
	CauseBadConn              // that it broke: the driver's words are about what it has found, and not about the cause
)

// Told is the error that the caller gets.
type Told int8

// The errors of a caller.
const (
	TellError   Told = iota // the driver's
	TellContext             // the context's, in the driver's form if it has one
	TellBoth                // both: lib/pq alone says the one or the other, by chance
	TellLost                // a ConnLostError
)

// Of decides. TestVerdicts has its rows.
func Of(f Facts) Verdict {
	v := f.verdict()
	if f.Over && f.Cancelled && v.Again == Never && v.Tell == TellError {
		v.Tell = TellBoth
	}
	return v
}

func (f Facts) verdict() Verdict {
	class := f.meaning()
	switch {
	case f.Refused:
		return Verdict{Conn: pgerror.Statement}
	case class == pgerror.Statement && f.Stale:
		return Verdict{Conn: pgerror.Statement, Again: Here}
	case class == pgerror.Statement:
		return Verdict{Conn: pgerror.Statement, Used: true}
	case f.Over && !f.Sent && !f.Answer && f.Says != SaysGone: // the driver saw the context end before it began
		return Verdict{Conn: pgerror.Statement, Tell: TellContext}
	}
	return f.broken(class)
}

// broken is the verdict for a connection that is not lent again.
func (f Facts) broken(class pgerror.Class) Verdict {
	v := Verdict{Conn: class, Lost: class != pgerror.ReadOnly}
	if f.Over || f.Own {
		v.Conn, v.Lost = pgerror.Conn, true // no evidence against the server
	}
	v.Unborn = !f.Used && !f.Over && v.Conn != pgerror.ReadOnly
	if f.mayMove() {
		v.Lost = true
		if !f.Exhausted {
			v.Again = Elsewhere
		}
	}
	if v.Tell = f.tells(); v.Tell == TellLost && !v.Lost {
		v.Tell = TellError
	}
	switch {
	case v.Tell == TellContext:
		v.Cause = CauseContext
	case f.Class == pgerror.Statement && v.Conn == pgerror.Fatal:
		v.Cause = CauseBadConn
	}
	if v.Again == Elsewhere {
		return Verdict{Again: Elsewhere, Conn: v.Conn, Cause: v.Cause, Unborn: v.Unborn} // the caller hears of the next try
	}
	v.Used, v.Unknown = true, v.Lost && f.Sent && !f.Harmless
	return v
}

// mayMove reports whether another connection may be tried: only if the operation
// certainly had no effect, and nothing of the session is on this one.
func (f Facts) mayMove() bool {
	return !f.Used && (f.Harmless || !f.Sent) && !f.Final && !f.Over
}

// tells is what the caller is told of a connection that broke.
func (f Facts) tells() Told {
	switch {
	case f.Over && !(f.Answer && f.Class == pgerror.Statement):
		return TellContext
	case f.Answer: // the server's last word
		return TellError
	}
	return TellLost
}

// meaning is the class of the error together with what the driver says of the
// connection. The driver's word counts for more than an SQLSTATE: a function may
// raise any, as ERROR, and the connection goes on; only a server that ends the
// session sends it as FATAL, and then the driver has given up.
func (f Facts) meaning() pgerror.Class {
	switch {
	case f.Class == pgerror.ReadOnly && f.ReadOnly:
		return pgerror.Statement // the caller's own doing
	case f.Class == pgerror.ReadOnly || f.Explicit:
		return f.Class
	case f.Answer && f.Says == SaysReady:
		return pgerror.Statement
	}
	switch f.Class {
	case pgerror.Permanent, pgerror.Unavailable:
		if f.Says == SaysValid && !f.Over {
			return pgerror.Statement // of DROP DATABASE (3D000) and the like; it was no dial
		}
	case pgerror.Statement:
		return f.ofStatement()
	}
	return f.Class
}

// ofStatement is meaning for an error that says nothing of the connection.
func (f Facts) ofStatement() pgerror.Class {
	switch {
	case f.Says == SaysGone && f.Answer:
		return pgerror.Conn // answered, and given up: a cancelled call
	case f.Says == SaysGone && !f.Cut:
		// An error of the driver's own making, and not of a call that the pool
		// has cut off. pgx says "conn closed" of a COMMIT whose reply was lost,
		// and that it is safe to retry.
		return pgerror.Fatal
	}
	return pgerror.Statement
}
