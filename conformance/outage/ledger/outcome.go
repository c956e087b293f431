package ledger

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sqlpool/go/sqlpool"
)

// An Outcome is what a caller knows of a write when its call returns.
type Outcome int

const (
	Acknowledged Outcome = iota // no error: the write is there, exactly once
	Failed                      // an error that rules the write out
	Unknown                     // any other error: the write is there once or not at all
)

var outcomeNames = [...]string{"acknowledged", "failed", "unknown"}

// String names the outcome.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return "invalid"
	}
	return outcomeNames[o]
}

// Judge says what an error of a write outside a transaction tells its caller.
// What it does not know for certain is Unknown.
func Judge(err error) Outcome {
	if err == nil {
		return Acknowledged
	}
	var lost *sqlpool.ConnLostError
	if errors.As(err, &lost) {
		if lost.Sent {
			return Unknown
		}
		return Failed
	}
	var refused *sqlpool.AcquireError
	var dial *pgconn.ConnectError
	var safe interface{ SafeToRetry() bool }
	switch {
	case errors.As(err, &refused), errors.As(err, &dial):
		return Failed // there was no connection to send it on
	case errors.As(err, &safe) && safe.SafeToRetry():
		return Failed
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) && !ends(state.SQLState()) {
		return Failed // the server's own word, and the session goes on
	}
	return Unknown
}

// ends reports whether an SQLSTATE belongs to the end of a session, which can
// come between a commit and its reply, or says itself that the outcome is unknown.
func ends(state string) bool {
	if len(state) != 5 {
		return true
	}
	switch state[:2] {
	case "08", "57":
		return state != "57014" // query_canceled: rolled back
	}
	return state == "40003" // statement_completion_unknown
}
