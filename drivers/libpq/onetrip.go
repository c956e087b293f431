package libpq

import (
	"bytes"
	"context"
	"database/sql/driver"
	"reflect"
	"strings"
	"sync"
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
// is sent in hexadecimal there. Plain text means the same bytes to a bytea as long
// as it has no backslash, and the server must be able to read it as text. Whatever
// is not certain takes two round trips: see worthOne.
//
// docs/decisions/0024-libpq-in-one-round-trip.md has the alternatives.
type oneTrip struct {
	// binary is lib/pq's own switch, the connection's BinaryParameters; nil if this
	// lib/pq has none, or it is the user's. It is on during one query and until
	// its rows are closed, and off for everything else.
	//
	// lib/pq copies the configuration when it sends a cancel request, on a goroutine
	// that waits for a context's end. So the switch is not touched when such a
	// goroutine may be on its way: not on a connection that lib/pq has given up, not
	// while rows are open, and not once a transaction's context has ended. For
	// the last, lib/pq is told of that end with mu held.
	binary *bool
	rows   int // that are open

	mu    sync.Mutex
	ended bool        // the transaction's context, as lib/pq knows it
	stop  func() bool // ends the watch for that

	encoding encoding
}

// encoding is what is known of the database's.
type encoding int8

const (
	encodingUnasked encoding = iota
	encodingKept             // text arrives byte for byte
	encodingOther
)

// binarySwitch returns lib/pq's field, as statusOf does, or nil if it has none.
func binarySwitch(inner driver.Conn) *bool {
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

// shorten prepares lib/pq for a text with arguments. It returns the arguments to
// pass on, and whether they go in one round trip: then lengthen is due.
func (c *conn) shorten(ctx context.Context, query string, args []driver.NamedValue) ([]driver.NamedValue, bool) {
	if len(args) == 0 || c.one.binary == nil || c.one.rows > 0 || c.copying != nil {
		return args, false // with rows open lib/pq refuses, and an argument's form does not matter
	}
	texts, ok := c.worthOne(ctx, query, args)
	if !ok || !c.setBinary(true) {
		return args, false
	}
	return texts, true
}

// lengthen follows a query in one round trip, and the closing of its rows.
func (c *conn) lengthen() { c.setBinary(false) }

func (c *conn) setBinary(on bool) bool {
	c.one.mu.Lock()
	defer c.one.mu.Unlock()
	if c.one.ended || !c.inner.IsValid() {
		return false
	}
	*c.one.binary = on
	return true
}

// worthOne reports whether a query gets the same answer in one round trip as in
// two, and returns its arguments as text.
//
// The number of arguments must be that of the parameters, which lib/pq checks
// itself between the two: the server's refusal would end a transaction.
func (c *conn) worthOne(ctx context.Context, query string, args []driver.NamedValue) ([]driver.NamedValue, bool) {
	if len(args) > maxParameters || parameters(query) != len(args) || !analyzed(query) {
		return nil, false
	}
	texts := args
	for i := range args {
		switch v := args[i].Value.(type) {
		case nil, int64, float64, bool, time.Time:
		case string:
			if !c.isText(ctx, v) {
				return nil, false
			}
		case []byte:
			var text driver.Value
			if v != nil {
				if bytes.IndexByte(v, '\\') >= 0 || bytes.IndexByte(v, 0) >= 0 {
					return nil, false
				}
				s := string(v)
				if !c.isText(ctx, s) {
					return nil, false
				}
				text = s
			}
			if &texts[0] == &args[0] {
				texts = append([]driver.NamedValue(nil), args...) // the caller may need its own again
			}
			texts[i].Value = text // as []byte it would be sent in binary
		default:
			return nil, false
		}
	}
	return texts, true
}

// isText reports whether s means the same to a bytea as its hexadecimal form, and
// can be read as text.
func (c *conn) isText(ctx context.Context, s string) bool {
	if strings.IndexByte(s, '\\') >= 0 || strings.IndexByte(s, 0) >= 0 {
		return false
	}
	return ascii(s) || utf8.ValidString(s) && c.keepsBytes(ctx)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// keepsBytes reports whether the server stores text as it is sent, which is in
// UTF-8. It asks once, for the first argument that is not in ASCII.
func (c *conn) keepsBytes(ctx context.Context) bool {
	if c.one.encoding == encodingUnasked {
		c.one.encoding = c.askEncoding(ctx)
	}
	return c.one.encoding == encodingKept
}

func (c *conn) askEncoding(ctx context.Context) encoding {
	rows, err := c.inner.QueryContext(ctx, "SHOW server_encoding", nil)
	if err != nil {
		return encodingUnasked // in a failed transaction, for instance
	}
	defer rows.Close()
	var row [1]driver.Value
	if err := rows.Next(row[:]); err != nil {
		return encodingUnasked
	}
	if row[0] == "UTF8" || row[0] == "SQL_ASCII" {
		return encodingKept
	}
	return encodingOther
}

// maxParameters is the protocol's limit.
const maxParameters = 65535

// parameters returns the highest n of $n in a query, or -1 when one of them may stand in a
// literal. Those in comments and names count too: then the number does not fit, and
// the query takes two round trips.
func parameters(query string) int {
	most, quotes := 0, 0
	for {
		at := strings.IndexByte(query, '$')
		if at < 0 {
			return most
		}
		quotes += strings.Count(query[:at], "'")
		query = query[at+1:]
		n := 0
		for i := 0; i < len(query) && query[i] >= '0' && query[i] <= '9' && n <= maxParameters; i++ {
			n = 10*n + int(query[i]-'0')
		}
		if n > 0 && quotes%2 == 1 {
			return -1
		}
		most = max(most, n)
	}
}

// analyzed reports whether a query is one of those whose parameters the server
// looks for. Others have none, whatever their text holds.
func analyzed(query string) bool {
	query = sqltext.Trim(query)
	end := 0
	for end < len(query) && query[end]|0x20 >= 'a' && query[end]|0x20 <= 'z' {
		end++
	}
	for _, word := range []string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "CALL", "VALUES"} {
		if strings.EqualFold(query[:end], word) {
			return true
		}
	}
	return false
}

// txContext is the context of a transaction as lib/pq sees it.
type txContext struct {
	context.Context
	done chan struct{}
}

// Done implements context.Context.
func (c txContext) Done() <-chan struct{} { return c.done }

// holdTx returns the context for lib/pq's BEGIN. It ends with ctx, but never while the switch
// is touched, nor before it.
func (c *conn) holdTx(ctx context.Context) context.Context {
	if c.one.binary == nil || ctx.Done() == nil {
		return ctx
	}
	c.releaseTx()
	held := txContext{ctx, make(chan struct{})}
	c.one.stop = context.AfterFunc(ctx, func() {
		c.one.mu.Lock()
		defer c.one.mu.Unlock()
		c.one.ended = true
		close(held.done)
	})
	return held
}

// releaseTx follows the end of a transaction, when lib/pq looks at its context no
// more.
func (c *conn) releaseTx() {
	if c.one.stop == nil {
		return
	}
	c.one.stop()
	c.one.stop = nil
	c.one.mu.Lock()
	c.one.ended = false
	c.one.mu.Unlock()
}
