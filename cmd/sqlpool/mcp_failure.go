package main

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"

	"github.com/sqlpool/go/sqlpool"
)

// The codes of a failed tool.
const (
	codeDatabase   = "DATABASE_ERROR"   // the database or the way to it; comes with the pool's statistics
	codeArgument   = "INVALID_ARGUMENT" // the tool was called with what makes no sense
	codePrivileged = "PRIVILEGED_ROLE"  // the role could do more than read
)

// failure is a failed tool as an assistant is told of it.
type failure struct {
	Code     string `json:"code"`
	Kind     string `json:"kind,omitempty" jsonschema:"statement, timeout, canceled, connection_lost, unavailable, acquire_timeout, saturated, closed or not_read_only"`
	Message  string `json:"message"`
	SQLState string `json:"sqlstate,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Position int    `json:"position,omitempty" jsonschema:"the character of sql at which the server stopped, from 1"`
}

// Error implements error.
func (f *failure) Error() string { return f.Message }

// kinds are checked in this order: an acquire that timed out also unwraps to the dial's error.
var kinds = []struct {
	is   error
	kind string
}{
	{sqlpool.ErrClosed, "closed"},
	{sqlpool.ErrSaturated, "saturated"},
	{sqlpool.ErrUnavailable, "unavailable"},
	{sqlpool.ErrAcquireTimeout, "acquire_timeout"},
	{sqlpool.ErrConnLost, "connection_lost"},
	{context.Canceled, "canceled"},
	{context.DeadlineExceeded, "timeout"},
}

// describe tells what an error is.
func describe(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	f = &failure{Code: codeDatabase, Message: err.Error()}
	var ofPgx *pgconn.PgError
	var ofPq *pq.Error
	switch {
	case errors.As(err, &ofPgx):
		f.SQLState, f.Detail, f.Hint, f.Position = ofPgx.Code, ofPgx.Detail, ofPgx.Hint, int(ofPgx.Position)
	case errors.As(err, &ofPq):
		f.SQLState, f.Detail, f.Hint = string(ofPq.Code), ofPq.Detail, ofPq.Hint
		f.Position = number(ofPq.Position)
	}
	for _, k := range kinds {
		if errors.Is(err, k.is) {
			f.Kind = k.kind
			return f
		}
	}
	if f.SQLState == "57014" { // query_canceled
		f.Kind = "timeout"
	} else if f.SQLState != "" {
		f.Kind = "statement"
	}
	return f
}

// shift moves the position of an error from the text that the server saw to the text that was asked for.
func shift(err error, prefix string) error {
	if err == nil {
		return nil
	}
	f := describe(err)
	if f.Position > 0 {
		f.Position = max(f.Position-utf8.RuneCountInString(prefix), 0)
	}
	if f.SQLState == "42601" && prefix == declare { // syntax_error
		f.Hint = strings.TrimSpace(f.Hint + " Only one SELECT, VALUES, TABLE or WITH statement can run here.")
	}
	return f
}

// number reads what lib/pq keeps as text.
func number(text string) (n int) {
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return 0
		}
		n = n*10 + int(digit-'0')
	}
	return n
}
