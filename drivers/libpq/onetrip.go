package libpq

import (
	"context"
	"database/sql/driver"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lib/pq"

	"github.com/sqlpool/go/internal/sqltext"
)

// A text with arguments costs lib/pq two round trips: it has the text parsed,
// learns the parameters' types, and binds the arguments by them. With
// binary_parameters it sends Parse, Bind, Describe and Execute in one, which the
// adapter wants where the answer is the same. Both use the unnamed statement, so
// the server parses and plans each text anew.
//
// lib/pq needs a parameter's type for one thing: a string or []byte for a bytea
// is sent in hexadecimal there. Plain ASCII means the same bytes to a bytea as long
// as it has no backslash. Whatever is not certain takes two round trips: see worthOne.
//
// lib/pq decides by a private switch of the connection, BinaryParameters, which it
// looks at when a call begins. The adapter turns it on for the time of one call: lib/pq
// has read it long before there are rows. One goroutine at a time has a connection,
// so nothing else of lib/pq's can see it on.
//
// docs/decisions/0024-libpq-in-one-round-trip.md has the alternatives.

// switchOf returns lib/pq's switch, found as statusOf finds the status, or nil
// if this lib/pq has none, or it is on by the user's wish.
func switchOf(inner driver.Conn) *bool {
	ptr := reflect.ValueOf(inner)
	if ptr.Kind() != reflect.Pointer || ptr.Elem().Kind() != reflect.Struct {
		return nil
	}
	cfg := ptr.Elem().FieldByName("cfg")
	if !cfg.IsValid() || cfg.Type() != reflect.TypeFor[pq.Config]() {
		return nil
	}
	field := cfg.FieldByName("BinaryParameters")
	if !field.IsValid() || field.Kind() != reflect.Bool || field.Bool() {
		return nil
	}
	return reflect.NewAt(field.Type(), field.Addr().UnsafePointer()).Interface().(*bool)
}

// turn sets lib/pq's switch.
//
// lib/pq copies the whole configuration when it sends a cancel request, on a goroutine
// of its own that may still be at it when the call has returned. The copy serves to
// dial, for which this byte is of no use, so that the copy may have either value: a race
// that the race detector would report, and that decides nothing.
//
//go:norace
func turn(binary *bool, on bool) { *binary = on }

// exec is lib/pq's ExecContext, in one round trip if the answer is the same.
func (c *conn) exec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if texts, ok := c.worthOne(query, args); ok {
		turn(c.one, true)
		defer turn(c.one, false)
		args = texts
	}
	return c.inner.ExecContext(ctx, query, args)
}

// query is exec for rows.
func (c *conn) query(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if texts, ok := c.worthOne(query, args); ok {
		turn(c.one, true)
		defer turn(c.one, false)
		args = texts
	}
	return c.inner.QueryContext(ctx, query, args)
}

// worthOne reports whether a query gets the same answer in one round trip as in
// two, and returns its arguments as text.
//
// The number of arguments must be that of the parameters, which lib/pq checks
// itself between the two: the server's refusal would end a transaction.
func (c *conn) worthOne(query string, args []driver.NamedValue) ([]driver.NamedValue, bool) {
	if c.one == nil || len(args) == 0 || len(args) > maxParameters {
		return nil, false
	}
	texts := args
	for i := range args {
		switch v := args[i].Value.(type) {
		case nil, int64, float64, bool, time.Time:
		case string:
			if !plain(v) {
				return nil, false
			}
		case []byte:
			var text driver.Value
			if v != nil {
				s := string(v)
				if !plain(s) {
					return nil, false
				}
				text = s
			}
			if &texts[0] == &args[0] {
				texts = slices.Clone(args) // the caller may need its own again
			}
			texts[i].Value = text // as []byte it would be sent in binary
		default:
			return nil, false
		}
	}
	if !analyzed(query) {
		return nil, false
	}
	most, exact := sqltext.Parameters(query)
	return texts, exact && most == len(args)
}

// maxParameters is the protocol's limit.
const maxParameters = 65535

// plain reports whether text means the same to a bytea as its hexadecimal form, whatever
// the encodings of client and server are.
func plain(text string) bool {
	for i := range len(text) {
		if b := text[i]; b == 0 || b == '\\' || b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// analyzed reports whether a query is one of those whose parameters the server
// looks for. Others have none, whatever their text holds.
func analyzed(query string) bool {
	query = sqltext.Trim(query)
	end := 0
	for end < len(query) && sqltext.IsWord(query[end]) {
		end++
	}
	for _, word := range [...]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "CALL", "VALUES"} {
		if strings.EqualFold(query[:end], word) {
			return true
		}
	}
	return false
}
